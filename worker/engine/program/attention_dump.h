// --dump-attention: every measured layer's attention as a safetensors file.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_ATTENTION_DUMP_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_ATTENTION_DUMP_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/engine/checkpoint/safetensors_writer.h"
#include "worker/engine/program/measure.h"
#include "worker/engine/program/sequence.h"

namespace ondelette::engine {

// Not thread-safe. Float32 tensors "SEQUENCE/LAYER" of [heads, n, n], written tile by tile as they
// come; the file has its name after Finish() only.
class AttentionDump {
 public:
  static absl::StatusOr<std::unique_ptr<AttentionDump>> Create(
      const std::string& path, const std::vector<Sequence>& sequences, LayerRange layers,
      int64_t heads);

  // Attention [heads, tile, n] of queries first_query..
  absl::Status Write(const std::string& sequence, int64_t layer, int64_t first_query,
                     const at::Tensor& attention);
  absl::Status Finish() { return writer_->Finish(); }

 private:
  explicit AttentionDump(std::unique_ptr<SafetensorsWriter> writer) : writer_(std::move(writer)) {}

  std::unique_ptr<SafetensorsWriter> writer_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_ATTENTION_DUMP_H_
