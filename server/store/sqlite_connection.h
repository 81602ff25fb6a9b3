// SQLite with absl::Status: a connection, its statements and its transactions.
#ifndef ONDELETTE_SERVER_STORE_SQLITE_CONNECTION_H_
#define ONDELETTE_SERVER_STORE_SQLITE_CONNECTION_H_

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ondelette::server {

// Microseconds since 1970: how times are stored. An infinite future is 0.
int64_t ToStoredTime(absl::Time time);
absl::Time FromStoredTime(int64_t stored);

// A prepared statement in use. It remembers the first error of its bindings and steps, so that a
// row can be read without a check after every line:
//
//   Statement query = connection.Query("SELECT a, b FROM t WHERE c = ?", c);
//   while (query.Step()) use(query.Int(0), query.Text(1));
//   if (!query.status().ok()) return query.status();
//
// Movable; not thread-safe; must not outlive its connection. Text is copied; a Blob's bytes must
// live as long as the statement.
class Statement {
 public:
  Statement(sqlite3* database, sqlite3_stmt* prepared, absl::Status status);
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;

  // The next row; false at the end and after an error.
  bool Step();
  const absl::Status& status() const { return status_; }

  int64_t Int(int column) const { return sqlite3_column_int64(prepared_, column); }
  double Real(int column) const { return sqlite3_column_double(prepared_, column); }
  absl::Time Time(int column) const { return FromStoredTime(Int(column)); }
  // Text or blob.
  std::string Text(int column) const;

  void Bind(int parameter, int64_t value);
  void Bind(int parameter, int value) { Bind(parameter, static_cast<int64_t>(value)); }
  void Bind(int parameter, uint64_t value) { Bind(parameter, static_cast<int64_t>(value)); }
  void Bind(int parameter, double value);
  void Bind(int parameter, absl::Time value) { Bind(parameter, ToStoredTime(value)); }
  void Bind(int parameter, absl::string_view value);
  void Bind(int parameter, const std::string& value) { Bind(parameter, absl::string_view(value)); }
  void Bind(int parameter, const char* value) { Bind(parameter, absl::string_view(value)); }

  // Bytes, bound as a BLOB.
  struct Blob {
    absl::string_view bytes;
  };
  void Bind(int parameter, Blob value);

 private:
  friend class Connection;
  void Check(int code);

  sqlite3* database_;
  sqlite3_stmt* prepared_;  // owned by the connection's cache; null after a failed preparation
  absl::Status status_;
  bool lasting_ = false;  // bound text lives as long as the statement, and need not be copied
};

// One connection. Not thread-safe.
class Connection {
 public:
  // Opens or creates the file. A read connection refuses to write.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& path, bool read_only);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Prepares (or finds again) a statement and binds its parameters from the first on. A statement
  // must be done with before the same text is asked for again.
  template <typename... Values>
  Statement Query(const std::string& sql, const Values&... values) {
    Statement statement = Prepare(sql);
    int parameter = 0;
    (statement.Bind(++parameter, values), ...);
    return statement;
  }

  // Runs a statement that answers no rows.
  template <typename... Values>
  absl::Status Run(const std::string& sql, const Values&... values) {
    Statement statement = Prepare(sql);
    statement.lasting_ = true;  // `values` live until it has been stepped
    int parameter = 0;
    (statement.Bind(++parameter, values), ...);
    statement.Step();
    return statement.status();
  }

  // Several statements at once, without parameters.
  absl::Status Script(const std::string& sql);

  // Calls `listener` after every transaction that wrote, with the number of frames that the
  // write-ahead log then has. SQLite moves the log into the database no longer by itself.
  void SetLogListener(std::function<void(int frames)> listener);

  int64_t LastInsertId() const { return sqlite3_last_insert_rowid(database_); }
  int64_t Changes() const { return sqlite3_changes64(database_); }

 private:
  explicit Connection(sqlite3* database) : database_(database) {}
  Statement Prepare(const std::string& sql);

  sqlite3* database_;
  std::unordered_map<std::string, sqlite3_stmt*> prepared_;
  std::function<void(int frames)> log_listener_;
};

// BEGIN IMMEDIATE or (for reads) BEGIN; rolled back unless committed.
class Transaction {
 public:
  enum class Kind { kRead, kWrite };
  Transaction(Connection& connection, Kind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  const absl::Status& status() const { return status_; }  // of its beginning
  absl::Status Commit();

 private:
  Connection& connection_;
  absl::Status status_;
  bool open_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_STORE_SQLITE_CONNECTION_H_
