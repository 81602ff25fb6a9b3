// From a tile of scores to probabilities: scale, bias, softcap, mask and softmax of an AttentionRule.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_ATTENTION_SCORES_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_ATTENTION_SCORES_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "worker/engine/model/attention.h"
#include "worker/engine/teams/arguments.h"

namespace ondelette::engine {

// Products of queries first_query.. and keys first_key..: [heads, queries, keys] float32, contiguous.
// The keys reach to the last query's at least, where the rule is causal.
struct ScoreTile {
  at::Tensor scores;
  int64_t first_query, first_key;
};

// The tile as the kernels of teams take it. The rule's bias must lie in one piece and outlive it.
SoftmaxArguments RowsOf(const ScoreTile& tile, const AttentionRule& rule);

// Takes the scores over; returns probabilities of the same shape, exactly 0 where masked. By tensors
// on any device,
at::Tensor SoftmaxByTensors(const ScoreTile& tile, const AttentionRule& rule);
// or by the kernel of teams, each score read and written once: a GPU's way.
at::Tensor SoftmaxByTeams(const ScoreTile& tile, const AttentionRule& rule);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_ATTENTION_SCORES_H_
