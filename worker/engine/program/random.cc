#include "worker/engine/program/random.h"

#include <ATen/Parallel.h>

#include <cmath>
#include <numbers>

#include "worker/engine/analysis/counter_hash.h"

namespace ondelette::engine {
NormalStream::NormalStream(uint64_t seed, absl::string_view name) : key_(CounterHash(seed, 0)) {
  for (unsigned char letter : name) key_ = CounterHash(key_, letter);
}

void NormalStream::Fill(int64_t first, float deviation, std::span<float> out) const {
  const auto pairs = static_cast<int64_t>((out.size() + 1) / 2);
  at::parallel_for(0, pairs, 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t pair = begin; pair < end; ++pair) {
      // Box-Muller: 32 bits for the radius, 32 for the angle.
      const uint64_t bits = CounterHash(key_, static_cast<uint64_t>(first / 2 + pair));
      const float uniform = (static_cast<float>(bits >> 32) + 0.5f) * 0x1p-32f;
      const float radius = deviation * std::sqrt(-2.0f * std::log(uniform));
      const float angle =
          static_cast<float>(bits & 0xffffffffu) * (2 * std::numbers::pi_v<float> * 0x1p-32f);
      const auto at = static_cast<size_t>(2 * pair);
      out[at] = radius * std::cos(angle);
      if (at + 1 < out.size()) out[at + 1] = radius * std::sin(angle);
    }
  });
}

}  // namespace ondelette::engine
