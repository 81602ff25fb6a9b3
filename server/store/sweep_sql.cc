#include "server/store/sweep_sql.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/errors/errors.h"
#include "server/store/row_sql.h"

namespace ondelette::server {

bool IsDigestPrefix(absl::string_view text) {
  return text.size() >= 4 && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isxdigit(c) && !absl::ascii_isupper(c);
         });
}

absl::Status BadPageToken() {
  return MakeError(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID",
                   "the page token is not one that was answered",
                   "send the next_page_token of the answer before, or none");
}

absl::StatusOr<StoredSweep> SweepByReference(Connection& db, absl::string_view reference) {
  std::vector<StoredSweep> found;
  absl::Status status =
      ReadAll(db.Query(absl::StrCat(kSelectSweep, "WHERE s.id = ?"), reference), ReadSweep, found);
  if (status.ok() && found.empty()) {
    status = ReadAll(db.Query(absl::StrCat(kSelectSweep,
                                           "WHERE s.name = ? AND s.name <> '' "
                                           "ORDER BY s.number DESC LIMIT 1"),
                              reference),
                     ReadSweep, found);
  }
  if (status.ok() && found.empty() && IsDigestPrefix(reference)) {
    // 'g' is the character after the last hexadecimal digit.
    status = ReadAll(db.Query(absl::StrCat(kSelectSweep, "WHERE s.id >= ? AND s.id < ? LIMIT 2"),
                              reference, absl::StrCat(reference, "g")),
                     ReadSweep, found);
  }
  if (!status.ok()) return status;
  if (found.size() == 1) return std::move(found.front());
  const absl::string_view shown = reference.substr(0, 80);
  if (found.empty()) {
    return MakeError(absl::StatusCode::kNotFound, "SWEEP_UNKNOWN",
                     absl::StrCat("there is no sweep '", shown, "'"), "see `ondelette list`");
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "SWEEP_AMBIGUOUS",
                   absl::StrCat("more than one sweep begins with '", shown, "'"),
                   "write more of its id");
}

absl::StatusOr<Page<StoredSweep>> SweepPage(Connection& db, int page_size,
                                            absl::string_view token) {
  int64_t before = std::numeric_limits<int64_t>::max();
  if (!token.empty() && !absl::SimpleAtoi(token, &before)) return BadPageToken();
  std::vector<int64_t> numbers;
  {
    Statement query =
        db.Query("SELECT number FROM sweeps WHERE number < ? ORDER BY number DESC LIMIT ?", before,
                 page_size + 1);
    while (query.Step()) numbers.push_back(query.Int(0));
    if (!query.status().ok()) return query.status();
  }
  Page<StoredSweep> page;
  if (numbers.size() > static_cast<size_t>(page_size)) {
    numbers.pop_back();
    page.next = absl::StrCat(numbers.back());
  }
  for (int64_t number : numbers) {
    auto sweep = LoadSweep(db, number);
    if (!sweep.ok()) return sweep.status();
    page.items.push_back(*std::move(sweep));
  }
  return page;
}

absl::StatusOr<std::vector<StoredCheckpoint>> CheckpointsOf(Connection& db,
                                                            absl::string_view sweep_id) {
  auto number = SweepNumber(db, sweep_id);
  if (!number.ok()) return number.status();
  std::vector<StoredCheckpoint> checkpoints;
  absl::Status status = ReadAll(
      db.Query(absl::StrCat(kSelectCheckpoint, "WHERE c.sweep = ? ORDER BY c.position"), *number),
      ReadCheckpoint, checkpoints);
  if (!status.ok()) return status;
  return checkpoints;
}

