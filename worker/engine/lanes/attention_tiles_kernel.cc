// The attention kernel by tile registers (bfloat16_tiles.h): keys are the left side of the scores'
// product and queries the right, so that a register of sums is sixteen keys of a block of lanes;
// values, transposed, are the left side of the other one and probabilities the right.
#include "worker/engine/lanes/attention_kernel.h"
#include "worker/engine/lanes/bfloat16_tiles.h"
#include "worker/engine/lanes/kernel_functions.h"
#include "worker/engine/lanes/lanes.h"
#include "worker/engine/lanes/softmax_lanes.h"
#include "worker/engine/lanes/transpose.h"

namespace ondelette::engine {
namespace {

static_assert(kBlocksTogether == 2, "two blocks are one right side");

// bfloat16 numbers of one depth of one side, and as float32 numbers of room.
constexpr int64_t kDepthNumbers = kPieces * 2 * kTile;
constexpr int64_t kDepthRoom = kDepthNumbers / 2;
// Depths of probabilities that are packed together, and summed apart: they stay in the nearest
// cache, and sums over thousands of keys are rounded by stretches.
constexpr int64_t kStretch = 8;

// The work space.
struct Space {
  Space(float* scratch, int64_t head_dim)
      : queries(reinterpret_cast<uint16_t*>(scratch)),
        probabilities(queries + Depths(head_dim) * kDepthNumbers),
        sums(reinterpret_cast<float*>(probabilities + kStretch * kDepthNumbers)),
        mixed(reinterpret_cast<Lanes*>(sums + 4 * 256)) {}
  static int64_t Size(int64_t head_dim) {
    return (Depths(head_dim) + kStretch) * kDepthRoom + 4 * 256 +
           kBlocksTogether * Depths(head_dim) * kTileDepth * kLanes;
  }
  uint16_t* queries;
  uint16_t* probabilities;
  float* sums;
  Lanes* mixed;  // [kBlocksTogether][head_dim, filled up]
};

// Numbers `first` to `first` + 15 of sixteen rows, as columns; what is not there is 0.
inline void LoadTransposed(const float* rows, int64_t stride, int64_t there, int64_t first,
                           int64_t width, Lanes* columns) {
  const int64_t count = Least(kLanes, width - first);
  for (int64_t row = 0; row < kLanes; ++row) {
    columns[row] =
        row < there && count > 0 ? LoadSome(rows + row * stride + first, count) : Lanes{};
  }
  Transpose(columns);
}

// 32 keys' values, transposed: numbers `first` to `first` + 31 of each as the left side.
inline void PackValues(const float* values, int64_t stride, int64_t there, int64_t first,
                       int64_t width, uint16_t* left) {
  for (int64_t half = 0; half < 2; ++half) {
    Lanes columns[2][kLanes];
    for (int64_t keys = 0; keys < 2; ++keys) {
      LoadTransposed(values + keys * kLanes * stride, stride, there - keys * kLanes,
                     first + half * kLanes, width, columns[keys]);
    }
    for (int64_t row = 0; row < kLanes; ++row) {
      __m512 low = columns[0][row].part[0], high = columns[1][row].part[0];
      uint16_t* to = left + half * kTile + row * kTileDepth;
      for (int piece = 0; piece < kPieces; ++piece) {
        _mm512_store_si512(to + piece * 2 * kTile, TakePiece(low, high));
      }
    }
  }
}

// Lanes of 32 keys, as the right side: [kPieces][2][kTile], of which every second register is
// written.
inline void PackProbabilities(const float* values, uint16_t* right) {
  for (int64_t pair = 0; pair < kTileRows; ++pair) {
    __m512 even = _mm512_load_ps(values + 2 * pair * kLanes);
    __m512 odd = _mm512_load_ps(values + (2 * pair + 1) * kLanes);
    for (int piece = 0; piece < kPieces; ++piece) {
      const __m512i below = _mm512_srli_epi32(UpperHalves(even), 16), above = UpperHalves(odd);
      _mm512_store_si512(right + piece * 2 * kTile + pair * kTileDepth,
                         _mm512_or_epi32(below, above));
    }
  }
}

inline const uint16_t* PackedKeys(const AttentionHead& head) {
  return reinterpret_cast<const uint16_t*>(head.packed);
}
inline int64_t SideNumbers(int64_t tokens, int64_t head_dim) {
  return Depths(tokens) * Depths(head_dim) * kDepthNumbers;
}

}  // namespace

namespace ONDELETTE_LANES {

int64_t HeadSpace(int64_t tokens, int64_t head_dim) { return SideNumbers(tokens, head_dim); }

int64_t AttentionSpace(int64_t head_dim) { return Space::Size(head_dim); }

// Keys [panels of 32][depths of head_dim], then values [panels of 32 numbers][depths of keys].
void PackHead(const AttentionHead& head, bool mixed, float* packed) {
  const int64_t depths = Depths(head.head_dim);
  auto* to = reinterpret_cast<uint16_t*>(packed);
  for (int64_t key = 0; key < head.tokens; key += kBlockRows, to += depths * kDepthNumbers) {
    PackLeft(head.key + key * head.key_stride, head.key_stride, head.tokens - key, head.head_dim, 0,
             depths, to);
  }
  if (!mixed) return;
  for (int64_t first = 0; first < head.head_dim; first += kBlockRows) {
    for (int64_t key = 0; key < head.tokens; key += kTileDepth, to += kDepthNumbers) {
      PackValues(head.value + key * head.value_stride, head.value_stride, head.tokens - key, first,
                 head.head_dim, to);
    }
  }
}

void Probabilities(const AttentionHead& head, int64_t first_query, float* scratch, float* values,
                   LaneBlock* blocks) {
  const TileRegisters registers;
  const Space space(scratch, head.head_dim);
  const int64_t depths = Depths(head.head_dim), end = BlocksEnd(head, first_query);
  float* const halves[] = {values, values + BlockKeys(head.tokens) * kLanes};
  for (int64_t half = 0; half < 2; ++half) {
    const int64_t first = first_query + half * kLanes;
    for (int64_t depth = 0; depth < depths; ++depth) {
      PackRight(head.query + first * head.query_stride, head.query_stride, end - first,
                head.head_dim, depth, head.scale, kPieces,
                space.queries + depth * kDepthNumbers + half * kTile);
    }
    if (first < end) blocks[half] = BlockOf(head, first, Least(kLanes, end - first), halves[half]);
  }
  const LaneBlock& last = blocks[BlocksOf(end - first_query) - 1];
  TileMemoryBarrier();
  for (int64_t panel = blocks[0].first_seen / kBlockRows; panel * kBlockRows < last.end_seen;
       ++panel) {
    const int64_t at = panel * kBlockRows * kLanes;
    ZeroSums();
    MultiplyDepths<kPieces>(PackedKeys(head) + panel * depths * kDepthNumbers, space.queries,
                            depths);
    StoreSums(halves[0] + at, halves[1] + at, halves[0] + at + 256, halves[1] + at + 256);
  }
  TileMemoryBarrier();
  for (const LaneBlock* block = blocks; block <= &last; ++block) {
    auto* scores = reinterpret_cast<Lanes*>(halves[block - blocks]);
    Softmax(head, *block, scores);
    for (int64_t key = head.tokens; key < BlockKeys(head.tokens); ++key) scores[key] = Lanes{};
  }
}

void MixValues(const AttentionHead& head, const LaneBlock* blocks, float* scratch, float* output,
               int64_t stride) {
  const TileRegisters registers;
  const Space space(scratch, head.head_dim);
  const int64_t first_query = blocks->first_query;
  const int64_t count = BlocksOf(BlocksEnd(head, first_query) - first_query);
  const int64_t width = Depths(head.head_dim) * kTileDepth, all = Depths(head.tokens);
  const uint16_t* packed = PackedKeys(head) + SideNumbers(head.tokens, head.head_dim);
  for (int64_t k = 0; k < kBlocksTogether * width; ++k) space.mixed[k] = Lanes{};
  const int64_t end = Depths(blocks[count - 1].end_seen);
  for (int64_t depth = blocks[0].first_seen / kTileDepth; depth < end; depth += kStretch) {
    const int64_t depths = Least(kStretch, end - depth);
    for (int64_t at = 0; at < depths; ++at) {
      for (int64_t half = 0; half < 2; ++half) {
        // Of a block that is not there the first one's again; nobody reads what comes of it.
        const float* values = blocks[Least(half, count - 1)].values;
        PackProbabilities(values + (depth + at) * kTileDepth * kLanes,
                          space.probabilities + at * kDepthNumbers + half * kTile);
      }
    }
    for (int64_t k = 0; k < width; k += kBlockRows) {
      TileMemoryBarrier();
      ZeroSums();
      MultiplyDepths<kPieces>(packed + (k / kBlockRows * all + depth) * kDepthNumbers,
                              space.probabilities, depths);
      StoreSums(space.sums, space.sums + 512, space.sums + 256, space.sums + 768);
      TileMemoryBarrier();
      const auto* sums = reinterpret_cast<const Lanes*>(space.sums);
      for (int64_t half = 0; half < 2; ++half) {
        Lanes* mixed = space.mixed + half * width + k;
        for (int64_t j = 0; j < kBlockRows; ++j) mixed[j] += sums[half * kBlockRows + j];
      }
    }
  }
  for (int64_t half = 0; half < count; ++half) {
    StoreMixed(space.mixed + half * width, head, blocks[half].queries,
               output + half * kLanes * stride, stride);
  }
}

}  // namespace ONDELETTE_LANES
}  // namespace ondelette::engine
