#include "worker/engine/model/layer_stream.h"

#include <utility>

namespace ondelette::engine {

LayerStream::LayerStream(std::shared_ptr<const Checkpoint> checkpoint,
                         std::vector<std::vector<WantedWeight>> layers, at::Device device)
    : checkpoint_(std::move(checkpoint)), layers_(std::move(layers)), device_(device) {}

LayerStream::~LayerStream() = default;  // a future of std::async waits in its destructor

void LayerStream::StartReading(int64_t layer) {
  reading_ = layer;
  next_ = std::async(std::launch::async, [this, layer]() -> Loaded {
    return ReadWeights(*checkpoint_, layers_[static_cast<size_t>(layer)], device_, nullptr);
  });
}

absl::Status LayerStream::Enter(int64_t layer) {
  if (entered_ == layer) return absl::OkStatus();
  if (entered_ >= 0) {
    for (const WantedWeight& weight : layers_[static_cast<size_t>(entered_)]) DropWeight(weight);
    entered_ = -1;
  }
  if (reading_ != layer) {
    next_ = {};  // another layer that was on its way: a job that ended early asked for it
    StartReading(layer);
  }
  reading_ = -1;
  Loaded loaded = next_.get();
  if (!loaded.ok()) return loaded.status();
  const std::vector<WantedWeight>& wanted = layers_[static_cast<size_t>(layer)];
  for (size_t index = 0; index < wanted.size(); ++index) {
    PutWeight(wanted[index], std::move((*loaded)[index]));
  }
  entered_ = layer;
  if (layer + 1 < static_cast<int64_t>(layers_.size())) StartReading(layer + 1);
  return absl::OkStatus();
}

}  // namespace ondelette::engine
