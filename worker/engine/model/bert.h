// BERT (arXiv 1810.04805).
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_BERT_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_BERT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "common/spec/spec.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/model.h"
#include "worker/engine/model/placement.h"

namespace ondelette::engine {

// Tensor names are those of BertForMaskedLM ("bert." before each) or of BertModel, the norms' old ones
// too. Of tied embeddings cls.predictions.decoder.weight will do. All tokens are of type 0. Of the
// spec, position_embeddings zero leaves the learned ones out, unread.
absl::StatusOr<std::unique_ptr<Model>> LoadBert(std::shared_ptr<const Checkpoint> checkpoint,
                                                const Spec& spec, const LoadOptions& options);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_BERT_H_
