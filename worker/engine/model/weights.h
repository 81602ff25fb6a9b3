// Checkpoint tensors as the network's float32 tensors on its device.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_WEIGHTS_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_WEIGHTS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "worker/engine/checkpoint/checkpoint.h"

namespace ondelette::engine {

// A tensor the network needs, and where it goes.
struct WantedWeight {
  std::string name;  // as it stands in the checkpoint
  std::vector<int64_t> shape;
  at::Tensor* into;
  bool transposed = false;  // a matrix that `into` gets the transpose of, as a view
};

// Called after every tensor with the float32 bytes loaded so far and in all.
using LoadProgress = absl::FunctionRef<void(int64_t bytes_done, int64_t bytes_total)>;

// Fills every wanted tensor. First all of them are found and their shapes compared, then the memory
// they need as float32 is compared with what is free, and only then the first is allocated. Errors
// are Checkpoint::Tensor's (missing, another shape), FAILED_PRECONDITION MODEL_TOO_LARGE with the
// numbers, and WidenToFloat's (NaN or Inf); each names file and tensor.
absl::Status LoadWeights(const Checkpoint& checkpoint, const std::vector<WantedWeight>& wanted,
                         at::Device device, LoadProgress progress);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_WEIGHTS_H_
