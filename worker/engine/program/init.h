// `ondelette-engine init`: a randomly initialised checkpoint, as training would begin with it.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_INIT_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_INIT_H_

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/tensor_view.h"

namespace ondelette::engine {

struct InitShape {
  int64_t layers, hidden, heads, vocab;
};

// The published shape of a Pythia, by name ("pythia-160m" or "160m").
absl::StatusOr<InitShape> PublishedShape(absl::string_view name);

// Writes config.json and model.safetensors of a GPT-NeoX base model (transformers' GPTNeoXModel)
// into `folder`, by the initialisation GPT-NeoX publishes, D = hidden and L = layers:
//   normal(0, 2 / (5 D)) in variance   embedding, query_key_value, dense_h_to_4h  ("small_init")
//   normal(0, 2 / (L sqrt(D)) squared) attention.dense, dense_4h_to_h             ("wang_init")
//   biases 0, norms 1 and 0.
// Every tensor's numbers depend on the seed and its name alone. Tensors are written in pieces:
// memory does not grow with the model. ALREADY_EXISTS where the folder holds a checkpoint.
absl::Status WriteInitialCheckpoint(const InitShape& shape, uint64_t seed, DType dtype,
                                    const std::string& folder);

// The command. Its arguments are those after "init".
absl::Status InitCommand(std::span<const std::string> arguments);
extern const char kInitHelp[];

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_INIT_H_
