// Matrix products on the CPU with weights that are reordered once: two to three times as fast as
// LibTorch 1.13's linear by oneDNN, and that twice over where the processor has tile registers
// (lanes/bfloat16_product.h).
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_PACKED_MATRIX_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_PACKED_MATRIX_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/engine/model/activations.h"

namespace ondelette::engine {

// The type that holds every number of a weight, at the least.
enum class Precision { kFloat32, kFloat16, kBfloat16 };

// A weight [out, in]. Immutable. Holds its own copy.
class PackedMatrix {
 public:
  // Writes rows first..first+count-1 of a weight, each after the other.
  using ReadRows = absl::FunctionRef<absl::Status(int64_t first, int64_t count, float* into)>;

  // A way of doing it.
  struct Method {
    const char* name;
    // Packs the rows as they are read, so many at a time that they stay in a processor's cache.
    // `precision` is that of the numbers. Errors are those of `read`.
    absl::StatusOr<std::shared_ptr<const PackedMatrix>> (*make)(int64_t out, int64_t in,
                                                                Precision precision, ReadRows read);
    // Of such a matrix in memory.
    int64_t (*bytes)(int64_t out, int64_t in, Precision precision);
  };
  // Those that this build and processor have, the fastest last; none is possible.
  static const std::vector<Method>& Methods();
  virtual ~PackedMatrix() = default;

  // activation(x W^T + b) for x [n, in] and a bias [out] or none, into `out` [n, out], all float32
  // and contiguous. A row of the result is the same, bit for bit, whatever rows are beside it.
  virtual void Product(const at::Tensor& x, const at::Tensor& bias,
                       std::optional<Activation> activation, const at::Tensor& out) const = 0;
  virtual int64_t out() const = 0;
  // Whether several threads may be in Product at once, each with rows of its own.
  virtual bool concurrent() const = 0;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_PACKED_MATRIX_H_
