// A block of a GPU's threads as a team (team.h). Included by CUDA sources, and by a test
// that brings threads, barriers and shuffles of its own.
#ifndef ONDELETTE_WORKER_ENGINE_TEAMS_DEVICE_TEAM_H_
#define ONDELETTE_WORKER_ENGINE_TEAMS_DEVICE_TEAM_H_

#include <cstring>

#include "worker/engine/teams/team.h"
#include "worker/engine/transforms/portable.h"

namespace ondelette::engine {

template <int size>
class DeviceTeam {
 public:
  static constexpr int kSize = size;
  // Bytes of shared memory that reductions need.
  static constexpr int kPartBytes = 64;
  static constexpr int kBytes = size / kWarp * kPartBytes;

  // `memory`: kBytes of shared memory, aligned to 16.
  __device__ explicit DeviceTeam(char* memory) : memory_(memory) {}

  template <typename Work>
  __device__ void For(int count, Work work) const {
    for (int i = threadIdx.x; i < count; i += size) work(i);
    __syncthreads();
  }

  template <typename Part, typename Add, typename Merge>
  __device__ Part Reduce(int count, Part zero, Add add, Merge merge) const {
    Part part = zero;
    for (int i = threadIdx.x; i < count; i += size) add(part, i);
    for (int apart = kWarp / 2; apart > 0; apart /= 2) {
      const Part other = FromLaneAbove(part, apart);
      merge(part, other);
    }
    static_assert(sizeof(Part) <= kPartBytes, "a part must fit its place");
    auto place = [this](int warp) { return reinterpret_cast<Part*>(memory_ + warp * kPartBytes); };
    if (threadIdx.x % kWarp == 0) *place(threadIdx.x / kWarp) = part;
    __syncthreads();
    Part total = *place(0);
    for (int warp = 1; warp < size / kWarp; ++warp) merge(total, *place(warp));
    // Nobody may begin the next reduction while others still read this one's parts.
    __syncthreads();
    return total;
  }

 private:
  // The part of the thread `apart` places further on in the warp; past its end, one's own.
  template <typename Part>
  __device__ static Part FromLaneAbove(const Part& part, int apart) {
    static_assert(sizeof(Part) % sizeof(int) == 0, "parts are moved by words");
    int words[sizeof(Part) / sizeof(int)];
    memcpy(words, &part, sizeof(Part));
    ONDELETTE_UNROLL
    for (int& word : words) word = __shfl_down_sync(0xffffffffU, word, apart);
    Part other;
    memcpy(&other, words, sizeof(Part));
    return other;
  }

  char* memory_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TEAMS_DEVICE_TEAM_H_