absl::StatusOr<Page<StoredJob>> JobPage(Connection& db, absl::string_view sweep_id,
                                        v1::JobState state, int page_size,
                                        absl::string_view token) {
  auto number = SweepNumber(db, sweep_id);
  if (!number.ok()) return number.status();
  // Rows of checkpoints are numbered in listing order.
  int64_t checkpoint = 0;
  int64_t first = -1;
  if (!token.empty()) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(token, absl::MaxSplits(':', 1));
    if (!absl::SimpleAtoi(parts.first, &checkpoint) || !absl::SimpleAtoi(parts.second, &first))
      return BadPageToken();
  }
  Page<StoredJob> page;
  Statement query = db.Query(
      "SELECT j.id, j.checkpoint, j.first FROM jobs j WHERE j.checkpoint IN "
      "(SELECT id FROM checkpoints WHERE sweep = ?1) AND (j.checkpoint, j.first) > (?2, ?3) "
      "AND (?4 = 0 OR j.state = ?4) ORDER BY j.checkpoint, j.first LIMIT ?5",
      *number, checkpoint, first, static_cast<int>(state), page_size + 1);
  std::string last;
  while (query.Step()) {
    if (page.items.size() == static_cast<size_t>(page_size)) {
      page.next = last;
      break;
    }
    auto job = LoadJob(db, query.Int(0));
    if (!job.ok()) return job.status();
    page.items.push_back(*std::move(job));
    last = absl::StrCat(query.Int(1), ":", query.Int(2));
  }
  if (!query.status().ok()) return query.status();
  return page;
}

absl::StatusOr<std::vector<v1::SweepEvent>> EventsAfter(Connection& db, absl::string_view sweep_id,
                                                        uint64_t cursor, int limit) {
  auto number = SweepNumber(db, sweep_id);
  if (!number.ok()) return number.status();
  // A cursor beyond every integer of the store is one that nothing comes after.
  const auto after =
      static_cast<int64_t>(std::min<uint64_t>(cursor, std::numeric_limits<int64_t>::max()));
  std::vector<v1::SweepEvent> events;
  Statement query = db.Query(
      "SELECT cursor, data FROM events WHERE sweep = ? AND cursor > ? ORDER BY cursor LIMIT ?",
      *number, after, limit);
  while (query.Step()) {
    v1::SweepEvent& event = events.emplace_back();
    if (!event.ParseFromString(query.Text(1))) {
      return MakeError(absl::StatusCode::kDataLoss, "STORE_CORRUPT",
                       absl::StrCat("event ", query.Int(0), " of the store cannot be read"),
                       "restore the file of --store from a copy");
    }
    event.set_cursor(static_cast<uint64_t>(query.Int(0)));
  }
  if (!query.status().ok()) return query.status();
  return events;
}

absl::StatusOr<std::vector<StoredCheckpoint>> ReadyToResolve(Connection& db, int limit,
                                                             absl::Time now) {
  std::vector<StoredCheckpoint> ready;
  absl::Status status = ReadAll(
      db.Query(absl::StrCat(kSelectCheckpoint,
                            "WHERE c.state = 1 AND c.ready_at <= ? ORDER BY c.sweep, c.position "
                            "LIMIT ?"),
               now, limit),
      ReadCheckpoint, ready);
  if (!status.ok()) return status;
  return ready;
}

absl::StatusOr<std::vector<GrantedLease>> AllLeases(Connection& db) {
  std::vector<GrantedLease> leases;
  // One row a lease, where several sweeps share it.
  absl::Status status = ReadAll(
      db.Query(absl::StrCat(kSelectLease, "WHERE j.state = 2 GROUP BY j.key ORDER BY j.id")),
      ReadLease, leases);
  if (!status.ok()) return status;
  return leases;
}

absl::StatusOr<JobCounts> AllJobCounts(Connection& db) {
  Statement query = db.Query(
      "SELECT SUM(total), SUM(queued), SUM(leased), SUM(succeeded), SUM(failed), SUM(cancelled) "
      "FROM sweeps");
  JobCounts counts;
  if (query.Step()) {
    counts = {query.Int(0), query.Int(1), query.Int(2), query.Int(3), query.Int(4), query.Int(5)};
  }
  if (!query.status().ok()) return query.status();
  return counts;
}

}  // namespace ondelette::server
