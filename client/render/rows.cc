#include "client/render/rows.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace ondelette::client {
namespace {

// Characters on the screen: UTF-8 continuation bytes take no place.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// Names come from users: control characters must not reach the terminal.
std::string Printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

nlohmann::ordered_json ToJson(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* whole = std::get_if<int64_t>(&cell)) return *whole;
  if (const auto* flag = std::get_if<bool>(&cell)) return *flag;
  if (const auto* number = std::get_if<double>(&cell); number != nullptr && std::isfinite(*number))
    return *number;
  return nullptr;
}

std::string ToCsv(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    if (text->find_first_of(",\"\r\n") == std::string::npos) return *text;
    return "\"" + absl::StrReplaceAll(*text, {{"\"", "\"\""}}) + "\"";
  }
  nlohmann::ordered_json json = ToJson(cell);
  return json.is_null() ? "" : json.dump();
}

}  // namespace

RowWriter::RowWriter(Output output, std::vector<RowColumn> columns, std::ostream& out)
    : output_(output), columns_(std::move(columns)), out_(out), numeric_(columns_.size(), false) {
  if (output_ != Output::kCsv) return;
  for (size_t i = 0; i < columns_.size(); ++i)
    out_ << (i == 0 ? "" : ",") << ToCsv(columns_[i].name);
  out_ << '\n';
}

void RowWriter::Add(const std::vector<Cell>& cells) {
  assert(cells.size() == columns_.size());
  if (output_ == Output::kJson) {
    nlohmann::ordered_json row;
    for (size_t i = 0; i < columns_.size(); ++i) row[columns_[i].name] = ToJson(cells[i]);
    out_ << row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    return;
  }
  if (output_ == Output::kCsv) {
    for (size_t i = 0; i < columns_.size(); ++i) out_ << (i == 0 ? "" : ",") << ToCsv(cells[i]);
    out_ << '\n';
    return;
  }
  std::vector<std::string> texts;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (std::holds_alternative<int64_t>(cells[i]) || std::holds_alternative<double>(cells[i]))
      numeric_[i] = true;
    texts.push_back(TableText(i, cells[i]));
  }
  table_.push_back(std::move(texts));
}

void RowWriter::AddSeparator() {
  if (output_ == Output::kTable) table_.emplace_back();
}

std::string RowWriter::TableText(size_t column, const Cell& cell) const {
  if (const auto* text = std::get_if<std::string>(&cell)) return Printable(*text);
  if (const auto* whole = std::get_if<int64_t>(&cell)) return absl::StrFormat("%d", *whole);
  if (const auto* flag = std::get_if<bool>(&cell)) return *flag ? "yes" : "no";
  const auto* number = std::get_if<double>(&cell);
  if (number == nullptr || !std::isfinite(*number)) return "-";
  double size = std::abs(*number);
  // Numbers too small for the column's decimals would all look like zero.
  if (size > 0 && size < 0.5 * std::pow(10.0, -columns_[column].decimals))
    return absl::StrFormat("%.1e", *number);
  return absl::StrFormat("%.*f", columns_[column].decimals, *number);
}

void RowWriter::WriteTableRow(const std::vector<std::string>& texts,
                              const std::vector<size_t>& widths) {
  std::string line;
  for (size_t i = 0; i < texts.size(); ++i) {
    std::string padding(widths[i] - Width(texts[i]), ' ');
    if (i > 0) line += "  ";
    line += numeric_[i] ? padding + texts[i] : texts[i] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out_ << line << '\n';
}

void RowWriter::Finish() {
  if (output_ != Output::kTable) return;
  std::vector<std::string> titles;
  std::vector<size_t> widths;
  size_t total = 0;
  for (size_t i = 0; i < columns_.size(); ++i) {
    titles.push_back(columns_[i].title.empty() ? columns_[i].name : columns_[i].title);
    widths.push_back(Width(titles.back()));
    for (const auto& row : table_) {
      if (!row.empty()) widths[i] = std::max(widths[i], Width(row[i]));
    }
    total += widths[i] + (i == 0 ? 0 : 2);
  }
  WriteTableRow(titles, widths);
  for (const auto& row : table_) {
    if (row.empty()) {
      out_ << std::string(total, '-') << '\n';
    } else {
      WriteTableRow(row, widths);
    }
  }
  table_.clear();
}

}  // namespace ondelette::client
