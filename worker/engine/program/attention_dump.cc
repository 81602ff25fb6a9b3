#include "worker/engine/program/attention_dump.h"

#include <span>

#include "absl/strings/str_cat.h"

namespace ondelette::engine {
namespace {

std::string TensorName(const std::string& sequence, int64_t layer) {
  return absl::StrCat(sequence, "/", layer);
}

}  // namespace

absl::StatusOr<std::unique_ptr<AttentionDump>> AttentionDump::Create(
    const std::string& path, const std::vector<Sequence>& sequences, LayerRange layers,
    int64_t heads) {
  std::vector<TensorDeclaration> tensors;
  for (const Sequence& sequence : sequences) {
    const auto tokens = static_cast<int64_t>(sequence.tokens.size());
    for (int64_t layer = layers.begin; layer < layers.end; ++layer) {
      tensors.push_back({TensorName(sequence.id, layer), DType::kF32, {heads, tokens, tokens}});
    }
  }
  absl::StatusOr<std::unique_ptr<SafetensorsWriter>> writer =
      SafetensorsWriter::Create(path, tensors);
  if (!writer.ok()) return writer.status();
  return std::unique_ptr<AttentionDump>(new AttentionDump(*std::move(writer)));
}

absl::Status AttentionDump::Write(const std::string& sequence, int64_t layer, int64_t first_query,
                                  const at::Tensor& attention) {
  const at::Tensor tile = attention.to(at::kCPU).contiguous();
  const int64_t rows = tile.size(1), tokens = tile.size(2);
  for (int64_t head = 0; head < tile.size(0); ++head) {
    std::span<const float> values(tile.data_ptr<float>() + head * rows * tokens,
                                  static_cast<size_t>(rows * tokens));
    const int64_t first = (head * tokens + first_query) * tokens;
    absl::Status status =
        writer_->Write(TensorName(sequence, layer), first * static_cast<int64_t>(sizeof(float)),
                       std::as_bytes(values));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace ondelette::engine
