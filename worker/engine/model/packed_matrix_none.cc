// Where oneDNN is not there, or LibTorch brings one of another version (the CUDA build).
#include "worker/engine/model/packed_matrix.h"

namespace ondelette::engine {

std::shared_ptr<const PackedMatrix> PackedMatrix::Make(const at::Tensor& /*weight*/) {
  return nullptr;
}

}  // namespace ondelette::engine
