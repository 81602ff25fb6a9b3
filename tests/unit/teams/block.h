// A GPU's block of threads out of a CPU's: what device_team.h asks of CUDA, by threads that really
// run side by side, so that a barrier that is missing from a kernel shows (and ThreadSanitizer names
// it).
#ifndef ONDELETTE_TESTS_UNIT_TEAMS_BLOCK_H_
#define ONDELETTE_TESTS_UNIT_TEAMS_BLOCK_H_

#include <barrier>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

// CUDA's own names.
#define __device__
struct ThreadIndex {
  unsigned x;
};
inline thread_local ThreadIndex threadIdx;

namespace ondelette::engine {

class Block {
 public:
  // Runs `work` on `size` threads.
  static void Run(int size, const std::function<void()>& work) {
    Block block(size);
    std::vector<std::thread> threads;
    for (int index = 0; index < size; ++index) {
      threads.emplace_back([&block, &work, index] {
        threadIdx = {static_cast<unsigned>(index)};
        current_ = &block;
        work();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  static void Wait() { current_->barrier_.arrive_and_wait(); }
  static int FromAbove(int word, int apart) {
    // A warp waits for itself alone.
    std::vector<int>& words = current_->words_;
    std::barrier<>& warp = current_->warps_[threadIdx.x / kWarpThreads];
    words[threadIdx.x] = word;
    warp.arrive_and_wait();
    const bool inside = threadIdx.x % kWarpThreads + apart < kWarpThreads;
    const int other = inside ? words[threadIdx.x + apart] : word;
    warp.arrive_and_wait();
    return other;
  }

 private:
  static constexpr int kWarpThreads = 32;
  explicit Block(int size) : barrier_(size), words_(static_cast<size_t>(size)) {
    for (int warp = 0; warp < size / kWarpThreads; ++warp) warps_.emplace_back(kWarpThreads);
  }

  static inline thread_local Block* current_ = nullptr;
  std::barrier<> barrier_;
  std::deque<std::barrier<>> warps_;
  std::vector<int> words_;
};

}  // namespace ondelette::engine

inline void __syncthreads() { ondelette::engine::Block::Wait(); }
inline int __shfl_down_sync(unsigned /*mask*/, int word, int apart) {
  return ondelette::engine::Block::FromAbove(word, apart);
}

// Only now: it uses what is above.
#include "worker/engine/teams/device_team.h"

#endif  // ONDELETTE_TESTS_UNIT_TEAMS_BLOCK_H_
