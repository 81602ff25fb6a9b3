// Corpora in SQL. As the methods of Store say.
#ifndef ONDELETTE_SERVER_STORE_CORPUS_SQL_H_
#define ONDELETTE_SERVER_STORE_CORPUS_SQL_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/sqlite_connection.h"
#include "server/store/store.h"

namespace ondelette::server {

absl::StatusOr<StoredCorpus> StoreCorpus(Connection& db, const StoredCorpus& corpus,
                                         absl::string_view bytes,
                                         const std::vector<std::string>& ids);
absl::StatusOr<StoredCorpus> CorpusByReference(Connection& db, absl::string_view reference);
absl::StatusOr<Page<StoredCorpus>> CorpusPage(Connection& db, int page_size,
                                              absl::string_view token);
absl::StatusOr<std::string> CorpusBytes(Connection& db, absl::string_view digest, int64_t offset,
                                        int64_t max_bytes);

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_CORPUS_SQL_H_
