#include "worker/engine/model/packed_matrix.h"

#include "worker/engine/lanes/kernels.h"
#include "worker/engine/model/bfloat16_matrix.h"
#ifdef ONDELETTE_DNNL
#include "worker/engine/model/dnnl_matrix.h"
#endif

namespace ondelette::engine {

const std::vector<PackedMatrix::Method>& PackedMatrix::Methods() {
  static const std::vector<Method> methods = [] {
    std::vector<Method> found;
#ifdef ONDELETTE_DNNL
    found.push_back({"oneDNN", MakeDnnlMatrix, DnnlMatrixBytes});
#endif
    if (Kernels().multiply_weight != nullptr) {
      found.push_back({"bfloat16 tiles", MakeBfloat16Matrix, Bfloat16MatrixBytes});
    }
    return found;
  }();
  return methods;
}

}  // namespace ondelette::engine
