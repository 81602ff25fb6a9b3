// A transformer as the engine runs it: token ids in, one layer's attention after the other out, for
// several passes at once. There is no LM head, no final norm and no cache.
//
// A pass is one run of the network over one sequence, or over a shortened one. Norms, matrices and
// MLPs see the tokens of all passes as the rows of one matrix, so that a weight is read once for
// all of them; attention is each pass's own. What a pass comes to depends on no other pass: on CPUs
// bit for bit.
//
// All arithmetic is float32. LibTorch's exceptions (out of memory, a lost device) pass through
// every function here; program/guard.h turns them into a status at the program's edge.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_MODEL_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_MODEL_H_

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "worker/engine/lanes/lane_block.h"
#include "worker/engine/teams/arguments.h"

namespace ondelette::engine {

class LayerStream;

// Who looks at a layer's attention: nobody, or one of the three. What is shown is the model's again
// when the call returns; the whole [heads, n, n] never exists.
struct AttentionObserver {
  // Tiles of consecutive queries, first_query rising from 0: float32 [heads, up to tile_queries,
  // keys], every row a query's probabilities over the first keys, zero where masked: of causal
  // attention those that some query of the tile sees, else all n.
  std::function<void(int64_t first_query, const at::Tensor& attention)> tiles = {};
  int64_t tile_queries = 128;
  // In place of tiles: a tile's scores before their softmax, to be read, on the model's device.
  std::function<void(const SoftmaxArguments& rows)> scores = {};
  // Probabilities are made by the kernel of teams, a GPU's way.
  bool by_teams = false;
  // On the CPU: blocks of lanes, a head's in the order of its queries; those of different heads at
  // the same time on several threads.
  std::function<void(const LaneBlock& block)> lanes = {};
};

// Asked once a pass, in order, right before its attention: who looks at it.
using PassObservers = absl::FunctionRef<AttentionObserver(size_t pass)>;

// What passes carry from layer to layer.
struct HiddenStates {
  std::vector<int64_t> lengths;  // of the passes, in tokens
  at::Tensor tokens;             // [rows, hidden]: the tokens of pass 0, then those of pass 1, ...
  at::Tensor encoded;  // [rows, hidden]: the encoder's output that a decoder attends to, else
                       // undefined
};

// Held weights never change: const methods may then be called from several threads. On one device.
class Model {
 public:
  Model();
  virtual ~Model();

  // Layers that are loaded, counted from the first. Of the last only the attention is: its output
  // is never computed, nor are the weights loaded that it would take.
  virtual int64_t layers() const = 0;
  virtual int64_t heads() const = 0;
  virtual int64_t vocabulary() const = 0;
  // Whether a query sees no key after it.
  virtual bool causal() const { return true; }
  // Whether A[:m, :m] is the attention of the first m tokens alone. A causal decoder that attends
  // to an encoder's output is not: the encoder sees all tokens.
  virtual bool prefix_exact() const { return causal(); }
  virtual at::Device device() const = 0;

  // The hidden states of these passes before layer 0. Every token is in [0, vocabulary()), and no
  // pass is empty.
  virtual HiddenStates Embed(std::span<const std::span<const int32_t>> passes) const = 0;

  // Runs layer `index` on passes whose positions are 0..n-1 each, and shows their self-attention to
  // the observers. After the last layer the states stay as they are.
  virtual void Layer(int64_t index, HiddenStates& states, PassObservers observers) const = 0;

  // Where a network does not fit into memory, its layers' weights are streamed: read, used and
  // dropped, one layer after the other. Then all passes of a job go through a layer before any goes
  // on, and EnterLayer comes before the first of them: it waits until the layer's weights are there,
  // drops those of the layer before and has the next ones read meanwhile. Errors are LoadModel's.
  // Where the weights are held, passes may come and go as they like and EnterLayer does nothing.
  bool streamed() const { return stream_ != nullptr; }
  absl::Status EnterLayer(int64_t index);
  void Stream(std::unique_ptr<LayerStream> stream);

 private:
  std::unique_ptr<LayerStream> stream_;  // nullptr where the weights are held
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_MODEL_H_
