#include "server/store/corpus_sql.h"

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "server/store/row_sql.h"
#include "server/store/sweep_sql.h"

namespace ondelette::server {
namespace {

constexpr int64_t kChunkBytes = 1 << 20;

constexpr char kSelectCorpus[] =
    "SELECT c.digest, coalesce(n.name, ''), c.sequences, c.bytes, c.tokenized, c.create_time "
    "FROM corpora c LEFT JOIN corpus_names n ON n.digest = c.digest ";

StoredCorpus ReadCorpusRow(const Statement& row) {
  return {row.Text(0), row.Text(1), row.Int(2), row.Int(3), row.Int(4) != 0, row.Time(5)};
}

absl::Status InsertContents(Connection& db, const StoredCorpus& corpus, absl::string_view bytes,
                            const std::vector<std::string>& ids) {
  absl::Status status =
      db.Run("INSERT INTO corpora VALUES (?, ?, ?, ?, ?)", corpus.digest, corpus.sequences,
             corpus.bytes, corpus.tokenized ? 1 : 0, corpus.create_time);
  for (int64_t ordinal = 0; status.ok() && !bytes.empty(); ++ordinal) {
    const absl::string_view chunk = bytes.substr(0, kChunkBytes);
    status = db.Run("INSERT INTO corpus_chunks VALUES (?, ?, ?)", corpus.digest, ordinal,
                    Statement::Blob{chunk});
    bytes.remove_prefix(chunk.size());
  }
  for (size_t sequence = 0; status.ok() && sequence < ids.size(); ++sequence) {
    status = db.Run("INSERT INTO corpus_sequences VALUES (?, ?, ?)", corpus.digest,
                    static_cast<int64_t>(sequence), ids[sequence]);
  }
  return status;
}

}  // namespace

absl::StatusOr<StoredCorpus> StoreCorpus(Connection& db, const StoredCorpus& corpus,
                                         absl::string_view bytes,
                                         const std::vector<std::string>& ids) {
  bool there = false;
  {
    Statement query = db.Query("SELECT 1 FROM corpora WHERE digest = ?", corpus.digest);
    there = query.Step();
    if (!query.status().ok()) return query.status();
  }
  if (!there) {
    if (absl::Status status = InsertContents(db, corpus, bytes, ids); !status.ok()) return status;
  }
  absl::Status status =
      db.Run("INSERT OR REPLACE INTO corpus_names VALUES (?, ?)", corpus.name, corpus.digest);
  if (!status.ok()) return status;
  return CorpusByReference(db, corpus.name);
}

absl::StatusOr<StoredCorpus> CorpusByReference(Connection& db, absl::string_view reference) {
  std::vector<StoredCorpus> found;
  absl::Status status = ReadAll(
      db.Query(absl::StrCat(kSelectCorpus, "WHERE n.name = ?"), reference), ReadCorpusRow, found);
  if (status.ok() && found.empty() && IsDigestPrefix(reference)) {
    // One row a digest, whatever names it has: the first of them.
    status =
        ReadAll(db.Query(absl::StrCat(kSelectCorpus,
                                      "WHERE c.digest >= ? AND c.digest < ? "
                                      "GROUP BY c.digest HAVING n.name IS min(n.name) LIMIT 2"),
                         reference, absl::StrCat(reference, "g")),
                ReadCorpusRow, found);
  }
  if (!status.ok()) return status;
  if (found.size() == 1) return found.front();
  const absl::string_view shown = reference.substr(0, 80);
  if (found.empty()) {
    return MakeError(absl::StatusCode::kNotFound, "CORPUS_UNKNOWN",
                     absl::StrCat("there is no corpus '", shown, "'"),
                     "upload it with `ondelette corpus add`");
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "CORPUS_AMBIGUOUS",
                   absl::StrCat("more than one corpus begins with '", shown, "'"),
                   "write more of its digest");
}

absl::StatusOr<Page<StoredCorpus>> CorpusPage(Connection& db, int page_size,
                                              absl::string_view token) {
  Page<StoredCorpus> page;
  absl::Status status =
      ReadAll(db.Query(absl::StrCat(kSelectCorpus, "WHERE n.name > ? ORDER BY n.name LIMIT ?"),
                       token, page_size + 1),
              ReadCorpusRow, page.items);
  if (!status.ok()) return status;
  if (page.items.size() > static_cast<size_t>(page_size)) {
    page.items.pop_back();
    page.next = page.items.back().name;
  }
  return page;
}

absl::StatusOr<std::string> CorpusBytes(Connection& db, absl::string_view digest, int64_t offset,
                                        int64_t max_bytes) {
  Statement query =
      db.Query("SELECT substr(data, ?, ?) FROM corpus_chunks WHERE digest = ? AND ordinal = ?",
               offset % kChunkBytes + 1, max_bytes, digest, offset / kChunkBytes);
  std::string bytes;
  if (query.Step()) bytes = query.Text(0);
  if (!query.status().ok()) return query.status();
  return bytes;
}

}  // namespace ondelette::server
