// What torch.save writes for a state dict since PyTorch 1.6 (torch/serialization.py): a zip archive
// with one folder, in which data.pkl is a pickled dict of names to tensors, data/KEY are the bytes
// of the storages the tensors lie in, and byteorder (newer files) says "little".
//
// A tensor is the call torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...), a
// storage the persistent id ("storage", torch.FloatStorage, KEY, location, elements).
#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "worker/engine/checkpoint/file_errors.h"
#include "worker/engine/checkpoint/mapped_file.h"
#include "worker/engine/checkpoint/pickle.h"
#include "worker/engine/checkpoint/strided.h"
#include "worker/engine/checkpoint/weight_file.h"
#include "worker/engine/checkpoint/zip_archive.h"

namespace ondelette {
namespace {

constexpr absl::string_view kOrderedDict = "collections.OrderedDict";
constexpr absl::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr absl::string_view kRebuildParameter = "torch._utils._rebuild_parameter";

struct StorageType {
  absl::string_view name;
  DType dtype;
};

constexpr std::array<StorageType, 10> kStorageTypes{{{"torch.FloatStorage", DType::kF32},
                                                     {"torch.HalfStorage", DType::kF16},
                                                     {"torch.BFloat16Storage", DType::kBF16},
                                                     {"torch.DoubleStorage", DType::kF64},
                                                     {"torch.LongStorage", DType::kI64},
                                                     {"torch.IntStorage", DType::kI32},
                                                     {"torch.ShortStorage", DType::kI16},
                                                     {"torch.CharStorage", DType::kI8},
                                                     {"torch.ByteStorage", DType::kU8},
                                                     {"torch.BoolStorage", DType::kBool}}};

// Every global a state dict may name.
constexpr auto kAllowedGlobals = [] {
  std::array<absl::string_view, 3 + kStorageTypes.size()> names{kOrderedDict, kRebuildTensor,
                                                                kRebuildParameter};
  for (size_t i = 0; i < kStorageTypes.size(); ++i) names[3 + i] = kStorageTypes[i].name;
  return names;
}();

std::optional<DType> StorageDType(absl::string_view name) {
  for (const StorageType& type : kStorageTypes) {
    if (type.name == name) return type.dtype;
  }
  return std::nullopt;
}

class TorchFile : public WeightFile {
 public:
  explicit TorchFile(ZipArchive archive)
      : archive_(std::move(archive)),
        verified_(std::make_unique<std::atomic<bool>[]>(archive_.entries().size())) {}

  const std::vector<TensorView>& tensors() const override { return tensors_; }
  const std::string& path() const override { return archive_.path(); }
  const MappedFile& file() const override { return archive_.file(); }
  absl::Status Verify(const TensorView& tensor) const override;

  // Reads the pickle; everything is refused or everything is in place.
  absl::Status Parse();

 private:
  // A tensor as the pickle describes it, before its bytes are looked up.
  struct Description {
    absl::string_view name;
    const ZipEntry* entry = nullptr;
    DType dtype = DType::kF32;
    int64_t elements = 0;  // of the storage
    Strided layout = {};
  };

  absl::Status FindFolder();
  absl::Status CheckByteOrder() const;
  absl::Status ReadStateDict(const PickleTree& tree);
  absl::Status Add(const PickleTree& tree, absl::string_view name, PickleIndex value);
  absl::Status DescribeStorage(const PickleTree& tree, PickleIndex index, Description& out) const;
  absl::Status AddView(const Description& description);
  absl::Status SortTensors();

  absl::Status Corrupt(absl::string_view name, absl::string_view what) const {
    return CorruptFile(path(), absl::StrCat("tensor ", Quoted(name), " ", what));
  }

