// Normal deviates by position: the i-th number of a stream is the same whoever asks for it, and
// whatever was asked for before.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_RANDOM_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_RANDOM_H_

#include <cstdint>
#include <span>

#include "absl/strings/string_view.h"

namespace ondelette::engine {

class NormalStream {
 public:
  // The stream of this name under this seed.
  NormalStream(uint64_t seed, absl::string_view name);

  // Writes numbers first, first + 1, ... of the stream, scaled to the standard deviation, on all
  // threads. `first` is even.
  void Fill(int64_t first, float deviation, std::span<float> out) const;

 private:
  uint64_t key_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_RANDOM_H_
