// The functions between an MLP's two matrices (transformers' ACT2FN; their names are read by
// checkpoint/model_config).
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_ACTIVATIONS_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_ACTIVATIONS_H_

#include <ATen/core/Tensor.h>

#include "worker/engine/checkpoint/model_config.h"

namespace ondelette::engine {

at::Tensor Activate(Activation activation, const at::Tensor& x);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_ACTIVATIONS_H_
