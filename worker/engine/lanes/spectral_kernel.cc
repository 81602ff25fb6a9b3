// Compiled once for each instruction set, ONDELETTE_LANES being its name.
#include "worker/engine/lanes/spectral_kernel.h"

#include "worker/engine/lanes/kernel_functions.h"
#include "worker/engine/lanes/lane_fft.h"
#include "worker/engine/lanes/lanes.h"

namespace ondelette::engine {
namespace {

constexpr float kFlat = 1e-12f, kLittle = 1e-10f;
constexpr float kFloorLog = -23.025850929940457f;  // ln 1e-10, the floor inside the flatness

// Both parts of complex numbers, detrended, tapered and padded; `others` may be nullptr. What does
// not change is read once: a store of lanes might be to anything. Both see as many numbers.
inline void Shape(const SpectralTable& table, const SpectralInput& signals,
                  const SpectralInput* others, Complex* data) {
  const int64_t n = table.length, points = table.plan.length;
  const float* weights = table.weights.data();
  const SpectralInput& second = others != nullptr ? *others : signals;
  const float *x = signals.x, *y = second.x;
  const Lanes scale = Load(signals.scale), mean = Load(signals.mean);
  const Lanes other_scale = others != nullptr ? Load(second.scale) : Lanes{};
  const Lanes other_mean = others != nullptr ? Load(second.mean) : Lanes{};
  const int64_t seen = signals.seen;
  for (int64_t t = 0; t < seen; ++t) {
    data[t].re = (Load(x + t * kLanes) * scale - mean) * weights[t];
    data[t].im = (Load(y + t * kLanes) * other_scale - other_mean) * weights[t];
  }
  for (int64_t t = seen; t < n; ++t) {
    data[t].re = -mean * weights[t];
    data[t].im = -other_mean * weights[t];
  }
  for (int64_t t = n; t < points; ++t) data[t] = Complex{};
  if (!table.centred) return;
  for (int64_t t = 1; t < n; ++t) data[points - t] = data[t];
}

// Powers of both parts' signals from the transform z of first + i second.
inline void Powers(const SpectralTable& table, const Complex* z, Lanes* first, Lanes* second) {
  const int64_t points = table.plan.length;
  const float twice = table.doubled ? 0.5f : 0.25f;
  for (int64_t k = 0; k <= points / 2; ++k) {
    const Complex a = z[k], b = z[k == 0 ? 0 : points - k];
    const float factor = k == 0 || 2 * k == points ? 0.25f : twice;
    const Lanes first_re = a.re + b.re, first_im = a.im - b.im;
    const Lanes second_re = a.im + b.im, second_im = b.re - a.re;
    first[k] = (first_re * first_re + first_im * first_im) * factor;
    second[k] = (second_re * second_re + second_im * second_im) * factor;
  }
}

// The band sums, the largest power and the sum of all others, which stands on its own: 1 - peak
// would cancel.
struct Shares {
  Lanes bands[3], peak, others;
};

inline Shares Divide(const SpectralTable& table, const Lanes* power) {
  Shares shares = {};
  LaneSum others, band;
  for (int which = 0; which < 3; ++which) {
    for (const Lanes* end = power + table.band_bins[which]; power != end; ++power) {
      band.Add(*power);
      others.Add(Min(*power, shares.peak));
      shares.peak = Max(*power, shares.peak);
    }
    shares.bands[which] = band.Take();
  }
  shares.others = others.Take();
  return shares;
}

inline void Summarise(const SpectralTable& table, const Lanes* power, const SpectralInput& input,
                      SpectralTotals& totals) {
  const int64_t bins = table.plan.length / 2 + 1 - table.first_bin;
  power += table.first_bin;
  const Shares shares = Divide(table, power);
  const Lanes total = shares.others + shares.peak;
  const Lanes counted = Select(total <= Load(input.energy) * kFlat, Lanes{}, Load(input.filled));
  const Lanes inverse = 1.0f / Select(counted != 0.0f, total, Splat(1));
  LaneSum entropy, logs;
  for (int64_t k = 0; k < bins; ++k) {
    const Lanes p = power[k] * inverse, log = SafeLogLanes(p);
    entropy.Add(-p * log);
    logs.Add(Max(log, Splat(kFloorLog)));
  }
  const Lanes peak = shares.peak * inverse, others = shares.others * inverse;
  auto add = [&](SpectralTotals::Figure figure, Lanes value) {
    AddCounted(counted, value, totals.values[figure]);
  };
  add(SpectralTotals::kEntropy, entropy.Take());
  add(SpectralTotals::kSelectivity, peak / (others + kLittle));
  add(SpectralTotals::kBandLow, shares.bands[0] * inverse);
  add(SpectralTotals::kPeak, peak);
  // The arithmetic mean of p is 1 / bins.
  const auto count = static_cast<float>(bins);
  add(SpectralTotals::kFlatness, Exp(logs.Take() / count) * count);
  add(SpectralTotals::kBandMid, shares.bands[1] * inverse);
  add(SpectralTotals::kBandHigh, shares.bands[2] * inverse);
  add(SpectralTotals::kCounted, Splat(1));
}

}  // namespace

namespace ONDELETTE_LANES {

void AddSpectra(const SpectralTable& table, const SpectralInput& signals,
                const SpectralInput* others, float* scratch, SpectralTotals& totals,
                SpectralTotals* other_totals) {
  const int64_t points = table.plan.length, bins = points / 2 + 1;
  auto* data = reinterpret_cast<Complex*>(scratch);
  Complex* work = data + points + 2;
  Complex* room = work + points + 2;
  Shape(table, signals, others, data);
  const Complex* z = Transform(table.plan, data, work, room);
  auto* powers = reinterpret_cast<Lanes*>(z == data ? work : data);
  Powers(table, z, powers, powers + bins);
  Summarise(table, powers, signals, totals);
  if (others != nullptr) Summarise(table, powers + bins, *others, *other_totals);
}

}  // namespace ONDELETTE_LANES
}  // namespace ondelette::engine
