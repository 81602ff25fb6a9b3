// Everything about a row of attention but its wavelets, by a team: masses, and the spectral figures
// of its signals and of their shuffled twins.
#ifndef ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_SPECTRA_H_
#define ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_SPECTRA_H_

#include "worker/engine/teams/arguments.h"
#include "worker/engine/teams/team_fft.h"
#include "worker/engine/teams/team_memory.h"
#include "worker/engine/teams/team_signals.h"

namespace ondelette::engine {

// The band sums, the largest power and the sum of all others, which stands on its own: 1 - peak
// would cancel.
struct PowerShares {
  float bands[3], peak, others;
  ONDELETTE_PORTABLE void Add(int band, float power) {
    bands[0] += band == 0 ? power : 0.0f;
    bands[1] += band == 1 ? power : 0.0f;
    bands[2] += band == 2 ? power : 0.0f;
    others += fminf(power, peak);
    peak = fmaxf(power, peak);
  }
  ONDELETTE_PORTABLE void Merge(const PowerShares& other) {
    for (int band = 0; band < 3; ++band) bands[band] += other.bands[band];
    others += other.others + fminf(peak, other.peak);
    peak = fmaxf(peak, other.peak);
  }
};

struct PowerLogs {
  float entropy, logs;
};

// From powers [bins from first_bin on] to figures.
template <typename Team>
ONDELETTE_PORTABLE inline SpectralFigures Summarise(const Team& team, const TeamSpectrum& spectrum,
                                                    const float* power, const TeamSignal& signal) {
  constexpr float kFlat = 1e-12f, kLittle = 1e-10f, kFloorLog = -23.025850929940457f;
  const int bins = spectrum.fft.points / 2 + 1 - spectrum.first_bin;
  const int low = spectrum.band_bins[0], middle = low + spectrum.band_bins[1];
  power += spectrum.first_bin;
  const PowerShares shares = team.Reduce(
      bins, PowerShares{},
      [=](PowerShares& part, int k) {
        part.Add(k < low ? 0 : k < middle ? 1 : 2, power[k]);
      },
      [](PowerShares& part, const PowerShares& other) { part.Merge(other); });
  const float total = shares.others + shares.peak;
  SpectralFigures figures = {};
  figures.filled = signal.filled ? 1.0f : 0.0f;
  figures.positional = signal.filled ? signal.positional : 0.0f;
  // The same for all threads of the team. NaN counts, so that it is seen.
  if (!signal.filled || total <= signal.energy * kFlat) return figures;
  const float inverse = 1 / total;
  const PowerLogs sums = team.Reduce(
      bins, PowerLogs{},
      [=](PowerLogs& part, int k) {
        const float p = power[k] * inverse, log = SafeLog(p);
        part.entropy -= p * log;
        part.logs += fmaxf(log, kFloorLog);
      },
      [](PowerLogs& part, const PowerLogs& other) {
        part.entropy += other.entropy;
        part.logs += other.logs;
      });
  figures.entropy = sums.entropy;
  figures.peak = shares.peak * inverse;
  figures.selectivity = figures.peak / (shares.others * inverse + kLittle);
  figures.band_low = shares.bands[0] * inverse;
  figures.band_mid = shares.bands[1] * inverse;
  figures.band_high = shares.bands[2] * inverse;
  // The arithmetic mean of p is 1 / bins.
  const auto count = static_cast<float>(bins);
  figures.flatness = expf(sums.logs / count) * count;
  figures.counted = 1;
  return figures;
}

// first + i second, detrended, tapered and padded, in `data`. number(t) and twin(t) are the signals'.
template <typename Team, typename First, typename Second>
ONDELETTE_PORTABLE inline void Shape(const Team& team, const TeamSpectrum& spectrum, First first,
                                     Second second, Complex* data) {
  const int points = spectrum.fft.points, length = spectrum.length;
  const float* weights = spectrum.weights;
  const bool centred = spectrum.centred;
  team.For(points, [=](int at) {
    // The even extension goes around the circle.
    const int t = centred && at > points - length ? points - at : at;
    data[Spread(at)] =
        t < length ? Complex{first(t) * weights[t], second(t) * weights[t]} : Complex{0, 0};
  });
}

// Powers of both signals from the transform z of first + i second: [points / 2 + 1] each.
template <typename Team>
ONDELETTE_PORTABLE inline void Powers(const Team& team, const TeamSpectrum& spectrum,
                                      const Complex* z, float* first, float* second) {
  const int points = spectrum.fft.points;
  const float twice = spectrum.doubled ? 0.5f : 0.25f;
  team.For(points / 2 + 1, [=](int k) {
    const Complex a = z[Spread(k)], b = z[Spread(k == 0 ? 0 : points - k)];
    const float factor = k == 0 || 2 * k == points ? 0.25f : twice;
    const float first_re = a.re + b.re, first_im = a.im - b.im;
    const float second_re = a.im + b.im, second_im = b.re - a.re;
    first[k] = (first_re * first_re + first_im * first_im) * factor;
    second[k] = (second_re * second_re + second_im * second_im) * factor;
  });
}

// A signal and its twin by one complex transform; figures[1] only where there is a twin. `second`
// takes place t to the twin's number; the twin counts as `other` says.
template <typename Team, typename Second>
ONDELETTE_PORTABLE inline void MeasurePair(const Team& team, const TeamSpectrum& spectrum,
                                           const TeamSignal& signal, const TeamSignal* other,
                                           Second second, Complex* data,
                                           SpectralFigures (&figures)[2]) {
  const float mean = spectrum.detrended ? signal.mean : 0.0f;
  auto first = [=](int t) { return signal.x[t] * signal.scale - mean; };
  if (other != nullptr) {
    const float scale = other->scale, other_mean = spectrum.detrended ? other->mean : 0.0f;
    Shape(
        team, spectrum, first, [=](int t) { return second(t) * scale - other_mean; }, data);
  } else {
    Shape(
        team, spectrum, first, [](int) { return 0.0f; }, data);
  }
  Complex* work = data + Spread(spectrum.fft.points);
  const Complex* z = TeamTransform(team, spectrum.fft, data, work);
  auto* power = reinterpret_cast<float*>(z == data ? work : data);
  float* other_power = power + spectrum.fft.points / 2 + 1;
  Powers(team, spectrum, z, power, other_power);
  figures[0] = Summarise(team, spectrum, power, signal);
  if (other != nullptr) figures[1] = Summarise(team, spectrum, other_power, *other);
}

// What is looked at whatever the signals are, over all keys that are seen.
struct RowMasses {
  float local, non_finite;
};
template <typename Team>
ONDELETTE_PORTABLE inline RowMasses MeasureMasses(const Team& team, const TeamRow& row, int width) {
  return team.Reduce(
      row.seen, RowMasses{},
      [=](RowMasses& part, int key) {
        const float value = row.x[key];
        const int distance = row.query - key;
        if (distance < width && -distance < width) part.local += value;
        if (!(fabsf(value) <= 3.4028234664e38f)) part.non_finite = 1;
      },
      [](RowMasses& part, const RowMasses& other) {
        part.local += other.local;
        part.non_finite = fmaxf(part.non_finite, other.non_finite);
      });
}

template <typename Team>
ONDELETTE_PORTABLE inline void MeasureRows(const Team& team, const SpectraArguments& arguments,
                                           const TeamRow& row, float* x, RowFigures& figures) {
  const int tokens = arguments.tile.tokens;
  auto* data = reinterpret_cast<Complex*>(x + tokens + tokens % 2);
  // Key 0 is measured apart: one kind of signals goes without it.
  const TeamMeasures rest =
      LoadSignal(team, tokens - 1, x + 1, [=](int t) { return row.At(t + 1); });
  TeamMeasures whole = rest;
  whole.Add(row.x[0]);
  team.For(1, [=](int) { x[0] = row.x[0]; });
  for (int dropped = 0; dropped < 2; ++dropped) {
    if (!arguments.looked_at[dropped] || row.query < dropped) continue;
    const TeamSpectrum& spectrum = arguments.spectrum[dropped];
    const TeamShuffle& shuffle = arguments.shuffle[dropped];
    const float* numbers = x + dropped;
    const TeamSignal signal(numbers, spectrum.length, dropped == 1, dropped == 1 ? rest : whole);
    const int64_t index = row.query - dropped - shuffle.first;
    const int32_t* keys =
        shuffle.keys == nullptr ? nullptr : shuffle.keys + index * spectrum.length;
    MeasurePair(
        team, spectrum, signal, shuffle.keys == nullptr ? nullptr : &signal,
        [=](int t) { return numbers[keys[t]]; }, data, figures.spectra[dropped]);
  }
}

template <typename Team>
ONDELETTE_PORTABLE inline void MeasureWindow(const Team& team, const SpectraArguments& arguments,
                                             const TeamRow& row, float* x, RowFigures& figures) {
  const int window = arguments.tile.window;
  if (row.query < window) return;
  const TeamShuffle& shuffle = arguments.shuffle[0];
  float* y = x + window;
  auto* data = reinterpret_cast<Complex*>(y + window);
  const TeamMeasures measures = LoadWindow(team, arguments.tile, row, x);
  figures.window_mass = measures.mass;
  const TeamSignal signal(x, window, true, measures);
  if (shuffle.keys == nullptr && shuffle.cut == nullptr) {
    MeasurePair(
        team, arguments.spectrum[0], signal, nullptr, [](int) { return 0.0f; }, data,
        figures.spectra[0]);
    return;
  }
  const float* cut =
      shuffle.cut == nullptr ? nullptr : shuffle.cut + (row.x - arguments.tile.attention);
  const int64_t index = row.query - window - shuffle.first;
  const int32_t* keys = shuffle.keys == nullptr ? nullptr : shuffle.keys + index * window;
  const TeamSignal twin(y, window, true, LoadSignal(team, window, y, [=](int d) {
                          return cut != nullptr ? cut[d] : row.At(keys[d]);
                        }));
  MeasurePair(
      team, arguments.spectrum[0], signal, &twin, [=](int d) { return y[d]; }, data,
      figures.spectra[0]);
}

// Row `at` of the tile of one head. `memory`: as ShapeOf has it, aligned to 16.
template <typename Team>
ONDELETTE_PORTABLE inline void RunTeam(const Team& team, const SpectraArguments& arguments,
                                       int head, int at, char* memory) {
  const TeamRow row(arguments.tile, head, at);
  auto* x = reinterpret_cast<float*>(memory);
  RowFigures figures = {};
  // Windows that are cut come without the rest of their rows.
  if (!arguments.tile.cut) {
    const RowMasses masses = MeasureMasses(team, row, arguments.local_width);
    figures.non_finite = masses.non_finite;
    figures.local_mass = masses.local;
    figures.sink_mass = row.query == 0 ? 0.0f : row.x[0];
  }
  if (arguments.tile.window > 0) {
    MeasureWindow(team, arguments, row, x, figures);
  } else {
    MeasureRows(team, arguments, row, x, figures);
  }
  RowFigures* out = arguments.figures + static_cast<int64_t>(head) * arguments.tile.queries + at;
  team.For(1, [=](int) { *out = figures; });
}

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_SPECTRA_H_
