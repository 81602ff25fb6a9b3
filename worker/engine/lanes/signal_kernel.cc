// Compiled once for each instruction set, ONDELETTE_LANES being its name.
#include "worker/engine/lanes/signal_kernel.h"

#include "worker/engine/lanes/kernel_functions.h"
#include "worker/engine/lanes/lanes.h"
#include "worker/engine/lanes/transpose.h"

namespace ondelette::engine {
namespace {

template <typename Index>
inline void Gather(const float* x, const Index* keys, int64_t count, float* out) {
  for (int64_t t = 0; t < count; ++t) {
    for (int lane = 0; lane < kLanes; ++lane) {
      out[t * kLanes + lane] = x[static_cast<int64_t>(keys[t * kLanes + lane]) * kLanes + lane];
    }
  }
}

}  // namespace

namespace ONDELETTE_LANES {

void MeasureSignals(const float* x, int64_t count, SignalMeasures& measures) {
  LaneSum mass, energy, log_mass;
  for (int64_t t = 0; t < count; ++t) {
    const Lanes value = Load(x + t * kLanes);
    mass.Add(value);
    energy.Add(value * value);
    log_mass.Add(value * SafeLogLanes(value));
  }
  Store(mass.Take(), measures.mass);
  Store(energy.Take(), measures.energy);
  Store(log_mass.Take(), measures.log_mass);
}

void SumSignals(const float* x, int64_t count, float* mass) {
  LaneSum sum;
  for (int64_t t = 0; t < count; ++t) sum.Add(Load(x + t * kLanes));
  Store(sum.Take(), mass);
}

void LocalMass(const LaneBlock& block, int64_t width, float* mass) {
  Lanes sum = {};
  int64_t key = block.first_query - width + 1;
  int64_t end = block.first_query + block.queries + width - 1;
  key = key < block.first_seen ? block.first_seen : key;
  end = end > block.end_seen ? block.end_seen : end;
  const auto reach = static_cast<int32_t>(width);
  for (; key < end; ++key) {
    const IntLanes distance = static_cast<int32_t>(block.first_query - key) + LaneNumbers();
    const Lanes value = Load(block.values + key * kLanes);
    sum += Select((distance < reach) & (distance > -reach), value, Lanes{});
  }
  Store(sum, mass);
}

void CutWindows(const LaneBlock& block, int64_t window, float* x) {
  const float* diagonal = block.values + block.first_query * kLanes;
  for (int64_t d = 0; d < window; ++d) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const int64_t key = lane - d;
      const bool inside = block.first_query + key >= 0 && block.first_query + key < block.keys;
      x[d * kLanes + lane] = inside ? diagonal[key * kLanes + lane] : 0.0f;
    }
  }
}

void GatherRows(const float* x, const uint16_t* keys, int64_t count, float* out) {
  Gather(x, keys, count, out);
}

void GatherWindows(const float* x, const int32_t* keys, int64_t count, float* out) {
  Gather(x, keys, count, out);
}

void AddReceived(const float* x, int64_t count, const float* weights, double* sums) {
  const Lanes weight = Load(weights);
  for (int64_t t = 0; t < count; t += kLanes) {
    const int64_t some = count - t < kLanes ? count - t : kLanes;
    Lanes part[kLanes] = {};
    for (int64_t j = 0; j < some; ++j) {
      part[j] = Select(weight != 0.0f, Load(x + (t + j) * kLanes) * weight, Lanes{});
    }
    Transpose(part);
    DoubleLanes total = {};
    for (int64_t j = 0; j < kLanes; ++j) total += Widened(part[j]);
    for (int64_t j = 0; j < some; ++j) sums[t + j] += total[j];
  }
}

}  // namespace ONDELETTE_LANES
}  // namespace ondelette::engine
