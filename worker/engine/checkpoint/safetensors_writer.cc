#include "worker/engine/checkpoint/safetensors_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "worker/engine/checkpoint/file_errors.h"

namespace ondelette {
namespace {

using nlohmann::ordered_json;

constexpr size_t kAlignment = 8;  // the header is padded so that the data begins aligned

std::string Partial(absl::string_view path) { return absl::StrCat(path, ".partial"); }

absl::Status Misuse(absl::string_view path, absl::string_view name, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": tensor ", Quoted(name), " ", what));
}

// The header's JSON, padded with spaces.
std::string HeaderText(const ordered_json& header) {
  std::string text = header.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SafetensorsWriter>> SafetensorsWriter::Create(
    const std::string& path, const std::vector<TensorDeclaration>& tensors,
    const std::map<std::string, std::string>& metadata) {
  ordered_json header = ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::map<std::string, Slot, std::less<>> slots;
  int64_t end = 0;
  for (const TensorDeclaration& tensor : tensors) {
    std::optional<int64_t> size = ByteCount(tensor.dtype, tensor.shape);
    int64_t begin = end;
    if (!size || __builtin_add_overflow(end, *size, &end)) {
      return Misuse(path, tensor.name, "has an impossible shape");
    }
    if (!slots.try_emplace(tensor.name, Slot{begin, *size, 0}).second) {
      return Misuse(path, tensor.name, "is declared twice");
    }
    header.push_back({tensor.name,
                      {{"dtype", std::string(DTypeName(tensor.dtype))},
                       {"shape", tensor.shape},
                       {"data_offsets", {begin, end}}}});
  }
  std::string text = HeaderText(header);
  uint64_t length = text.size();
  for (auto& [name, slot] : slots) slot.begin += static_cast<int64_t>(sizeof(length) + length);

  int descriptor = open(Partial(path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return SystemError(Partial(path), "create", errno);
  std::unique_ptr<SafetensorsWriter> writer(new SafetensorsWriter(path, descriptor));
  writer->slots_ = std::move(slots);
  text.insert(0, reinterpret_cast<const char*>(&length), sizeof(length));
  absl::Status written = writer->WriteAll(0, std::as_bytes(std::span(text.data(), text.size())));
  if (!written.ok()) return written;
  return writer;
}

SafetensorsWriter::~SafetensorsWriter() {
  if (fd_ < 0) return;
  close(fd_);
  std::remove(Partial(path_).c_str());
}

absl::Status SafetensorsWriter::WriteAll(int64_t position, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t count = pwrite(fd_, bytes.data(), bytes.size(), position);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(Partial(path_), "write", errno);
    position += count;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

absl::Status SafetensorsWriter::Write(absl::string_view name, int64_t offset,
                                      std::span<const std::byte> bytes) {
  auto found = slots_.find(name);
  if (found == slots_.end()) return Misuse(path_, name, "was not declared");
  Slot& slot = found->second;
  int64_t size = static_cast<int64_t>(bytes.size());
  if (offset < 0 || offset > slot.size || size > slot.size - offset) {
    return Misuse(path_, name,
                  absl::StrCat("has ", slot.size, " bytes, not ", size, " at ", offset));
  }
  if (absl::Status written = WriteAll(slot.begin + offset, bytes); !written.ok()) return written;
  slot.written += size;
  return absl::OkStatus();
}

absl::Status SafetensorsWriter::Finish() {
  for (const auto& [name, slot] : slots_) {
    if (slot.written == slot.size) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        path_, ": tensor ", Quoted(name), " got ", slot.written, " of its ", slot.size, " bytes"));
  }
  if (fsync(fd_) != 0) return SystemError(Partial(path_), "flush", errno);
  if (std::rename(Partial(path_).c_str(), path_.c_str()) != 0) {
    return SystemError(path_, "rename", errno);
  }
  close(std::exchange(fd_, -1));
  return absl::OkStatus();
}

}  // namespace ondelette
