#include "server/store/sqlite_connection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::server {
namespace {

constexpr int kBusyMilliseconds = 10000;
constexpr int kSlotBytes = 1200;  // for SQLite's own short-lived memory
constexpr int kSlots = 256;

absl::Status SqliteError(sqlite3* database, int code) {
  const char* message = database == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database);
  switch (code & 0xff) {
    case SQLITE_FULL:
      return MakeError(absl::StatusCode::kUnavailable, "STORE_FULL",
                       absl::StrCat("the store's disk is full: ", message),
                       "make room on the disk of --store, then try again");
    case SQLITE_CONSTRAINT:
      return MakeError(absl::StatusCode::kInternal, "STORE_CONSTRAINT",
                       absl::StrCat("the store refused a row: ", message), "report this error");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return MakeError(absl::StatusCode::kDataLoss, "STORE_CORRUPT",
                       absl::StrCat("the store is damaged: ", message),
                       "restore the file of --store from a copy");
    default:
      return MakeError(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE",
                       absl::StrCat("the store failed: ", message, " (SQLite code ", code, ")"),
                       "look at the disk of --store, then try again");
  }
}

}  // namespace

int64_t ToStoredTime(absl::Time time) {
  return time == absl::InfiniteFuture() ? 0 : absl::ToUnixMicros(time);
}

absl::Time FromStoredTime(int64_t stored) {
  return stored == 0 ? absl::InfiniteFuture() : absl::FromUnixMicros(stored);
}

Statement::Statement(sqlite3* database, sqlite3_stmt* prepared, absl::Status status)
    : database_(database), prepared_(prepared), status_(std::move(status)) {}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      prepared_(std::exchange(other.prepared_, nullptr)),
      status_(std::move(other.status_)) {}

Statement::~Statement() {
  if (prepared_ == nullptr) return;
  sqlite3_reset(prepared_);
  sqlite3_clear_bindings(prepared_);
}

void Statement::Check(int code) {
  if (code != SQLITE_OK && status_.ok()) status_ = SqliteError(database_, code);
}

bool Statement::Step() {
  if (!status_.ok()) return false;
  const int code = sqlite3_step(prepared_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) status_ = SqliteError(database_, code);
  return false;
}

std::string Statement::Text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(prepared_, column));
  const int size = sqlite3_column_bytes(prepared_, column);
  return bytes == nullptr ? std::string() : std::string(bytes, static_cast<size_t>(size));
}

void Statement::Bind(int parameter, int64_t value) {
  if (status_.ok()) Check(sqlite3_bind_int64(prepared_, parameter, value));
}

void Statement::Bind(int parameter, double value) {
  if (status_.ok()) Check(sqlite3_bind_double(prepared_, parameter, value));
}

void Statement::Bind(int parameter, absl::string_view value) {
  if (!status_.ok()) return;
  // An empty view may have no address, which SQLite would take for NULL.
  const char* text = value.empty() ? "" : value.data();
  Check(sqlite3_bind_text64(prepared_, parameter, text, value.size(),
                            lasting_ ? SQLITE_STATIC : SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::Bind(int parameter, Blob value) {
  if (!status_.ok()) return;
  const char* bytes = value.bytes.empty() ? "" : value.bytes.data();
  Check(sqlite3_bind_blob64(prepared_, parameter, bytes, value.bytes.size(), SQLITE_STATIC));
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& path,
                                                             bool read_only) {
  // Nobody asks SQLite for its memory statistics, which cost a lock at every allocation. Refused,
  // and no matter, where SQLite is in use already.
  static const int kWithoutStatistics = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  (void)kWithoutStatistics;
  sqlite3* database = nullptr;
  const int mode = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &database,
                                   mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code != SQLITE_OK) {
    absl::Status status =
        MakeError(absl::StatusCode::kUnavailable, "STORE_UNAVAILABLE",
                  absl::StrCat("cannot open the store ", path, ": ", sqlite3_errstr(code)),
                  "check that its folder is there and may be written to");
    sqlite3_close(database);
    return status;
  }
  sqlite3_busy_timeout(database, kBusyMilliseconds);
  sqlite3_db_config(database, SQLITE_DBCONFIG_LOOKASIDE, nullptr, kSlotBytes, kSlots);
  return std::unique_ptr<Connection>(new Connection(database));
}

Connection::~Connection() {
  for (const auto& [sql, prepared] : prepared_) sqlite3_finalize(prepared);
  sqlite3_close(database_);
}

Statement Connection::Prepare(const std::string& sql) {
  sqlite3_stmt*& prepared = prepared_[sql];
  if (prepared == nullptr) {
    const int code = sqlite3_prepare_v3(database_, sql.c_str(), static_cast<int>(sql.size()) + 1,
                                        SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    if (code != SQLITE_OK) return {database_, nullptr, SqliteError(database_, code)};
  }
  return {database_, prepared, absl::OkStatus()};
}

absl::Status Connection::Script(const std::string& sql) {
  const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : SqliteError(database_, code);
}

void Connection::SetLogListener(std::function<void(int frames)> listener) {
  log_listener_ = std::move(listener);
  auto call = [](void* self, sqlite3*, const char*, int frames) {
    const auto& told = static_cast<Connection*>(self)->log_listener_;
    if (told) told(frames);
    return SQLITE_OK;
  };
  sqlite3_wal_hook(database_, call, this);
}

Transaction::Transaction(Connection& connection, Kind kind)
    : connection_(connection),
      status_(connection.Run(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN")),
      open_(status_.ok()) {}

Transaction::~Transaction() {
  // SQLite has rolled back by itself after some errors; then this one fails and may.
  if (open_) (void)connection_.Run("ROLLBACK");
}

absl::Status Transaction::Commit() {
  absl::Status status = connection_.Run("COMMIT");
  if (status.ok()) open_ = false;
  return status;
}

}  // namespace ondelette::server
