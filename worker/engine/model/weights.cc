#include "worker/engine/model/weights.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "worker/engine/checkpoint/widen.h"
#include "worker/engine/model/large_memory.h"

namespace ondelette::engine {
namespace {

// Bytes of the files that are on their way before they are looked at.
constexpr int64_t kReadAhead = int64_t{48} << 20;

// Which values of a tensor [rows] or [rows, columns], row-major, are read: all of a transposed one,
// whose choice is among its columns.
RowBlocks StoredRows(const WantedWeight& wanted) {
  if (wanted.rows.period == 0 || wanted.transposed) return {wanted.shape[0], 0, wanted.shape[0]};
  return wanted.rows;
}

// Part of a tensor of several rows.
TensorView SomeRows(const TensorView& view, int64_t first, int64_t count) {
  const size_t row = view.bytes.size() / static_cast<size_t>(view.shape[0]);
  TensorView some = view;
  some.shape[0] = count;
  some.bytes =
      view.bytes.subspan(static_cast<size_t>(first) * row, static_cast<size_t>(count) * row);
  return some;
}

// A float32 tensor in memory of its own that goes back to the system with it.
at::Tensor LargeTensor(at::IntArrayRef shape, at::ScalarType type) {
  size_t bytes = c10::elementSize(type);
  for (int64_t dimension : shape) bytes *= static_cast<size_t>(dimension);
  auto memory = std::make_shared<LargeMemory>(bytes);
  return at::from_blob(
      memory->data(), shape, [memory](void*) {}, at::TensorOptions().dtype(type));
}

std::optional<at::ScalarType> StoredType(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return at::kFloat;
    case DType::kF16:
      return at::kHalf;
    case DType::kBF16:
      return at::kBFloat16;
    default:
      return std::nullopt;
  }
}

Precision PrecisionOf(DType stored) {
  if (stored == DType::kBF16) return Precision::kBfloat16;
  return stored == DType::kF16 ? Precision::kFloat16 : Precision::kFloat32;
}

// How matrices are packed there; nullptr where they are LibTorch's.
const PackedMatrix::Method* MethodOn(at::Device device) {
  const std::vector<PackedMatrix::Method>& methods = PackedMatrix::Methods();
  return device.is_cpu() && !methods.empty() ? &methods.back() : nullptr;
}

int64_t Elements(const WantedWeight& wanted) {
  int64_t elements = 1;
  for (int64_t dimension : wanted.shape) elements *= dimension;  // checked against the file before
  if (wanted.rows.period != 0) elements = elements / wanted.rows.period * wanted.rows.count;
  return elements;
}

// Makes of stored tensors what the network computes with.
class Reader {
 public:
  explicit Reader(at::Device device) : device_(device) {}

  absl::StatusOr<LoadedWeight> Read(const WantedWeight& wanted, const TensorView& view) const {
    if (wanted.embedding != nullptr) return ReadTable(view);
    if (wanted.tensor != nullptr) return ReadTensor(wanted, view);
    return ReadMatrix(wanted, view);
  }

 private:
  // Chosen rows first..first+count-1, one after the other.
  static absl::Status Widen(const RowBlocks& rows, const TensorView& view, int64_t first,
                            int64_t count, float* out) {
    const int64_t width = view.shape.size() == 1 ? 1 : view.shape[1];
    while (count > 0) {
      const int64_t inside = first % rows.count, some = std::min(count, rows.count - inside);
      const int64_t stored = first / rows.count * rows.period + rows.first + inside;
      const std::span<float> into(out, static_cast<size_t>(some * width));
      absl::Status status = WidenToFloat(SomeRows(view, stored, some), into);
      if (!status.ok()) return status;
      first += some;
      count -= some;
      out += into.size();
    }
    return absl::OkStatus();
  }

  absl::StatusOr<LoadedWeight> ReadTensor(const WantedWeight& wanted,
                                          const TensorView& view) const {
    std::vector<int64_t> shape = wanted.shape;
    const RowBlocks rows = StoredRows(wanted);
    shape[0] = shape[0] / rows.period * rows.count;
    at::Tensor values = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
    absl::Status status = Widen(rows, view, 0, shape[0], values.data_ptr<float>());
    if (!status.ok()) return status;
    return LoadedWeight{values.to(device_), nullptr};
  }

