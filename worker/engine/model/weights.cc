#include "worker/engine/model/weights.h"

#include <ATen/ops/empty.h>

#include <span>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "worker/engine/checkpoint/widen.h"
#include "worker/engine/model/memory.h"

namespace ondelette::engine {
namespace {

int64_t FloatBytes(const WantedWeight& weight) {
  int64_t bytes = sizeof(float);
  for (int64_t dimension : weight.shape) bytes *= dimension;  // checked against the file before
  return bytes;
}

absl::Status CheckMemory(const Checkpoint& checkpoint, int64_t needed, at::Device device) {
  const int64_t available = AvailableMemory(device);
  if (needed <= available) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "MODEL_TOO_LARGE",
      absl::StrCat(checkpoint.folder(), ": its weights take ", needed >> 20,
                   " MiB as float32, and ", available >> 20, " MiB are free on ", device.str()),
      "use a machine or device with more memory, or a smaller model");
}

absl::Status LoadWeight(const TensorView& view, at::Device device, const WantedWeight& weight) {
  at::Tensor host = at::empty(view.shape, at::TensorOptions().dtype(at::kFloat));
  std::span<float> out(host.data_ptr<float>(), static_cast<size_t>(host.numel()));
  if (absl::Status status = WidenToFloat(view, out); !status.ok()) return status;
  *weight.into = host.to(device);
  if (weight.transposed) *weight.into = weight.into->t();
  return absl::OkStatus();
}

}  // namespace

absl::Status LoadWeights(const Checkpoint& checkpoint, const std::vector<WantedWeight>& wanted,
                         at::Device device, LoadProgress progress) {
  std::vector<TensorView> views;
  int64_t total = 0;
  for (const WantedWeight& weight : wanted) {
    absl::StatusOr<TensorView> view = checkpoint.Tensor(weight.name, weight.shape);
    if (!view.ok()) return view.status();
    views.push_back(*std::move(view));
    total += FloatBytes(weight);
  }
  if (absl::Status status = CheckMemory(checkpoint, total, device); !status.ok()) return status;
  int64_t done = 0;
  for (size_t index = 0; index < wanted.size(); ++index) {
    absl::Status status = LoadWeight(views[index], device, wanted[index]);
    if (!status.ok()) return status;
    done += FloatBytes(wanted[index]);
    progress(done, total);
  }
  return absl::OkStatus();
}

}  // namespace ondelette::engine