  ZipArchive archive_;
  std::string folder_;         // in the archive, with its slash: "archive/"
  std::string pickle_buffer_;  // where the pickle was compressed; owns the names then
  std::vector<TensorView> tensors_;
  std::vector<const ZipEntry*> blocks_;  // of each tensor
  std::vector<std::unique_ptr<std::byte[]>> copies_;
  uint64_t copied_ = 0;                            // bytes in copies_
  std::unique_ptr<std::atomic<bool>[]> verified_;  // by entry
};

absl::Status TorchFile::Verify(const TensorView& tensor) const {
  const ZipEntry* entry = blocks_[static_cast<size_t>(&tensor - tensors_.data())];
  std::atomic<bool>& verified = verified_[static_cast<size_t>(entry - archive_.entries().data())];
  if (verified.load(std::memory_order_relaxed)) return absl::OkStatus();
  absl::Status status = archive_.VerifyChecksum(*entry);
  if (!status.ok()) {
    return Corrupt(tensor.name, absl::StrCat("lies in damaged data: ", status.message()));
  }
  verified.store(true, std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::Status TorchFile::Parse() {
  if (absl::Status found = FindFolder(); !found.ok()) return found;
  if (absl::Status little = CheckByteOrder(); !little.ok()) return little;
  const ZipEntry* entry = archive_.Find(absl::StrCat(folder_, "data.pkl"));
  absl::StatusOr<absl::string_view> pickle = archive_.Read(*entry, kMaxPickleBytes, pickle_buffer_);
  if (!pickle.ok()) return pickle.status();
  absl::StatusOr<PickleTree> tree = ReadPickle(*pickle, kAllowedGlobals, path());
  if (!tree.ok()) return tree.status();
  if (absl::Status read = ReadStateDict(*tree); !read.ok()) return read;
  return SortTensors();
}

absl::Status TorchFile::FindFolder() {
  for (const ZipEntry& entry : archive_.entries()) {
    size_t slash = entry.name.find('/');
    if (slash != absl::string_view::npos && entry.name.substr(slash + 1) == "data.pkl") {
      if (!folder_.empty()) return CorruptFile(path(), "holds more than one data.pkl");
      folder_ = std::string(entry.name.substr(0, slash + 1));
    }
  }
  if (folder_.empty()) {
    return CorruptFile(path(), "is a zip archive without a data.pkl: not written by torch.save");
  }
  return absl::OkStatus();
}

absl::Status TorchFile::CheckByteOrder() const {
  const ZipEntry* entry = archive_.Find(absl::StrCat(folder_, "byteorder"));
  if (entry == nullptr) return absl::OkStatus();  // written before PyTorch 2.1: little
  constexpr uint64_t kLongestWord = 16;
  std::string buffer;
  absl::StatusOr<absl::string_view> order = archive_.Read(*entry, kLongestWord, buffer);
  if (!order.ok()) return order.status();
  if (*order == "little") return absl::OkStatus();
  return UnsupportedFile(path(), absl::StrCat("has the byte order ", Quoted(*order)),
                         "load and save it with torch on a little-endian machine");
}

absl::Status TorchFile::ReadStateDict(const PickleTree& tree) {
  const PickleNode& root = tree[tree.root];
  bool ordered = root.kind == PickleKind::kCall && tree[root.items[0]].text == kOrderedDict &&
                 tree[root.items[1]].items.empty();
  if (!ordered && root.kind != PickleKind::kDict) {
    return CorruptFile(path(), absl::StrCat("holds ", PickleKindName(root.kind),
                                            ", not a state dict of names to tensors"));
  }
  size_t first = ordered ? 2 : 0;
  if ((root.items.size() - first) / 2 > kMaxTensors) {
    return CorruptFile(path(), absl::StrCat("has more than ", kMaxTensors, " tensors"));
  }
  for (size_t i = first; i + 1 < root.items.size(); i += 2) {
    const PickleNode& key = tree[root.items[i]];
    if (key.kind != PickleKind::kString) {
      return CorruptFile(path(), absl::StrCat("names a tensor by ", PickleKindName(key.kind)));
    }
    if (absl::Status added = Add(tree, key.text, root.items[i + 1]); !added.ok()) return added;
  }
  return absl::OkStatus();
}

// The arguments of a call of `global`; nullptr where `index` is something else or has fewer.
const std::vector<PickleIndex>* Arguments(const PickleTree& tree, PickleIndex index,
                                          absl::string_view global, size_t least) {
  const PickleNode& call = tree[index];
  if (call.kind != PickleKind::kCall || tree[call.items[0]].text != global) return nullptr;
  const std::vector<PickleIndex>& arguments = tree[call.items[1]].items;
  return arguments.size() < least ? nullptr : &arguments;
}

bool ReadInts(const PickleTree& tree, PickleIndex index, std::vector<int64_t>& out) {
  const PickleNode& tuple = tree[index];
  if (tuple.kind != PickleKind::kTuple || tuple.items.size() > kMaxDimensions) return false;
  for (PickleIndex item : tuple.items) {
    if (tree[item].kind != PickleKind::kInt) return false;
    out.push_back(tree[item].integer);
  }
  return true;
}

absl::Status TorchFile::Add(const PickleTree& tree, absl::string_view name, PickleIndex value) {
  if (const auto* parameter = Arguments(tree, value, kRebuildParameter, 1)) {
    value = parameter->front();
  }
  const std::vector<PickleIndex>* arguments = Arguments(tree, value, kRebuildTensor, 6);
  if (arguments == nullptr) {
    return Corrupt(name, absl::StrCat("is ", PickleKindName(tree[value].kind),
                                      ", not a tensor: the file is not a plain state dict"));
  }
  Description description{.name = name};
  if (absl::Status storage = DescribeStorage(tree, (*arguments)[0], description); !storage.ok()) {
    return storage;
  }
  const PickleNode& offset = tree[(*arguments)[1]];
  if (offset.kind != PickleKind::kInt ||
      !ReadInts(tree, (*arguments)[2], description.layout.shape) ||
      !ReadInts(tree, (*arguments)[3], description.layout.strides)) {
    return Corrupt(name, absl::StrCat("has an offset, sizes or strides that are not up to ",
                                      kMaxDimensions, " integers"));
  }
  description.layout.offset = offset.integer;
  return AddView(description);
}

absl::Status TorchFile::DescribeStorage(const PickleTree& tree, PickleIndex index,
                                        Description& out) const {
  const PickleNode& persistent = tree[index];
  if (persistent.kind != PickleKind::kPersistent) return Corrupt(out.name, "has no storage");
  const PickleNode& id = tree[persistent.items[0]];
  if (id.kind != PickleKind::kTuple || id.items.size() != 5 ||
      tree[id.items[0]].text != "storage" || tree[id.items[1]].kind != PickleKind::kGlobal ||
      tree[id.items[2]].kind != PickleKind::kString || tree[id.items[4]].kind != PickleKind::kInt) {
    return Corrupt(out.name, "has a storage that torch.save does not write");
  }
  std::optional<DType> dtype = StorageDType(tree[id.items[1]].text);
  if (!dtype) {
    return Corrupt(out.name, absl::StrCat("has the storage type ", tree[id.items[1]].text));
  }
  absl::string_view key = tree[id.items[2]].text;
  out.dtype = *dtype;
  out.elements = tree[id.items[4]].integer;
  out.entry = archive_.Find(absl::StrCat(folder_, "data/", key));
  if (out.entry == nullptr) {
    return Corrupt(out.name,
                   absl::StrCat("lies in storage ", Quoted(key), ", which the file does not hold"));
  }
  std::optional<int64_t> bytes = ByteCount(out.dtype, std::span(&out.elements, 1));
  if (out.entry->deflated || !bytes || static_cast<uint64_t>(*bytes) != out.entry->size) {
    return Corrupt(out.name, absl::StrCat("lies in storage ", Quoted(key), ", said to be ",
                                          out.elements, " elements of ", DTypeName(out.dtype),
                                          ", but it has ", out.entry->size,
                                          out.entry->deflated ? " compressed" : "", " bytes"));
  }
  return absl::OkStatus();
}

absl::Status TorchFile::AddView(const Description& description) {
  const Strided& layout = description.layout;
  if (!LiesWithin(layout, description.elements)) {
    return Corrupt(description.name,
                   absl::StrCat("reaches outside its storage: offset ", layout.offset, ", sizes ",
                                ShapeText(layout.shape), ", strides ", ShapeText(layout.strides),
                                " in ", description.elements, " elements"));
  }
  std::optional<int64_t> size = ByteCount(description.dtype, layout.shape);
  if (!size) return Corrupt(description.name, "has sizes whose product is too large");
  size_t bytes = static_cast<size_t>(*size);
  absl::string_view data = description.entry->data;
  std::span<const std::byte> storage = std::as_bytes(std::span(data.data(), data.size()));
  size_t element = static_cast<size_t>(DTypeSize(description.dtype));
  TensorView view;
  view.name = description.name;
  view.dtype = description.dtype;
  view.shape = layout.shape;
  view.file = path();
  if (bytes == 0) {
    view.bytes = {};
  } else if (IsContiguous(layout)) {
    view.bytes = storage.subspan(static_cast<size_t>(layout.offset) * element, bytes);
  } else {
    // A transposed weight is as large as its storage; only expanded ones are larger than the file.
    copied_ += bytes;
    if (bytes > data.size() || copied_ > 2 * archive_.bytes()) {
      return UnsupportedFile(
          path(),
          absl::StrCat("tensor ", Quoted(description.name), " repeats its elements (strides ",
                       ShapeText(layout.strides), "): it is larger than stored"),
          "call .contiguous() on the tensors before saving them");
    }
    copies_.push_back(std::make_unique<std::byte[]>(bytes));
    std::span<std::byte> copy(copies_.back().get(), bytes);
    CopyStrided(layout, element, storage, copy);
    view.bytes = copy;
  }
  tensors_.push_back(std::move(view));
  blocks_.push_back(description.entry);
  return absl::OkStatus();
}

absl::Status TorchFile::SortTensors() {
  std::vector<size_t> order(tensors_.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [this](size_t a, size_t b) { return tensors_[a].name < tensors_[b].name; });
  std::vector<TensorView> tensors;
  std::vector<const ZipEntry*> blocks;
  tensors.reserve(order.size());
  blocks.reserve(order.size());
  for (size_t i : order) {
    if (!tensors.empty() && tensors.back().name == tensors_[i].name) {
      return Corrupt(tensors_[i].name, "is there twice");
    }
    tensors.push_back(std::move(tensors_[i]));
    blocks.push_back(blocks_[i]);
  }
  tensors_ = std::move(tensors);
  blocks_ = std::move(blocks);
  return absl::OkStatus();
}

// Formats torch has written that are not the zip archive.
absl::Status CheckFormat(const MappedFile& file) {
  absl::string_view bytes = file.bytes();
  if (absl::StartsWith(bytes, "PK\x03\x04")) return absl::OkStatus();
  constexpr absl::string_view kLegacyMagic =
      "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  constexpr size_t kTarMagic = 257;
  if (absl::StartsWith(bytes, kLegacyMagic) ||
      (bytes.size() > kTarMagic && absl::StartsWith(bytes.substr(kTarMagic), "ustar"))) {
    return UnsupportedFile(
        file.path(), "is in the format torch.save wrote before PyTorch 1.6",
        "load it and save it again with a newer PyTorch, or convert it to safetensors");
  }
  return CorruptFile(file.path(), "is not a zip archive as torch.save writes it");
}

}  // namespace

absl::StatusOr<std::unique_ptr<WeightFile>> OpenTorchFile(const std::string& path) {
  absl::StatusOr<MappedFile> file = MapWeights(path);
  if (!file.ok()) return file.status();
  if (absl::Status format = CheckFormat(*file); !format.ok()) return format;
  absl::StatusOr<ZipArchive> archive = ZipArchive::Open(*std::move(file));
  if (!archive.ok()) return archive.status();
  auto result = std::make_unique<TorchFile>(*std::move(archive));
  if (absl::Status parsed = result->Parse(); !parsed.ok()) return parsed;
  return result;
}

}  // namespace ondelette
