// The ways of packing matrices (PackedMatrix::Method), each where its build or processor has it.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_PACKING_METHODS_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_PACKING_METHODS_H_

#include "worker/engine/model/packed_matrix.h"

namespace ondelette::engine {

// By oneDNN, in builds with ONDELETTE_DNNL.
PackedMatrix::Method DnnlMethod();
// By tile registers (lanes/bfloat16_product.h), where Kernels() has multiply_weight.
PackedMatrix::Method Bfloat16Method();

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_PACKING_METHODS_H_
