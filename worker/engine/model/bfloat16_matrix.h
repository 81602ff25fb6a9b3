// Packed matrices by tile registers, where the processor has them (lanes/bfloat16_product.h).
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_BFLOAT16_MATRIX_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_BFLOAT16_MATRIX_H_

#include <cstdint>
#include <memory>

#include "worker/engine/model/packed_matrix.h"

namespace ondelette::engine {

absl::StatusOr<std::shared_ptr<const PackedMatrix>> MakeBfloat16Matrix(int64_t out, int64_t in,
                                                                       Precision precision,
                                                                       PackedMatrix::ReadRows read);
int64_t Bfloat16MatrixBytes(int64_t out, int64_t in, Precision precision);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_BFLOAT16_MATRIX_H_
