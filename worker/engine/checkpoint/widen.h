// Stored floating-point elements to float32, looking at each on the way.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_WIDEN_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_WIDEN_H_

#include <span>

#include "absl/status/status.h"
#include "worker/engine/checkpoint/tensor_view.h"

namespace ondelette {

// Converts a tensor of F32, F16, BF16 or F64 into `out`, which has exactly its number of elements.
// F64 is rounded to nearest. Thread-safe. Errors, naming file and tensor:
//   DATA_LOSS CHECKPOINT_NOT_FINITE   the first element that is NaN or infinite, or an F64 too
//   large
//                                     for float32, with its index; `out` is then unspecified
//   INVALID_ARGUMENT CHECKPOINT_DTYPE not a floating-point tensor
//   INTERNAL                          `out` has another size
absl::Status WidenToFloat(const TensorView& tensor, std::span<float> out);

// Looks at each element of a tensor of those types, as WidenToFloat does, and at nothing else.
absl::Status CheckFinite(const TensorView& tensor);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_WIDEN_H_
