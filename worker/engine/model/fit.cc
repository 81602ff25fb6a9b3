#include "worker/engine/model/fit.h"

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::engine {
namespace {

absl::Status Mismatch(absl::string_view what, absl::string_view remedy) {
  return MakeError(absl::StatusCode::kInvalidArgument, "SPEC_MODEL_MISMATCH",
                   absl::StrCat("spec field ", what), remedy);
}

}  // namespace

absl::Status CheckSpecFitsModel(const Spec& spec, const ModelConfig& config) {
  const absl::string_view name = ArchitectureName(config.architecture);
  if (spec.stack == Stack::kDecoder && config.decoder_layers == 0) {
    return Mismatch(absl::StrCat("'stack' is decoder, and a ", name, " network has only one stack"),
                    "leave out stack; it is for encoder-decoder networks (T5)");
  }
  if (spec.position_embeddings == PositionEmbeddings::kZero && config.learned_positions == 0) {
    return Mismatch(absl::StrCat("'position_embeddings' is zero, and a ", name,
                                 " network has none that are learned"),
                    "leave out position_embeddings; it is for GPT-2 and BERT");
  }
  if (config.learned_positions != 0 && spec.position_embeddings == PositionEmbeddings::kKept &&
      spec.tokens > config.learned_positions) {
    return Mismatch(absl::StrCat("'tokens' is ", spec.tokens, ", and this ", name, " network has ",
                                 config.learned_positions, " learned positions"),
                    absl::StrCat("set tokens to ", config.learned_positions, " or less"));
  }
  return absl::OkStatus();
}

int64_t StackLayers(const Spec& spec, const ModelConfig& config) {
  return spec.stack == Stack::kDecoder ? config.decoder_layers : config.layers;
}

}  // namespace ondelette::engine
