// Compiled once for each instruction set, ONDELETTE_LANES being its name.
#include "worker/engine/analysis/lanes/spectral_kernel.h"

#include "worker/engine/analysis/lanes/lane_fft.h"
#include "worker/engine/analysis/lanes/lanes.h"

namespace ondelette::engine {
namespace {

constexpr float kMinimum = 1e-6f, kFlat = 1e-12f, kFloor = 1e-10f, kLittle = 1e-10f;

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

// What is known of signals before their spectrum.
struct Extracted {
  Lanes filled, energy, positional;
};

// Writes the signals' numbers, `step` lanes apart: as they are after renormalisation.
inline Extracted Extract(const SpectralTable& table, const Reader& reader, Lanes* x, int64_t step) {
  LaneSum sum, energy, positional;
  for (int64_t t = 0; t < table.length; ++t) sum.Add(x[step * t] = reader(t));
  Extracted seen{Splat(1), {}, {}};
  const Lanes mass = sum.Total();
  Lanes factor = Splat(1);
  if (table.renormalised) {
    seen.filled = mass > kMinimum ? Splat(1) : Lanes{};
    factor = seen.filled / (mass > kMinimum ? mass : Splat(1));
  }
  for (int64_t t = 0; t < table.length; ++t) {
    const Lanes value = x[step * t] * factor;
    x[step * t] = value;
    energy.Add(value * value);
    positional.Add(-value * SafeLogLanes(value));
  }
  seen.energy = energy.Total();
  seen.positional = positional.Total();
  return seen;
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
    seen[part] = Extract(table, Reader{sources, count, part == 1}, x, 2);
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
