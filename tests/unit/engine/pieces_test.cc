// Pieces of the engine's program that need no process of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <new>
#include <stdexcept>

#include "common/errors/errors.h"
#include "worker/engine/program/guard.h"
#include "worker/engine/program/record_line.h"
#include "worker/engine/program/runtime.h"

namespace ondelette::engine {
namespace {

TEST(RecordLineTest, WritesListsNullsAndNumbersThatComeBack) {
  const std::vector<Column> columns{{"a", -1}, {"b", 0},  {"b", 1},
                                    {"c", 0},  {"d", -1}, {kNonFiniteRows, -1}};
  EXPECT_EQ(RecordLine(columns, "s \"1\"", 3, 4,
                       std::vector<float>{0.1f, 1e-7f, NAN, 16777216.0f, INFINITY, 0}),
            "{\"sequence\": \"s \\\"1\\\"\", \"layer\": 3, \"head\": 4, \"metrics\": {\"a\": 0.1, "
            "\"b\": [1e-07, null], \"c\": [16777216], \"d\": null}}\n");
  EXPECT_EQ(RecordLine({{"a", -1}, {kNonFiniteRows, -1}}, "s", 0, 0, std::vector<float>{NAN, 2}),
            "{\"sequence\": \"s\", \"layer\": 0, \"head\": 0, \"non_finite_rows\": 2, "
            "\"metrics\": {\"a\": null}}\n");
}

TEST(BlasTest, IsNamedByWhatIsMapped) {
  EXPECT_EQ(BlasName("7f /usr/lib/x86_64-linux-gnu/openblas-openmp/libblas.so.3\n", false),
            "OpenBLAS");
  EXPECT_EQ(BlasName("7f /usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0\n", false),
            "reference BLAS");
  EXPECT_EQ(BlasName("", true), "MKL");
  EXPECT_EQ(BlasName("", false), "unknown");
}

TEST(GuardTest, TurnsExceptionsIntoStatuses) {
  EXPECT_TRUE(Guard([] { return absl::OkStatus(); }).ok());
  auto thrown = [](const auto& error) { return Guard([&]() -> absl::Status { throw error; }); };
  EXPECT_EQ(ErrorReason(thrown(std::bad_alloc())), "ENGINE_OUT_OF_MEMORY");
  EXPECT_EQ(ErrorReason(thrown(std::runtime_error(
                "DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"))),
            "ENGINE_OUT_OF_MEMORY");
  const absl::Status device =
      thrown(std::runtime_error("CUDA error: an illegal memory access was encountered\nmore"));
  EXPECT_TRUE(DeviceLost(device));
  EXPECT_EQ(device.message(),
            "the device failed: CUDA error: an illegal memory access was encountered");
  EXPECT_EQ(ErrorReason(thrown(std::logic_error("shapes"))), "ENGINE_FAULT");
}

}  // namespace
}  // namespace ondelette::engine
