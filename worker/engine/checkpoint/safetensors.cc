// The safetensors format (https://github.com/huggingface/safetensors, "Format"): 8 bytes, the
// header's length as a little-endian integer; the header, a JSON object that maps each tensor name
// to its dtype, shape and [begin, end) in the data, and "__metadata__" to strings; the data, which
// the tensors cover without holes or overlaps.
#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/engine/checkpoint/file_errors.h"
#include "worker/engine/checkpoint/json_text.h"
#include "worker/engine/checkpoint/mapped_file.h"
#include "worker/engine/checkpoint/weight_file.h"

namespace ondelette {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "weights are used as they are stored");

constexpr size_t kLengthBytes = 8;
// Some 130 bytes a tensor: room for 120,000 of them.
constexpr uint64_t kMaxHeaderBytes = 16 << 20;

class SafetensorsFile : public WeightFile {
 public:
  explicit SafetensorsFile(MappedFile file) : file_(std::move(file)) {}

  const std::vector<TensorView>& tensors() const override { return tensors_; }
  const std::string& path() const override { return file_.path(); }
  const MappedFile& file() const override { return file_; }
  absl::Status Verify(const TensorView&) const override { return absl::OkStatus(); }

  // Reads the header; everything is refused or everything is in place.
  absl::Status Parse();

 private:
  absl::Status Add(const std::string& name, const json& entry, absl::string_view data);
  absl::Status CheckCover(absl::string_view data) const;
  absl::Status Corrupt(absl::string_view name, absl::string_view what) const {
    return CorruptFile(path(), absl::StrCat("tensor ", Quoted(name), " ", what));
  }

  MappedFile file_;
  json header_;  // owns the names
  std::vector<TensorView> tensors_;
};

// A whole number in [0, 2^63), as nlohmann stores it.
std::optional<int64_t> AsSize(const json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  uint64_t number = value.get<uint64_t>();
  if (number > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  return static_cast<int64_t>(number);
}

absl::Status SafetensorsFile::Parse() {
  absl::string_view bytes = file_.bytes();
  uint64_t length = 0;
  if (bytes.size() < kLengthBytes) {
    return CorruptFile(path(), absl::StrCat("is ", bytes.size(), " bytes long: too short"));
  }
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > bytes.size() - kLengthBytes || length > kMaxHeaderBytes) {
    return CorruptFile(
        path(), absl::StrCat("says its header is ", length, " bytes long; the file has ",
                             bytes.size(), " bytes and a header may have ", kMaxHeaderBytes));
  }
  absl::StatusOr<json> header =
      ParseJsonObject(bytes.substr(kLengthBytes, length), path(), "the header");
  if (!header.ok()) return header.status();
  header_ = *std::move(header);
  if (header_.size() > kMaxTensors) {
    return CorruptFile(path(), absl::StrCat("has more than ", kMaxTensors, " tensors"));
  }
  absl::string_view data = bytes.substr(kLengthBytes + length);
  for (const auto& [name, entry] : header_.items()) {
    if (name == "__metadata__") continue;
    if (absl::Status added = Add(name, entry, data); !added.ok()) return added;
  }
  return CheckCover(data);
}

absl::Status SafetensorsFile::Add(const std::string& name, const json& entry,
                                  absl::string_view data) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string() ||
      !entry.contains("shape") || !entry["shape"].is_array() || !entry.contains("data_offsets") ||
      !entry["data_offsets"].is_array() || entry["data_offsets"].size() != 2) {
    return Corrupt(name, "lacks a dtype, a shape or two data_offsets in the header");
  }
  TensorView view;
  const std::string& dtype = entry["dtype"].get_ref<const std::string&>();
  if (!DTypeFromName(dtype)) return Corrupt(name, absl::StrCat("has dtype ", Quoted(dtype)));
  view.dtype = *DTypeFromName(dtype);
  if (entry["shape"].size() > kMaxDimensions) {
    return Corrupt(name, absl::StrCat("has more than ", kMaxDimensions, " dimensions"));
  }
  for (const json& dimension : entry["shape"]) {
    std::optional<int64_t> size = AsSize(dimension);
    if (!size) return Corrupt(name, "has a dimension that is not a whole number from 0");
    view.shape.push_back(*size);
  }
  std::optional<int64_t> begin = AsSize(entry["data_offsets"][0]);
  std::optional<int64_t> end = AsSize(entry["data_offsets"][1]);
  int64_t limit = static_cast<int64_t>(data.size());
  if (!begin || !end || *begin > *end || *end > limit) {
    return Corrupt(name, absl::StrCat("has data_offsets outside the file's ", limit,
                                      " bytes of data, or reversed"));
  }
  std::optional<int64_t> needed = ByteCount(view.dtype, view.shape);
  if (!needed || *needed != *end - *begin) {
    return Corrupt(name, absl::StrCat("has ", *end - *begin, " bytes, which is not what ", dtype,
                                      " ", ShapeText(view.shape), " needs"));
  }
  view.bytes = std::as_bytes(std::span(data.data() + *begin, static_cast<size_t>(*needed)));
  // header_ is not touched again, so its keys stay where they are.
  view.name = header_.find(name).key();
  view.file = path();
  tensors_.push_back(std::move(view));
  return absl::OkStatus();
}

absl::Status SafetensorsFile::CheckCover(absl::string_view data) const {
  std::vector<const TensorView*> order;
  order.reserve(tensors_.size());
  for (const TensorView& tensor : tensors_) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const TensorView* a, const TensorView* b) {
    return std::pair(a->bytes.data(), a->bytes.size()) <
           std::pair(b->bytes.data(), b->bytes.size());
  });
  // Overlaps first: a tensor that was moved onto another one also leaves a hole.
  for (size_t i = 1; i < order.size(); ++i) {
    const TensorView& before = *order[i - 1];
    if (order[i]->bytes.data() < before.bytes.data() + before.bytes.size()) {
      return Corrupt(order[i]->name, absl::StrCat("overlaps tensor ", Quoted(before.name)));
    }
  }
  const std::byte* base = reinterpret_cast<const std::byte*>(data.data());
  const std::byte* covered = base;
  for (const TensorView* tensor : order) {
    if (tensor->bytes.data() != covered) {
      return Corrupt(tensor->name, absl::StrCat("leaves a hole before it, at byte ", covered - base,
                                                " of the data"));
    }
    covered += tensor->bytes.size();
  }
  if (covered != base + data.size()) {
    return CorruptFile(
        path(), absl::StrCat("has ", data.size(), " bytes of data of which the header names only ",
                             covered - base));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<WeightFile>> OpenSafetensors(const std::string& path) {
  absl::StatusOr<MappedFile> file = MapWeights(path);
  if (!file.ok()) return file.status();
  auto result = std::make_unique<SafetensorsFile>(*std::move(file));
  if (absl::Status parsed = result->Parse(); !parsed.ok()) return parsed;
  return result;
}

}  // namespace ondelette