  absl::StatusOr<LoadedWeight> ReadTable(const TensorView& view) const {
    const std::optional<at::ScalarType> type = StoredType(view.dtype);
    at::Tensor table = LargeTensor(view.shape, type.value_or(at::kFloat));
    if (!type) {
      std::span<float> out(table.data_ptr<float>(), static_cast<size_t>(table.numel()));
      if (absl::Status status = WidenToFloat(view, out); !status.ok()) return status;
    } else {
      if (absl::Status status = CheckFinite(view); !status.ok()) return status;
      std::memcpy(table.data_ptr(), view.bytes.data(), view.bytes.size());
    }
    return LoadedWeight{table.to(device_), nullptr};
  }

  absl::StatusOr<LoadedWeight> ReadMatrix(const WantedWeight& wanted,
                                          const TensorView& view) const {
    if (wanted.transposed) return ReadTransposed(wanted, view);
    const RowBlocks rows = StoredRows(wanted);
    const int64_t out = wanted.shape[0] / rows.period * rows.count, in = wanted.shape[1];
    return Place(out, in, view.dtype, [&](int64_t first, int64_t count, float* into) {
      return Widen(rows, view, first, count, into);
    });
  }

  absl::StatusOr<LoadedWeight> ReadTransposed(const WantedWeight& wanted,
                                              const TensorView& view) const {
    at::Tensor stored = at::empty(wanted.shape, at::TensorOptions().dtype(at::kFloat));
    const std::span<float> all(stored.data_ptr<float>(), static_cast<size_t>(stored.numel()));
    if (absl::Status status = WidenToFloat(view, all); !status.ok()) return status;
    at::Tensor matrix = stored.t();
    if (wanted.rows.period != 0) matrix = matrix.narrow(0, wanted.rows.first, wanted.rows.count);
    const auto read = [&](int64_t first, int64_t count, float* into) {
      at::from_blob(into, {count, matrix.size(1)}, at::kFloat)
          .copy_(matrix.narrow(0, first, count));
      return absl::OkStatus();
    };
    return Place(matrix.size(0), matrix.size(1), view.dtype, read);
  }

  absl::StatusOr<LoadedWeight> Place(int64_t out, int64_t in, DType stored,
                                     PackedMatrix::ReadRows read) const {
    if (const PackedMatrix::Method* method = MethodOn(device_)) {
      absl::StatusOr<std::shared_ptr<const PackedMatrix>> packed =
          method->make(out, in, PrecisionOf(stored), read);
      if (!packed.ok()) return packed.status();
      return LoadedWeight{{}, *std::move(packed)};
    }
    at::Tensor matrix = LargeTensor({out, in}, at::kFloat);
    if (absl::Status status = read(0, out, matrix.data_ptr<float>()); !status.ok()) return status;
    return LoadedWeight{matrix.to(device_), nullptr};
  }

  const at::Device device_;
};

// The tensors in the order of their bytes in the files, handed out one by one, the next ones on
// their way from the disk. Thread-safe.
class Queue {
 public:
  struct Item {
    size_t index;  // among the wanted
    TensorView view;
  };

  Queue(const Checkpoint& checkpoint, std::vector<Item> items)
      : checkpoint_(checkpoint), items_(std::move(items)) {
    std::stable_sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
      return a.view.bytes.data() < b.view.bytes.data();
    });
  }

  // nullptr at the end, and once a reader has failed.
  const Item* Next() {
    std::lock_guard lock(mutex_);
    if (taken_ == items_.size() || !status_.ok()) return nullptr;
    const Item& item = items_[taken_++];
    ahead_ -= Bytes(item);
    while (sent_ < items_.size() && ahead_ < kReadAhead) {
      checkpoint_.ReadAhead(items_[sent_].view.name);
      ahead_ += Bytes(items_[sent_++]);
    }
    return &item;
  }

  void Fail(absl::Status status) {
    std::lock_guard lock(mutex_);
    status_.Update(status);
  }
  absl::Status status() const { return status_; }  // after the readers have ended

 private:
  static int64_t Bytes(const Item& item) { return static_cast<int64_t>(item.view.bytes.size()); }

  const Checkpoint& checkpoint_;
  std::vector<Item> items_;
  std::mutex mutex_;  // guards what follows
  size_t taken_ = 0;
  size_t sent_ = 0;    // asked for ahead
  int64_t ahead_ = 0;  // bytes asked for and not taken
  absl::Status status_;
};

