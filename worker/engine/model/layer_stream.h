// Weights that do not fit into memory: a layer's at a time.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_LAYER_STREAM_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_LAYER_STREAM_H_

#include <cstdint>
#include <future>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/large_memory.h"
#include "worker/engine/model/weights.h"

namespace ondelette::engine {

// Gives the layers of a network their weights one after the other; the next one's are read by
// another thread meanwhile. So no more than two layers' are in memory, and each is read once for all
// that happens between Enter(0) and the last layer. Not thread-safe. Keeps the checkpoint open.
class LayerStream {
 public:
  // By layer, what it needs. Those places live as long as they are entered.
  LayerStream(std::shared_ptr<const Checkpoint> checkpoint,
              std::vector<std::vector<WantedWeight>> layers, at::Device device);
  ~LayerStream();  // waits for what is being read

  // The layer's weights are in place, and no other's, when this returns. Errors are ReadWeights'.
  // LibTorch's exceptions pass through.
  absl::Status Enter(int64_t layer);

 private:
  using Loaded = absl::StatusOr<std::vector<LoadedWeight>>;
  void StartReading(int64_t layer);

  const LargeMemory::Keep keep_;  // what a layer leaves, the layer after the next takes
  const std::shared_ptr<const Checkpoint> checkpoint_;
  const std::vector<std::vector<WantedWeight>> layers_;
  const at::Device device_;
  int64_t entered_ = -1;
  int64_t reading_ = -1;  // what `next_` will have, or -1
  std::future<Loaded> next_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_LAYER_STREAM_H_
