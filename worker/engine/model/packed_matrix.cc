#include "worker/engine/model/packed_matrix.h"

#include "worker/engine/lanes/kernels.h"
#include "worker/engine/model/packing_methods.h"

namespace ondelette::engine {

const std::vector<PackedMatrix::Method>& PackedMatrix::Methods() {
  static const std::vector<Method> methods = [] {
    std::vector<Method> found;
#ifdef ONDELETTE_DNNL
    found.push_back(DnnlMethod());
#endif
    if (Kernels().multiply_weight != nullptr) found.push_back(Bfloat16Method());
    return found;
  }();
  return methods;
}

}  // namespace ondelette::engine
