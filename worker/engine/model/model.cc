#include "worker/engine/model/model.h"

#include <utility>

#include "worker/engine/model/layer_stream.h"

namespace ondelette::engine {

Model::Model() = default;
Model::~Model() = default;

absl::Status Model::EnterLayer(int64_t index) {
  return stream_ == nullptr ? absl::OkStatus() : stream_->Enter(index);
}

void Model::Stream(std::unique_ptr<LayerStream> stream) { stream_ = std::move(stream); }

}  // namespace ondelette::engine
