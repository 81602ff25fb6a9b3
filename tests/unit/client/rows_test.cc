#include "client/render/rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

namespace ondelette::client {
namespace {

std::string Write(Output output) {
  std::ostringstream out;
  RowWriter rows(output, {{"name", "", 0}, {"value", "a value", 2}, {"count", "", 0}}, out);
  rows.Add({std::string("é, \"x\"\n"), 1.23456789, int64_t{7}});
  rows.AddSeparator();
  rows.Add({std::string("b"), std::nan(""), int64_t{1234567}});
  rows.Add({std::string("c"), 1.2e-7, Cell()});
  rows.Finish();
  return out.str();
}

TEST(Rows, TablesLineUpAndHideControlCharacters) {
  EXPECT_EQ(Write(Output::kTable),
            "name     a value    count\n"
            "é, \"x\"?     1.23        7\n"
            "-------------------------\n"
            "b              -  1234567\n"
            "c        1.2e-07        -\n");
}

TEST(Rows, CsvQuotesAndKeepsAllDigits) {
  EXPECT_EQ(Write(Output::kCsv),
            "name,value,count\n"
            "\"é, \"\"x\"\"\n\",1.23456789,7\n"
            "b,,1234567\n"
            "c,1.2e-07,\n");
}

TEST(Rows, JsonIsALineARowWithNullForUndefined) {
  EXPECT_EQ(Write(Output::kJson),
            "{\"name\":\"é, \\\"x\\\"\\n\",\"value\":1.23456789,\"count\":7}\n"
            "{\"name\":\"b\",\"value\":null,\"count\":1234567}\n"
            "{\"name\":\"c\",\"value\":1.2e-07,\"count\":null}\n");
}

}  // namespace
}  // namespace ondelette::client
