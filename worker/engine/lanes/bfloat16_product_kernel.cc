// Compiled for tile registers (AMX) alone.
#include "worker/engine/lanes/activation_lanes.h"
#include "worker/engine/lanes/bfloat16_product.h"
#include "worker/engine/lanes/bfloat16_tiles.h"
#include "worker/engine/lanes/kernel_functions.h"

namespace ondelette::engine {
namespace {

// A block's sums are registers 0 to 3: [4][16][16].
constexpr int64_t kBlockSums = kBlockRows * kPanelOutputs;
constexpr int64_t kMostBlocks = 16;
// A depth is what one register holds of the inner sum. So many of x's are packed together, blocks
// and depths multiplied: they stay in the second-level cache.
constexpr int64_t kPackedDepths = 128;
constexpr int64_t kMostDepths = 64;  // of one block
static_assert(kPackedDepths * kPieces * 2 * kTile / 2 + kMostBlocks * kBlockSums <=
              kBfloat16Scratch);

// Packs depths first..first+depths-1 of blocks of rows: [blocks][depths][kPieces][2][kTile].
void PackBlocks(const Bfloat16Product& product, int64_t first_row, int64_t blocks, int64_t first,
                int64_t depths, uint16_t* left) {
  const int64_t in = product.weight->in;
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t row = first_row + block * kBlockRows;
    PackLeft(product.x + row * in, in, product.rows - row, in, first, depths,
             left + block * depths * kPieces * 2 * kTile);
  }
}

// sums += left times right, over so many depths.
template <int pieces>
void AddBlock(const uint16_t* left, const uint16_t* right, int64_t depths, bool fresh,
              float* sums) {
  TileMemoryBarrier();
  if (fresh) {
    ZeroSums();
  } else {
    LoadSums(sums);
  }
  MultiplyDepths<pieces>(left, right, depths);
  StoreSums(sums, sums + 256, sums + 512, sums + 768);
  TileMemoryBarrier();
}

using Multiply = void(const uint16_t* left, const uint16_t* right, int64_t depths, bool fresh,
                      float* sums);

// Calls `each(sums, into, count, column)` with the sixteens of a block that are there.
template <typename Each>
inline void ForSixteens(const Bfloat16Product& product, int64_t first_row, int64_t panel,
                        float* sums, Each each) {
  const int64_t out = product.weight->out;
  const int64_t rows = Least(kBlockRows, product.rows - first_row);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t half = 0; half < 2; ++half) {
      const int64_t column = panel * kPanelOutputs + half * kLanes;
      if (column >= out) continue;
      each(sums + (row / kTileRows * 2 + half) * 256 + row % kTileRows * kLanes,
           product.into + (first_row + row) * out + column, Least(kLanes, out - column), column);
    }
  }
}

// A panel of so many blocks, over packed depths. Where there are depths before or after these, the
// sums so far are in `into`.
void MultiplyPanel(const Bfloat16Product& product, Multiply* multiply, int64_t first_row,
                   int64_t blocks, int64_t first, int64_t depths, int64_t panel,
                   const uint16_t* left, float* sums) {
  const Bfloat16Weight& weight = *product.weight;
  const int64_t all = Depths(weight.in);
  const uint16_t* right = weight.packed + (panel * all + first) * weight.pieces * 2 * kTile;
  if (first > 0) {
    for (int64_t block = 0; block < blocks; ++block) {
      ForSixteens(product, first_row + block * kBlockRows, panel, sums + block * kBlockSums,
                  [](float* sum, const float* into, int64_t count, int64_t) {
                    Store(LoadSome(into, count), sum);
                  });
    }
  }
  for (int64_t block = 0; block < blocks; ++block) {
    multiply(left + block * depths * kPieces * 2 * kTile, right, depths, first == 0,
             sums + block * kBlockSums);
  }
  const bool last = first + depths == all;
  for (int64_t block = 0; block < blocks; ++block) {
    ForSixteens(product, first_row + block * kBlockRows, panel, sums + block * kBlockSums,
                [&](const float* sum, float* into, int64_t count, int64_t column) {
                  Lanes value = Load(sum);
                  if (last && product.bias != nullptr) {
                    value += LoadSome(product.bias + column, count);
                  }
                  if (last) value = Activated(product.activation, value);
                  StoreSome(value, count, into);
                });
  }
}

}  // namespace

namespace ONDELETTE_LANES {

void PackWeight(const float* rows, int64_t first, int64_t count, const Bfloat16Weight& shape,
                uint16_t* packed) {
  const int64_t depths = Depths(shape.in);
  for (int64_t row = 0; row < count; row += kPanelOutputs) {
    const int64_t panel = (first + row) / kPanelOutputs;
    for (int64_t depth = 0; depth < depths; ++depth) {
      uint16_t* to = packed + (panel * depths + depth) * shape.pieces * 2 * kTile;
      for (int64_t half = 0; half < 2; ++half) {
        const int64_t from = row + half * kLanes;
        PackRight(rows + from * shape.in, shape.in, count - from, shape.in, depth, 1, shape.pieces,
                  to + half * kTile);
      }
    }
  }
}

void MultiplyWeight(const Bfloat16Product& product) {
  const TileRegisters registers;
  Multiply* const multiplies[kPieces] = {AddBlock<1>, AddBlock<2>, AddBlock<3>};
  Multiply* const multiply = multiplies[product.weight->pieces - 1];
  const int64_t depths = Depths(product.weight->in);
  const int64_t together =
      Least(kMostBlocks, kPackedDepths / Least(depths, kMostDepths)) * kBlockRows;
  auto* left = reinterpret_cast<uint16_t*>(product.scratch);
  float* sums = product.scratch + kPackedDepths * kPieces * kTile;
  for (int64_t row = 0; row < product.rows; row += together) {
    const int64_t rows = Least(together, product.rows - row);
    const int64_t blocks = (rows + kBlockRows - 1) / kBlockRows;
    for (int64_t first = 0; first < depths; first += kMostDepths) {
      const int64_t some = Least(kMostDepths, depths - first);
      PackBlocks(product, row, blocks, first, some, left);
      for (int64_t panel = product.first_panel; panel < product.end_panel; ++panel) {
        MultiplyPanel(product, multiply, row, blocks, first, some, panel, left, sums);
      }
    }
  }
}

}  // namespace ONDELETTE_LANES
}  // namespace ondelette::engine
