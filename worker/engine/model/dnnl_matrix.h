// Packed matrices by oneDNN, where this build has it.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_DNNL_MATRIX_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_DNNL_MATRIX_H_

#include <cstdint>
#include <memory>

#include "worker/engine/model/packed_matrix.h"

namespace ondelette::engine {

absl::StatusOr<std::shared_ptr<const PackedMatrix>> MakeDnnlMatrix(int64_t out, int64_t in,
                                                                   Precision precision,
                                                                   PackedMatrix::ReadRows read);
int64_t DnnlMatrixBytes(int64_t out, int64_t in, Precision precision);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_DNNL_MATRIX_H_
