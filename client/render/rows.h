// Rows of named columns, written as an aligned table, JSON lines or CSV: the one way the CLI prints
// results.
#ifndef ONDELETTE_CLIENT_RENDER_ROWS_H_
#define ONDELETTE_CLIENT_RENDER_ROWS_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <variant>
#include <vector>

namespace ondelette::client {

enum class Output { kTable, kJson, kCsv };

// One value. std::monostate is "undefined": "-" in tables, null in JSON, empty in CSV. NaN is
// written the same way.
using Cell = std::variant<std::monostate, std::string, int64_t, double, bool>;

struct RowColumn {
  std::string name;   // in JSON and CSV
  std::string title;  // in tables; the name where empty
  int decimals = 4;   // of numbers in tables; JSON and CSV always carry all digits
};

// Collects rows and writes them. Tables need every row for their widths, so they are written by
// Finish(); JSON lines and CSV are written as the rows come, and cost no memory. Not thread-safe.
class RowWriter {
 public:
  // `out` outlives the writer.
  RowWriter(Output output, std::vector<RowColumn> columns, std::ostream& out);

  // As many cells as columns.
  void Add(const std::vector<Cell>& cells);
  // A line between groups of rows; only tables show it.
  void AddSeparator();
  void Finish();

 private:
  std::string TableText(size_t column, const Cell& cell) const;
  void WriteTableRow(const std::vector<std::string>& texts, const std::vector<size_t>& widths);

  const Output output_;
  const std::vector<RowColumn> columns_;
  std::ostream& out_;
  std::vector<std::vector<std::string>> table_;  // an empty row is a separator
  std::vector<bool> numeric_;                    // columns to align right
};

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_RENDER_ROWS_H_
