// How long things took, counted in buckets a sixteenth of an octave wide: any number of them in a
// fixed piece of memory.
#ifndef ONDELETTE_TESTS_BENCH_COORDINATOR_LATENCIES_H_
#define ONDELETTE_TESTS_BENCH_COORDINATOR_LATENCIES_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>

namespace ondelette::bench {

// Thread-safe. Percentiles are upper bounds of buckets: at most 4.5 % above the truth.
class Latencies {
 public:
  void Add(double seconds) {
    const double octaves = std::log2(std::max(seconds, kShortest) / kShortest);
    const auto bucket = static_cast<size_t>(octaves * kPerOctave);
    ++buckets_[std::min(bucket, buckets_.size() - 1)];
  }
  void Clear() {
    for (auto& bucket : buckets_) bucket = 0;
  }
  int64_t count() const {
    int64_t sum = 0;
    for (const auto& bucket : buckets_) sum += bucket;
    return sum;
  }
  // In seconds; `share` from 0 to 1. 0 where nothing was added.
  double Percentile(double share) const {
    const int64_t all = count();
    int64_t sum = 0;
    for (size_t i = 0; i < buckets_.size(); ++i) {
      sum += buckets_[i];
      if (sum > 0 && static_cast<double>(sum) >= share * static_cast<double>(all))
        return kShortest * std::exp2(static_cast<double>(i + 1) / kPerOctave);
    }
    return 0;
  }

 private:
  static constexpr double kShortest = 1e-6;
  static constexpr double kPerOctave = 16;
  std::array<std::atomic<int64_t>, 480> buckets_{};  // up to 2^30 microseconds: 18 minutes
};

}  // namespace ondelette::bench

#endif  // ONDELETTE_TESTS_BENCH_COORDINATOR_LATENCIES_H_
