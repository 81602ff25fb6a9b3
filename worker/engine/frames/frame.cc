#include "worker/engine/frames/frame.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette {
namespace {

// Waits until fd can be read. OK, or DEADLINE_EXCEEDED.
absl::Status WaitReadable(int fd, absl::Time deadline) {
  while (true) {
    int timeout = -1;
    if (deadline != absl::InfiniteFuture()) {
      absl::Duration left = std::max(deadline - absl::Now(), absl::ZeroDuration());
      timeout = static_cast<int>(std::min<int64_t>(absl::ToInt64Milliseconds(left) + 1, 1 << 30));
      if (left == absl::ZeroDuration()) timeout = 0;
    }
    pollfd entry{fd, POLLIN, 0};
    int ready = poll(&entry, 1, timeout);
    if (ready > 0) return absl::OkStatus();
    if (ready == 0 && absl::Now() >= deadline)
      return absl::DeadlineExceededError("no frame in time");
    if (ready < 0 && errno != EINTR) {
      return absl::DataLossError(absl::StrCat("cannot wait for a frame: ", std::strerror(errno)));
    }
  }
}

// Reads up to `size` bytes; fewer only at the end of the file.
absl::StatusOr<size_t> ReadBytes(int fd, char* out, size_t size, absl::Time deadline) {
  size_t have = 0;
  while (have < size) {
    if (absl::Status status = WaitReadable(fd, deadline); !status.ok()) return status;
    ssize_t got = read(fd, out + have, size - have);
    if (got == 0) break;
    if (got < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return absl::DataLossError(absl::StrCat("cannot read a frame: ", std::strerror(errno)));
    }
    have += static_cast<size_t>(got);
  }
  return have;
}

absl::Status WriteBytes(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    ssize_t put = write(fd, bytes, size);
    if (put < 0) {
      if (errno == EINTR) continue;
      return absl::AbortedError(absl::StrCat("cannot write a frame: ", std::strerror(errno)));
    }
    bytes += put;
    size -= static_cast<size_t>(put);
  }
  return absl::OkStatus();
}

// Reads exactly `size` bytes in pieces, so that a lying length costs no memory that was not sent.
absl::Status ReadString(int fd, size_t size, absl::Time deadline, std::string& out) {
  constexpr size_t kPiece = 1 << 20;
  out.clear();
  while (out.size() < size) {
    size_t at = out.size();
    out.resize(at + std::min(kPiece, size - at));
    absl::StatusOr<size_t> got = ReadBytes(fd, out.data() + at, out.size() - at, deadline);
    if (!got.ok()) return got.status();
    if (*got < out.size() - at) return absl::DataLossError("the peer ended within a frame");
  }
  return absl::OkStatus();
}

}  // namespace

std::string Frame::Type() const {
  auto type = header.find("type");
  return type != header.end() && type->is_string() ? type->get<std::string>() : "";
}

absl::StatusOr<std::optional<Frame>> ReadFrame(int fd, absl::Time deadline) {
  std::array<uint32_t, 3> prefix{};
  absl::StatusOr<size_t> got =
      ReadBytes(fd, reinterpret_cast<char*>(prefix.data()), sizeof(prefix), deadline);
  if (!got.ok()) return got.status();
  if (*got == 0) return std::optional<Frame>();
  if (*got < sizeof(prefix)) return absl::DataLossError("the peer ended within a frame");
  if (prefix[0] != kFrameMagic || prefix[1] > kLargestHeader || prefix[2] > kLargestPayload) {
    return absl::DataLossError("what came over the pipe is not a frame");
  }
  std::string header;
  Frame frame;
  if (absl::Status status = ReadString(fd, prefix[1], deadline, header); !status.ok())
    return status;
  if (absl::Status status = ReadString(fd, prefix[2], deadline, frame.payload); !status.ok())
    return status;
  frame.header = nlohmann::json::parse(header, nullptr, /*allow_exceptions=*/false);
  if (!frame.header.is_object())
    return absl::DataLossError("a frame's header is not a JSON object");
  return std::optional<Frame>(std::move(frame));
}

absl::Status WriteFrame(int fd, const nlohmann::json& header, absl::string_view payload) {
  std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() > kLargestHeader || payload.size() > kLargestPayload) {
    return absl::InvalidArgumentError(
        absl::StrCat("a frame of ", text.size(), " + ", payload.size(), " bytes is too large"));
  }
  const std::array<uint32_t, 3> prefix{kFrameMagic, static_cast<uint32_t>(text.size()),
                                       static_cast<uint32_t>(payload.size())};
  text.insert(0, reinterpret_cast<const char*>(prefix.data()), sizeof(prefix));
  if (absl::Status status = WriteBytes(fd, text.data(), text.size()); !status.ok()) return status;
  return WriteBytes(fd, payload.data(), payload.size());
}

nlohmann::json StatusToHeader(const absl::Status& status) {
  return {{"type", "failed"},
          {"code", static_cast<int>(status.code())},
          {"reason", ErrorReason(status)},
          {"message", std::string(status.message())},
          {"remedy", ErrorRemedy(status)}};
}

absl::Status StatusFromHeader(const nlohmann::json& header) {
  auto text = [&header](const char* field) {
    auto value = header.find(field);
    return value != header.end() && value->is_string() ? value->get<std::string>() : std::string();
  };
  auto code = header.find("code");
  int number = code != header.end() && code->is_number_integer() ? code->get<int>() : 0;
  if (number < 1 || number > 16) number = static_cast<int>(absl::StatusCode::kInternal);
  return MakeError(static_cast<absl::StatusCode>(number), text("reason"), text("message"),
                   text("remedy"));
}

}  // namespace ondelette
