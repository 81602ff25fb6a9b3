// Tile registers and bfloat16 pieces (bfloat16_product.h). Included by kernels that are compiled for
// them only.
#ifndef ONDELETTE_WORKER_ENGINE_LANES_BFLOAT16_TILES_H_
#define ONDELETTE_WORKER_ENGINE_LANES_BFLOAT16_TILES_H_

#include <immintrin.h>

#include <cstdint>

namespace ondelette::engine {
namespace {

constexpr int kPieces = 3;          // of a float32
constexpr int64_t kTileRows = 16;   // of a register, each 64 bytes: 16 float32 or 32 bfloat16
constexpr int64_t kTileDepth = 32;  // numbers of a product's inner sum in a register
constexpr int64_t kTile = kTileRows * kTileDepth;  // bfloat16 numbers of a register

// While it lives, this thread's eight registers are of the largest size.
class TileRegisters {
 public:
  TileRegisters() {
    struct alignas(64) {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t bytes_a_row[16] = {};
      uint8_t rows[16] = {};
    } shape;
    for (int tile = 0; tile < 8; ++tile) {
      shape.bytes_a_row[tile] = 64;
      shape.rows[tile] = kTileRows;
    }
    _tile_loadconfig(&shape);
  }
  ~TileRegisters() { _tile_release(); }
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;
};

// GCC's tile intrinsics do not say that they read and write memory.
inline void TileMemoryBarrier() { asm volatile("" ::: "memory"); }

// Takes the largest piece off 32 numbers: rounded to nearest, so that three are a float32.
inline __m512i TakePiece(__m512& low, __m512& high) {
  const __m512i piece = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
  const __m512i low_bits = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(piece));
  const __m512i high_bits = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(piece, 1));
  low = _mm512_sub_ps(low, _mm512_castsi512_ps(_mm512_slli_epi32(low_bits, 16)));
  high = _mm512_sub_ps(high, _mm512_castsi512_ps(_mm512_slli_epi32(high_bits, 16)));
  return piece;
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

// Two blocks of sixteen rows times two of sixteen columns, float32: registers 0 to 3. The pieces of
// both come from left[piece][2] and right[piece][2], in registers 4 and 5, 6 and 7. Small products
// first, so that they are not lost in large sums.
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

}  // namespace
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_BFLOAT16_TILES_H_
