// Products with a weight on processors whose tile registers multiply bfloat16 matrices (x86-64's AMX):
// float32 numbers as sums of bfloat16 ones.
//
// A float32 has 24 significant bits and is the sum of three bfloat16 numbers of 8 bits each, its
// pieces, largest first; a float16 of two, a bfloat16 of itself. Of the products of pieces those are
// summed whose orders add up to two or less (x0 w0; x0 w1, x1 w0; x0 w2, x1 w1, x2 w0): what is left out
// is 2^-24 of the whole. Sums are float32's. So the result is as near to the exact one as a float32
// sum's (measured: a third of its error), three to six tile products taking the place of one float32 one
// and costing a sixteenth each. (As oneMKL's float_to_bf16x3 and cuBLAS's BF16x9 do.)
#ifndef ONDELETTE_WORKER_ENGINE_LANES_BFLOAT16_PRODUCT_H_
#define ONDELETTE_WORKER_ENGINE_LANES_BFLOAT16_PRODUCT_H_

#include <cstdint>

#include "worker/engine/lanes/lane_activation.h"

namespace ondelette::engine {

// Outputs that are packed, and computed, together.
inline constexpr int64_t kPanelOutputs = 32;

// A weight [out, in], packed by panels of kPanelOutputs outputs.
struct Bfloat16Weight {
  int64_t out, in;
  int pieces;              // of its numbers: 1 to 3
  const uint16_t* packed;  // Bfloat16Numbers(out, in, pieces), aligned to 64 bytes

  int64_t panels() const { return (out + kPanelOutputs - 1) / kPanelOutputs; }
};

// How many bfloat16 numbers a packed weight has.
int64_t Bfloat16Numbers(int64_t out, int64_t in, int pieces);

// activation(x W^T + bias) for some rows and panels.
struct Bfloat16Product {
  const Bfloat16Weight* weight;
  const float* x;  // [rows, in]
  int64_t rows;
  int64_t first_panel, end_panel;
  const float* bias;  // [out], or nullptr
  LaneActivation activation;
  float* into;     // [rows, out]: the panels' columns are written
  float* scratch;  // kBfloat16Scratch numbers, aligned to 64 bytes
};

inline constexpr int64_t kBfloat16Scratch = 256 << 10;

namespace lane_kernels {

// Packs `count` rows of W from row `first` on, a multiple of kPanelOutputs. What the last panel has
// no rows for is zeroed with them.
using PackWeight = void(const float* rows, int64_t first, int64_t count,
                        const Bfloat16Weight& shape, uint16_t* packed);
// A row of the result does not depend on what rows are beside it.
using MultiplyWeight = void(const Bfloat16Product& product);

}  // namespace lane_kernels

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_BFLOAT16_PRODUCT_H_
