// Tile registers and bfloat16 pieces (bfloat16_product.h). Included by kernels that are compiled for
// them only.
#ifndef ONDELETTE_WORKER_ENGINE_LANES_BFLOAT16_TILES_H_
#define ONDELETTE_WORKER_ENGINE_LANES_BFLOAT16_TILES_H_

#include <immintrin.h>

#include <cstdint>

#include "worker/engine/lanes/lanes.h"
#include "worker/engine/lanes/transpose.h"

namespace ondelette::engine {
namespace {

constexpr int kPieces = 3;          // of a float32
constexpr int64_t kTileRows = 16;   // of a register, each 64 bytes: 16 float32 or 32 bfloat16
constexpr int64_t kTileDepth = 32;  // numbers of a product's inner sum in a register
constexpr int64_t kTile = kTileRows * kTileDepth;  // bfloat16 numbers of a register

constexpr int64_t kBlockRows = 2 * kTileRows;  // that are multiplied together

inline int64_t Depths(int64_t width) { return (width + kTileDepth - 1) / kTileDepth; }
inline int64_t Least(int64_t a, int64_t b) { return a < b ? a : b; }

// Of all eight registers: 16 rows of 64 bytes.
struct alignas(64) TileShapes {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
// A constant, for the compiler does not see that the instruction reads it.
constexpr TileShapes kTileShapes;

// While it lives, this thread's registers have these shapes.
class TileRegisters {
 public:
  TileRegisters() { _tile_loadconfig(&kTileShapes); }
  ~TileRegisters() { _tile_release(); }
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;
};

// GCC's tile intrinsics do not say that they read and write memory.
inline void TileMemoryBarrier() { asm volatile("" ::: "memory"); }

// The largest piece of each number, which is taken off: its upper half, so that three make a float32.
inline __m512i UpperHalves(__m512& numbers) {
  const __m512i upper = _mm512_and_epi32(_mm512_castps_si512(numbers), _mm512_set1_epi32(-65536));
  numbers = _mm512_sub_ps(numbers, _mm512_castsi512_ps(upper));
  return upper;
}

// That of 32 numbers, as bfloat16 in their order.
inline __m512i TakePiece(__m512& low, __m512& high) {
  alignas(64) static constexpr uint16_t kUpper[32] = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21,
                                                      23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43,
                                                      45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
  const __m512i low_upper = UpperHalves(low), high_upper = UpperHalves(high);
  return _mm512_permutex2var_epi16(low_upper, _mm512_load_si512(kUpper), high_upper);
}

// 32 numbers from `from` on, of which `count` exist; the others are 0.
inline void LoadDepth(const float* from, int64_t count, __m512& low, __m512& high) {
  if (count >= kTileDepth) {
    low = _mm512_loadu_ps(from);
    high = _mm512_loadu_ps(from + 16);
    return;
  }
  const auto mask = static_cast<uint32_t>((uint64_t{1} << count) - 1);
  low = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), from);
  high = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> 16), from + 16);
}

// A block of rows of x [there, width], as the left side of a tile product has them, from depth
// `first` on: [depths][kPieces][2][kTile]. Rows that are not there are 0.
inline void PackLeft(const float* x, int64_t stride, int64_t there, int64_t width, int64_t first,
                     int64_t depths, uint16_t* left) {
  for (int64_t row = 0; row < kBlockRows; ++row) {
    uint16_t* to = left + row * kTileDepth;
    for (int64_t depth = first; depth < first + depths; ++depth, to += kPieces * 2 * kTile) {
      __m512 low = {}, high = {};
      const int64_t at = depth * kTileDepth;
      if (row < there) LoadDepth(x + row * stride + at, width - at, low, high);
      for (int piece = 0; piece < kPieces; ++piece) {
        _mm512_store_si512(to + piece * 2 * kTile, TakePiece(low, high));
      }
    }
  }
}

