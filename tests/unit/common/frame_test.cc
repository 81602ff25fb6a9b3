#include "worker/engine/frames/frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "common/errors/errors.h"

namespace ondelette {
namespace {

class FrameTest : public testing::Test {
 protected:
  FrameTest() { EXPECT_EQ(pipe(fds_.data()), 0); }
  ~FrameTest() override {
    close(fds_[0]);
    CloseWriter();
  }
  void CloseWriter() {
    if (fds_[1] >= 0) close(fds_[1]);
    fds_[1] = -1;
  }
  void WriteRaw(const std::string& bytes) {
    ASSERT_EQ(write(fds_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  std::array<int, 2> fds_{};
};

TEST_F(FrameTest, CarriesHeaderAndPayload) {
  std::string payload(3 << 20, '\x7f');
  std::thread writer([&] {
    EXPECT_TRUE(WriteFrame(fds_[1], {{"type", "records"}, {"sequence", 7}}, payload).ok());
    CloseWriter();
  });
  auto frame = ReadFrame(fds_[0]);
  ASSERT_TRUE(frame.ok() && frame->has_value()) << frame.status();
  EXPECT_EQ((*frame)->Type(), "records");
  EXPECT_EQ((*frame)->header["sequence"], 7);
  EXPECT_EQ((*frame)->payload, payload);
  writer.join();
  auto end = ReadFrame(fds_[0]);
  EXPECT_TRUE(end.ok() && !end->has_value());
}

TEST_F(FrameTest, NothingInTimeIsDeadlineExceeded) {
  auto frame = ReadFrame(fds_[0], absl::Now() + absl::Milliseconds(30));
  EXPECT_EQ(frame.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(FrameTest, APeerThatDiesWithinAFrameIsDataLoss) {
  WriteRaw("ODF1");
  CloseWriter();
  EXPECT_EQ(ReadFrame(fds_[0]).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(FrameTest, NoiseAndLyingLengthsAreRefused) {
  WriteRaw("hello, this is a log line");
  EXPECT_EQ(ReadFrame(fds_[0]).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(FrameTest, ALengthWithNothingBehindItIsDataLoss) {
  WriteRaw(std::string("ODF1\x00\x00\xff\x00\x00\x00\x00\x00", 12) + "{}");
  CloseWriter();
  EXPECT_EQ(ReadFrame(fds_[0]).status().code(), absl::StatusCode::kDataLoss);
}

TEST(FrameStatus, SurvivesTheTrip) {
  absl::Status status =
      MakeError(absl::StatusCode::kDataLoss, "CHECKPOINT_CORRUPT", "a.bin is short", "fetch it");
  absl::Status back = StatusFromHeader(StatusToHeader(status));
  EXPECT_EQ(back.code(), status.code());
  EXPECT_EQ(ErrorReason(back), "CHECKPOINT_CORRUPT");
  EXPECT_EQ(ErrorText(back), "a.bin is short (fetch it)");
  EXPECT_EQ(StatusFromHeader(nlohmann::json::object()).code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace ondelette
