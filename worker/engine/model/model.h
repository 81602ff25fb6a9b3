// A transformer as the engine runs it: token ids in, one layer's attention after the other out, for
// one sequence at a time. There is no LM head, no final norm and no cache.
//
// All arithmetic is float32. LibTorch's exceptions (out of memory, a lost device) pass through
// every function here; program/guard.h turns them into a status at the program's edge.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_MODEL_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_MODEL_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>

#include "worker/engine/lanes/lane_block.h"

namespace ondelette::engine {

// Who looks at a layer's attention: nobody, or one of the two. What is shown is the model's again
// when the call returns; the whole [heads, n, n] never exists.
struct AttentionObserver {
  // Tiles of consecutive queries, first_query rising from 0: float32 [heads, up to tile_queries,
  // n], every row a query's probabilities over all n keys, zero where masked.
  std::function<void(int64_t first_query, const at::Tensor& attention)> tiles = {};
  int64_t tile_queries = 1;
  // On the CPU: blocks of lanes, a head's in the order of its queries; those of different heads at
  // the same time on several threads.
  std::function<void(const LaneBlock& block)> lanes = {};
};

// What one sequence carries from layer to layer.
struct HiddenStates {
  at::Tensor tokens;  // [n, hidden]
  at::Tensor
      encoded;  // [n, hidden]: the encoder's output that a decoder attends to, else undefined
};

// Immutable once loaded: const methods may be called from several threads, on one device.
class Model {
 public:
  virtual ~Model() = default;

  // Layers that are loaded, counted from the first.
  virtual int64_t layers() const = 0;
  virtual int64_t heads() const = 0;
  virtual int64_t vocabulary() const = 0;
  // Whether a query sees no key after it.
  virtual bool causal() const { return true; }
  // Whether A[:m, :m] is the attention of the first m tokens alone. A causal decoder that attends
  // to an encoder's output is not: the encoder sees all tokens.
  virtual bool prefix_exact() const { return causal(); }
  virtual at::Device device() const = 0;

  // The hidden states before layer 0. Every token is in [0, vocabulary()).
  virtual HiddenStates Embed(std::span<const int32_t> tokens) const = 0;

  // Runs layer `index` on the hidden states of one sequence whose positions are 0..n-1, and shows
  // its self-attention to `observer`. Where the output is not needed (after the last layer that is
  // measured), value product, projection and MLP are not computed and the states stay as they are.
  virtual void Layer(int64_t index, HiddenStates& hidden, const AttentionObserver& observer,
                     bool output_needed) const = 0;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_MODEL_H_