// What has been loaded, told to the caller of ReadWeights by its own thread.
class Progress {
 public:
  Progress(const LoadProgress& tell, int64_t total) : tell_(tell), total_(total) {}

  void Add(int64_t bytes) {
    const int64_t done = done_.fetch_add(bytes) + bytes;
    if (std::this_thread::get_id() == caller_) Tell(done);
  }
  void Finish() {
    if (total_ != told_) Tell(total_);
  }

 private:
  void Tell(int64_t done) {
    told_ = done;
    if (tell_) tell_(done, total_);
  }

  const LoadProgress& tell_;
  const int64_t total_;
  const std::thread::id caller_ = std::this_thread::get_id();
  std::atomic<int64_t> done_ = 0;
  int64_t told_ = 0;  // the caller's thread's alone
};

}  // namespace

int64_t LoadedBytes(const Checkpoint& checkpoint, const WantedWeight& wanted, at::Device device) {
  if (!wanted.needed) return 0;
  const int64_t elements = Elements(wanted);
  if (wanted.tensor != nullptr) return elements * static_cast<int64_t>(sizeof(float));
  absl::StatusOr<TensorView> view = checkpoint.Find(wanted.name, wanted.shape);
  const DType stored = view.ok() ? view->dtype : DType::kF32;
  if (wanted.embedding != nullptr && StoredType(stored)) return elements * DTypeSize(stored);
  const PackedMatrix::Method* method = wanted.matrix != nullptr ? MethodOn(device) : nullptr;
  if (method == nullptr) return elements * static_cast<int64_t>(sizeof(float));
  const int64_t in = wanted.shape[wanted.transposed ? 0 : 1];
  return method->bytes(elements / in, in, PrecisionOf(stored));
}

absl::Status CheckWeights(const Checkpoint& checkpoint, const std::vector<WantedWeight>& wanted) {
  for (const WantedWeight& weight : wanted) {
    absl::StatusOr<TensorView> view = checkpoint.Find(weight.name, weight.shape);
    if (!view.ok()) return view.status();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<LoadedWeight>> ReadWeights(const Checkpoint& checkpoint,
                                                      const std::vector<WantedWeight>& wanted,
                                                      at::Device device, const LoadProgress& tell) {
  std::vector<Queue::Item> items;
  int64_t total = 0;
  for (size_t index = 0; index < wanted.size(); ++index) {
    if (!wanted[index].needed) continue;
    absl::StatusOr<TensorView> view = checkpoint.Find(wanted[index].name, wanted[index].shape);
    if (!view.ok()) return view.status();
    items.push_back({index, *std::move(view)});
    total += LoadedBytes(checkpoint, wanted[index], device);
  }
  const Reader reader(device);
  Queue queue(checkpoint, std::move(items));
  Progress progress(tell, total);
  std::vector<LoadedWeight> loaded(wanted.size());
  at::parallel_for(0, at::get_num_threads(), 1, [&](int64_t, int64_t) {
    while (const Queue::Item* item = queue.Next()) {
      const WantedWeight& weight = wanted[item->index];
      if (absl::Status sound = checkpoint.Verify(weight.name); !sound.ok()) {
        return queue.Fail(sound);
      }
      absl::StatusOr<LoadedWeight> value = reader.Read(weight, item->view);
      if (!value.ok()) return queue.Fail(value.status());
      loaded[item->index] = *std::move(value);
      checkpoint.Release(weight.name);
      progress.Add(LoadedBytes(checkpoint, weight, device));
    }
  });
  if (!queue.status().ok()) return queue.status();
  progress.Finish();
  return loaded;
}

void PutWeight(const WantedWeight& wanted, LoadedWeight loaded) {
  if (!wanted.needed) return;
  if (wanted.tensor != nullptr) *wanted.tensor = std::move(loaded.tensor);
  if (wanted.embedding != nullptr) wanted.embedding->table = std::move(loaded.tensor);
  if (wanted.matrix == nullptr) return;
  wanted.matrix->weight = std::move(loaded.tensor);
  wanted.matrix->packed = std::move(loaded.packed);
}

void DropWeight(const WantedWeight& wanted) { PutWeight(wanted, {}); }

}  // namespace ondelette::engine