// Sixteen rows of x [there, width] times `scale`, as the right side has them: each pair of a row's
// numbers below the one before it. One depth, [pieces][2][kTile], of which every second register is
// written.
inline void PackRight(const float* x, int64_t stride, int64_t there, int64_t width, int64_t depth,
                      float scale, int pieces, uint16_t* right) {
  Lanes columns[kPieces][kLanes];
  const int64_t at = depth * kTileDepth;
  for (int64_t row = 0; row < kLanes; ++row) {
    __m512 low = {}, high = {};
    if (row < there) LoadDepth(x + row * stride + at, width - at, low, high);
    low *= scale;
    high *= scale;
    for (int piece = 0; piece < pieces; ++piece) {
      columns[piece][row].part[0] = reinterpret_cast<Lanes::Part>(TakePiece(low, high));
    }
  }
  for (int piece = 0; piece < pieces; ++piece) {
    Transpose(columns[piece]);
    for (int64_t row = 0; row < kLanes; ++row) {
      Store(columns[piece][row],
            reinterpret_cast<float*>(right + piece * 2 * kTile + row * kTileDepth));
    }
  }
}

// Two blocks of sixteen rows times two of sixteen columns, float32: registers 0 to 3. The pieces of
// both come from left[piece][2] and right[piece][2], in registers 4 and 5, 6 and 7, so that loads are
// spread evenly between products (an order with a quarter fewer of them is slower), the largest
// product last.
#define ONDELETTE_LEFT(piece)                   \
  _tile_loadd(4, left + (piece)*2 * kTile, 64); \
  _tile_loadd(5, left + ((piece)*2 + 1) * kTile, 64)
#define ONDELETTE_RIGHT(piece)                   \
  _tile_loadd(6, right + (piece)*2 * kTile, 64); \
  _tile_loadd(7, right + ((piece)*2 + 1) * kTile, 64)
#define ONDELETTE_MULTIPLY \
  _tile_dpbf16ps(0, 4, 6); \
  _tile_dpbf16ps(1, 4, 7); \
  _tile_dpbf16ps(2, 5, 6); \
  _tile_dpbf16ps(3, 5, 7)

template <int right_pieces>
inline void MultiplyPieces(const uint16_t* left, const uint16_t* right) {
  if constexpr (right_pieces == 1) {
    ONDELETTE_RIGHT(0);
    ONDELETTE_LEFT(2);
    ONDELETTE_MULTIPLY;
    ONDELETTE_LEFT(1);
    ONDELETTE_MULTIPLY;
    ONDELETTE_LEFT(0);
    ONDELETTE_MULTIPLY;
    return;
  }
  if constexpr (right_pieces == 3) {
    ONDELETTE_RIGHT(2);
    ONDELETTE_LEFT(0);
    ONDELETTE_MULTIPLY;
  }
  ONDELETTE_RIGHT(1);
  ONDELETTE_LEFT(1);
  ONDELETTE_MULTIPLY;
  ONDELETTE_RIGHT(0);
  ONDELETTE_LEFT(2);
  ONDELETTE_MULTIPLY;
  ONDELETTE_LEFT(1);
  ONDELETTE_MULTIPLY;
  ONDELETTE_RIGHT(1);
  ONDELETTE_LEFT(0);
  ONDELETTE_MULTIPLY;
  ONDELETTE_RIGHT(0);
  ONDELETTE_MULTIPLY;
}
#undef ONDELETTE_LEFT
#undef ONDELETTE_RIGHT
#undef ONDELETTE_MULTIPLY

template <int right_pieces>
inline void MultiplyDepths(const uint16_t* left, const uint16_t* right, int64_t depths) {
  for (int64_t depth = 0; depth < depths; ++depth) {
    MultiplyPieces<right_pieces>(left, right);
    left += kPieces * 2 * kTile;
    right += right_pieces * 2 * kTile;
  }
}

inline void ZeroSums() {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

// Registers 0 to 3, [16][16] float32 each, one after the other.
inline void LoadSums(const float* sums) {
  _tile_loadd(0, sums, 64);
  _tile_loadd(1, sums + 256, 64);
  _tile_loadd(2, sums + 512, 64);
  _tile_loadd(3, sums + 768, 64);
}

inline void StoreSums(float* s0, float* s1, float* s2, float* s3) {
  _tile_stored(0, s0, 64);
  _tile_stored(1, s1, 64);
  _tile_stored(2, s2, 64);
  _tile_stored(3, s3, 64);
}

}  // namespace
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_BFLOAT16_TILES_H_
