// From attention to lanes: signals as they are before any transform. Included by kernels only
// (lanes.h).
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_LANES_EXTRACT_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_LANES_EXTRACT_H_

#include <cstdint>

#include "worker/engine/analysis/lanes/lanes.h"
#include "worker/engine/analysis/lanes/spectral_kernel.h"

namespace ondelette::engine {
namespace {

constexpr float kMinimumLaneMass = 1e-6f;  // constants.h's kMinimumMass

// Number t of each signal, or of each twin; signals that are not there are the first one again.
struct Reader {
  const SignalSource* sources;
  int64_t count;
  bool twins;

  Lanes operator()(int64_t t) const {
    alignas(64) float values[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) {
      const SignalSource& source = sources[lane < count ? lane : 0];
      values[lane] = twins ? source.row[source.keys[t]] : source.first[t * source.stride];
    }
    Lanes lanes;
    std::memcpy(&lanes, values, sizeof(lanes));
    return lanes;
  }
};

// Writes the signals' numbers, `step` lanes apart, divided by their sum if `renormalised`; empty
// ones become zeros. Returns 1 for those that are not empty.
inline Lanes Extract(const Reader& reader, int64_t length, bool renormalised, Lanes* x,
                     int64_t step) {
  LaneSum sum;
  for (int64_t t = 0; t < length; ++t) sum.Add(x[step * t] = reader(t));
  if (!renormalised) return Splat(1);
  const Lanes mass = sum.Total();
  const Lanes filled = mass > kMinimumLaneMass ? Splat(1) : Lanes{};
  const Lanes factor = filled / (mass > kMinimumLaneMass ? mass : Splat(1));
  for (int64_t t = 0; t < length; ++t) x[step * t] *= factor;
  return filled;
}

// Subtracts the mean. What rounding left of it goes in a second round: a constant signal must
// become zeros, for it is flat.
inline void Detrend(int64_t length, Lanes* x, int64_t step) {
  for (int round = 0; round < 2; ++round) {
    LaneSum sum;
    for (int64_t t = 0; t < length; ++t) sum.Add(x[step * t]);
    const Lanes mean = sum.Total() / static_cast<float>(length);
    for (int64_t t = 0; t < length; ++t) x[step * t] -= mean;
  }
}

}  // namespace
}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_LANES_EXTRACT_H_
