// Compiled once for each instruction set, ONDELETTE_LANES being its name.
#include "worker/engine/analysis/lanes/spectral_kernel.h"

#include "worker/engine/analysis/lanes/extract.h"
#include "worker/engine/analysis/lanes/lane_fft.h"
#include "worker/engine/analysis/lanes/lanes.h"

namespace ondelette::engine {
namespace {

constexpr float kFlat = 1e-12f, kFloor = 1e-10f, kLittle = 1e-10f;

// What is known of signals before their spectrum.
struct Extracted {
  Lanes filled, energy, positional;
};

inline Extracted Measure(Lanes filled, int64_t length, const Lanes* x, int64_t step) {
  LaneSum energy, positional;
  for (int64_t t = 0; t < length; ++t) {
    const Lanes value = x[step * t];
    energy.Add(value * value);
    positional.Add(-value * SafeLogLanes(value));
  }
  return {filled, energy.Total(), positional.Total()};
}

// Taper and padding, in place: x has room for all points.
inline void Shape(const SpectralTable& table, Lanes* x, int64_t step) {
  const int64_t n = table.length, points = table.plan.length;
  if (!table.weights.empty()) {
    for (int64_t t = 0; t < n; ++t) x[step * t] *= table.weights[t];
  }
  for (int64_t t = n; t < points; ++t) x[step * t] = Lanes{};
  if (!table.centred) return;
  for (int64_t t = 1; t < n; ++t) x[step * (points - t)] = x[step * t];
}

// Powers of signals and twins from the transform z of signals + i twins.
inline void Powers(const SpectralTable& table, const Complex* z, Lanes* first, Lanes* second) {
  const int64_t points = table.plan.length;
  for (int64_t k = 0; k <= points / 2; ++k) {
    const Complex a = z[k], b = z[k == 0 ? 0 : points - k];
    const bool twice = table.doubled && k != 0 && 2 * k != points;
    const float factor = twice ? 0.5f : 0.25f;
    const Lanes first_re = a.re + b.re, first_im = a.im - b.im;
    const Lanes second_re = a.im + b.im, second_im = b.re - a.re;
    first[k] = (first_re * first_re + first_im * first_im) * factor;
    second[k] = (second_re * second_re + second_im * second_im) * factor;
  }
}

inline void Store(SpectralFigures& figures, SpectralFigures::Figure figure, Lanes values) {
  std::memcpy(figures.values[figure], &values, sizeof(values));
}

inline void Summarise(const SpectralTable& table, const Lanes* power, const Extracted& seen,
                      SpectralFigures& figures) {
  const int64_t bins = table.plan.length / 2 + 1 - table.first_bin;
  power += table.first_bin;
  // The sum of all but the largest on its own: 1 - peak would cancel.
  Lanes peak = {};
  LaneSum others_sum, bands[3];
  const Lanes* at = power;
  for (int band = 0; band < 3; ++band) {
    for (const Lanes* end = at + table.band_bins[band]; at != end; ++at) {
      bands[band].Add(*at);
      others_sum.Add(Min(*at, peak));
      peak = Max(*at, peak);
    }
  }
  Lanes others = others_sum.Total();
  const Lanes total = others + peak;
  const auto flat = total <= seen.energy * kFlat;
  const Lanes inverse = 1.0f / (flat ? Splat(1) : total);
  LaneSum entropy, logs;
  const float floor_log = -23.025850929940457f;  // ln kFloor
  for (int64_t k = 0; k < bins; ++k) {
    const Lanes p = power[k] * inverse, log = SafeLogLanes(p);
    entropy.Add(-p * log);
    logs.Add(Max(log, Splat(floor_log)));
  }
  peak *= inverse;
  others *= inverse;
  const Lanes counted = flat ? Lanes{} : seen.filled;
  Store(figures, SpectralFigures::kEntropy, entropy.Total());
  Store(figures, SpectralFigures::kSelectivity, peak / (others + kLittle));
  Store(figures, SpectralFigures::kBandLow, bands[0].Total() * inverse);
  Store(figures, SpectralFigures::kBandMid, bands[1].Total() * inverse);
  Store(figures, SpectralFigures::kBandHigh, bands[2].Total() * inverse);
  Store(figures, SpectralFigures::kPeak, peak);
  // The mean logarithm: its exponential is taken by the caller.
  Store(figures, SpectralFigures::kFlatness, logs.Total() / static_cast<float>(bins));
  Store(figures, SpectralFigures::kPositionalEntropy, seen.positional);
  Store(figures, SpectralFigures::kCounted, counted);
  Store(figures, SpectralFigures::kFilled, seen.filled);
}

}  // namespace

namespace ONDELETTE_LANES {

void SpectralBlock(const SpectralTable& table, const SignalSource* sources, int64_t count,
                   float* scratch, SpectralFigures& figures, SpectralFigures& twins) {
  const int64_t points = table.plan.length, bins = points / 2 + 1;
  auto* data = reinterpret_cast<Complex*>(scratch);
  Complex* work = data + points;
  Complex* pairs = work + points;
  const bool paired = sources[0].keys != nullptr;
  Extracted seen[2];
  for (int part = 0; part < 2; ++part) {
    Lanes* x = &data[0].re + part;
    if (part == 1 && !paired) {
      for (int64_t t = 0; t < points; ++t) x[2 * t] = Lanes{};
      break;
    }
    const Reader reader{sources, count, part == 1};
    const Lanes filled = Extract(reader, table.length, table.renormalised, x, 2);
    seen[part] = Measure(filled, table.length, x, 2);
    if (table.detrended) Detrend(table.length, x, 2);
    Shape(table, x, 2);
  }
  const Complex* z = Transform(table.plan, data, work, pairs);
  Lanes* powers = reinterpret_cast<Lanes*>(z == data ? work : data);
  Powers(table, z, powers, powers + bins);
  Summarise(table, powers, seen[0], figures);
  if (paired) Summarise(table, powers + bins, seen[1], twins);
}

}  // namespace ONDELETTE_LANES
}  // namespace ondelette::engine
