// Compiled once for each instruction set, ONDELETTE_LANES being its name.
#include "worker/engine/analysis/lanes/wavelet_kernel.h"

#include "worker/engine/analysis/lanes/extract.h"
#include "worker/engine/analysis/lanes/lanes.h"

namespace ondelette::engine {
namespace {

// db2 as in wavelet.cc, for lanes of either kind.
template <typename V>
struct Db2;
template <>
struct Db2<DoubleLanes> {
  static constexpr double kLow[4] = {-0.12940952255126037, 0.2241438680420134, 0.8365163037378079,
                                     0.48296291314453416};
  static constexpr double kHigh[4] = {-0.48296291314453416, 0.8365163037378079, -0.2241438680420134,
                                      -0.12940952255126037};
};
template <>
struct Db2<Lanes> {
  static constexpr float kLow[4] = {-0.12940952255126037f, 0.2241438680420134f, 0.8365163037378079f,
                                    0.48296291314453416f};
  static constexpr float kHigh[4] = {-0.48296291314453416f, 0.8365163037378079f,
                                     -0.2241438680420134f, -0.12940952255126037f};
};
constexpr double kLittle = 1e-10;

// Scratch: the signal, the continued samples of a step, an approximation, and all coefficients.
template <typename V>
struct Buffers {
  V *signal, *extended, *approximation, *coefficients;
};

template <typename V>
inline Buffers<V> BuffersAt(float* memory, int64_t length) {
  V* begin = reinterpret_cast<V*>(memory);
  const int64_t most = length + 8;  // as WaveletLanes has it
  return {begin, begin + most, begin + 2 * most, begin + 3 * most};
}

// Continues x on both sides: extended[0] is sample -left.size().
template <typename V>
inline void Extend(const WaveletTable& table, const WaveletTable::Step& step, const V* x,
                   V* extended) {
  const int64_t left = static_cast<int64_t>(step.left.size());
  const int64_t right = static_cast<int64_t>(step.right.size());
  for (int64_t t = 0; t < left; ++t) extended[t] = table.zeros ? V{} : x[step.left[t]];
  for (int64_t t = 0; t < step.length; ++t) extended[left + t] = x[t];
  V* end = extended + left + step.length;
  for (int64_t t = 0; t < right; ++t) end[t] = table.zeros ? V{} : x[step.right[t]];
}

// Coefficients finest level first, each level's detail; the last approximation after them.
// Returns where that begins.
template <typename V>
inline V* Transform(const WaveletTable& table, const Buffers<V>& buffers) {
  constexpr auto& low = Db2<V>::kLow;
  constexpr auto& high = Db2<V>::kHigh;
  const V* x = buffers.signal;
  V* out = buffers.coefficients;
  for (const WaveletTable::Step& step : table.steps) {
    Extend(table, step, x, buffers.extended);
    const V* e = buffers.extended;
    for (int64_t k = 0; k < step.half; ++k, e += 2) {
      buffers.approximation[k] = e[3] * low[0] + e[2] * low[1] + e[1] * low[2] + e[0] * low[3];
      out[k] = e[3] * high[0] + e[2] * high[1] + e[1] * high[2] + e[0] * high[3];
    }
    out += step.half;
    x = buffers.approximation;
  }
  const int64_t last = table.steps.back().half;
  for (int64_t k = 0; k < last; ++k) out[k] = x[k];
  return out;
}

// Coefficient k of the one kind and of the other with the tap that takes them to a sample.
inline Lanes Tap(Lanes low, Lanes high, int tap) {
  return low * Db2<Lanes>::kLow[3 - tap] + high * Db2<Lanes>::kHigh[3 - tap];
}

// The signal again, in buffers.approximation; `details` end before `last`, the approximation.
inline void Inverse(const WaveletTable& table, const Buffers<Lanes>& buffers, const Lanes* last) {
  Lanes *x = buffers.approximation, *samples = buffers.extended;
  const int64_t coarsest = table.steps.back().half;
  for (int64_t k = 0; k < coarsest; ++k) x[k] = last[k];
  const Lanes* d = last;
  for (int64_t at = static_cast<int64_t>(table.steps.size()) - 1; at >= 0; --at) {
    const WaveletTable::Step& step = table.steps[at];
    const int64_t half = step.half;
    d -= half;
    const int64_t pairs = table.periodic ? half : half - 1;
    for (int64_t k = 0; k < pairs; ++k) {
      if (table.periodic) {
        const int64_t before = k == 0 ? half - 1 : k - 1, after = k + 1 == half ? 0 : k + 1;
        samples[2 * k] = Tap(x[k], d[k], 1) + Tap(x[before], d[before], 3);
        samples[2 * k + 1] = Tap(x[after], d[after], 0) + Tap(x[k], d[k], 2);
      } else {
        samples[2 * k] = Tap(x[k + 1], d[k + 1], 0) + Tap(x[k], d[k], 2);
        samples[2 * k + 1] = Tap(x[k + 1], d[k + 1], 1) + Tap(x[k], d[k], 3);
      }
    }
    for (int64_t t = 0; t < step.length; ++t) x[t] = samples[t];
  }
}

inline void Store(float* out, Lanes values) { std::memcpy(out, &values, sizeof(values)); }

inline DoubleLanes Energy(const DoubleLanes* c, int64_t count) {
  DoubleLanes sum = {};
  for (int64_t k = 0; k < count; ++k) sum += c[k] * c[k];
  return sum;
}

inline Lanes Entropy(const DoubleLanes* c, int64_t count, DoubleLanes factor) {
  LaneSum sum;
  for (int64_t k = 0; k < count; ++k) {
    const Lanes q = Narrowed(c[k] * c[k] * factor);
    sum.Add(-q * SafeLogLanes(q));
  }
  return sum.Total();
}

// Calls visit(level, coefficients, count), cA_L first, then from the coarsest detail to the finest.
template <typename Visit>
inline void ForEachLevel(const WaveletTable& table, const DoubleLanes* last, Visit visit) {
  int level = 0;
  visit(level++, last, table.steps.back().half);
  const DoubleLanes* c = last;
  for (int64_t at = static_cast<int64_t>(table.steps.size()) - 1; at >= 0; --at) {
    c -= table.steps[at].half;
    visit(level++, c, table.steps[at].half);
  }
}

inline void Summarise(const WaveletTable& table, const DoubleLanes* last,
                      WaveletOutputs::Figures& figures) {
  DoubleLanes energies[kMostLevels], total = {};
  ForEachLevel(table, last, [&](int level, const DoubleLanes* c, int64_t count) {
    energies[level] = Energy(c, count);
    total += energies[level];
  });
  ForEachLevel(table, last, [&](int level, const DoubleLanes* c, int64_t count) {
    DoubleLanes factor = 1.0 - DoubleLanes{};
    if (table.within_scale) factor /= energies[level] + kLittle;
    Store(figures.entropy[level], Entropy(c, count, factor));
    Store(figures.energy_share[level], Narrowed(energies[level] / total));
  });
}

inline void Write(const WaveletTable& table, const DoubleLanes* last, int64_t signals,
                  const WaveletOutputs::Target (*targets)[kBlockSignals]) {
  ForEachLevel(table, last, [&](int level, const DoubleLanes* c, int64_t /*count*/) {
    for (int64_t signal = 0; signal < signals; ++signal) {
      const WaveletOutputs::Target& target = targets[level][signal];
      const double* from = reinterpret_cast<const double*>(c) + signal;
      for (int64_t k = 0; k < target.count; ++k) {
        target.begin[k] = static_cast<float>(from[k * kLanes]);
      }
    }
  });
}

// Transform and inverse in float32: the error is what they round.
inline void Reconstruct(const WaveletTable& table, const Buffers<Lanes>& buffers,
                        WaveletOutputs::Reconstruction& reconstruction) {
  Inverse(table, buffers, Transform(table, buffers));
  LaneSum energy, error;
  for (int64_t t = 0; t < table.length; ++t) {
    const Lanes value = buffers.signal[t], difference = value - buffers.approximation[t];
    energy.Add(value * value);
    error.Add(difference * difference);
  }
  Store(reconstruction.energy, energy.Total());
  Store(reconstruction.error, error.Total());
}

}  // namespace

namespace ONDELETTE_LANES {

void WaveletBlock(const WaveletTable& table, const SignalSource* sources, int64_t count,
                  float* scratch, WaveletOutputs& outputs) {
  // Coefficients are float64: in smooth signals those of fine levels cancel to nothing.
  const auto wide = BuffersAt<DoubleLanes>(scratch, table.length);
  const auto single = BuffersAt<Lanes>(scratch + 2 * WaveletLanes(table) * kLanes, table.length);
  const Reader reader{sources, count, false};
  Store(outputs.filled, Extract(reader, table.length, table.renormalised, single.signal, 1));
  if (table.detrended) Detrend(table.length, single.signal, 1);
  for (int64_t t = 0; t < table.length; ++t) wide.signal[t] = Widened(single.signal[t]);
  const DoubleLanes* last = Transform(table, wide);
  if (outputs.figures != nullptr) Summarise(table, last, *outputs.figures);
  if (outputs.targets != nullptr) Write(table, last, count, outputs.targets);
  if (outputs.reconstruction != nullptr) Reconstruct(table, single, *outputs.reconstruction);
}

}  // namespace ONDELETTE_LANES
}  // namespace ondelette::engine
