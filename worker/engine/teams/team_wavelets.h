// The wavelet transform of a row's signal, and the figures made from it, by a team.
#ifndef ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_WAVELETS_H_
#define ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_WAVELETS_H_

#include "worker/engine/teams/arguments.h"
#include "worker/engine/teams/team_signals.h"
#include "worker/engine/transforms/db2.h"

namespace ondelette::engine {

// A team's memory, cut up.
struct WaveletMemory {
  ONDELETTE_PORTABLE WaveletMemory(const TeamWavelet& wavelet, char* memory)
      : signal(reinterpret_cast<float*>(memory)),
        coefficients(signal + wavelet.length),
        first(coefficients + wavelet.coefficients),
        second(first + wavelet.length + 4) {}
  float *signal, *coefficients, *first, *second;
};

// Sample `position` of x, which goes on to the left and to the right.
ONDELETTE_PORTABLE inline float Continued(const TeamWavelet& wavelet, const TeamWavelet::Step& step,
                                          const float* x, int position) {
  if (position >= 0 && position < step.length) return x[position];
  if (wavelet.zeros) return 0;
  return x[position < 0 ? step.from_left[position + step.left]
                        : step.from_right[position - step.length]];
}

template <typename Team>
ONDELETTE_PORTABLE inline void TransformSignal(const Team& team, const TeamWavelet& wavelet,
                                               const WaveletMemory& memory) {
  const float* samples = memory.signal;
  float* next = memory.first;
  float* out = memory.coefficients;
  for (int at = 0; at < wavelet.steps; ++at) {
    const TeamWavelet::Step& step = wavelet.step[at];
    team.For(step.half, [=, &wavelet, &step](int k) {
      const int begin = 2 * k - step.left;
      const Db2Pair<float> pair = Db2Split(Continued(wavelet, step, samples, begin),
                                           Continued(wavelet, step, samples, begin + 1),
                                           Continued(wavelet, step, samples, begin + 2),
                                           Continued(wavelet, step, samples, begin + 3));
      next[k] = pair.low;
      out[k] = pair.high;
    });
    out += step.half;
    samples = next;
    next = next == memory.first ? memory.second : memory.first;
  }
  const int coarsest = wavelet.step[wavelet.steps - 1].half;
  team.For(coarsest, [=](int k) { out[k] = samples[k]; });
}

// The signal again, from its coefficients. Returns where it is.
template <typename Team>
ONDELETTE_PORTABLE inline const float* InvertTransform(const Team& team, const TeamWavelet& wavelet,
                                                       const WaveletMemory& memory) {
  const int coarsest = wavelet.step[wavelet.steps - 1].half;
  const float* detail = memory.coefficients + wavelet.coefficients - coarsest;
  const float* low = detail;
  float* samples = memory.first;
  const bool periodic = wavelet.periodic;
  for (int at = wavelet.steps - 1; at >= 0; --at) {
    const int half = wavelet.step[at].half;
    detail -= half;
    team.For(periodic ? half : half - 1, [=](int k) {
      if (!periodic) {
        samples[2 * k] = Db2Tap<0>(low[k + 1], detail[k + 1]) + Db2Tap<2>(low[k], detail[k]);
        samples[2 * k + 1] = Db2Tap<1>(low[k + 1], detail[k + 1]) + Db2Tap<3>(low[k], detail[k]);
        return;
      }
      const int before = k == 0 ? half - 1 : k - 1, after = k + 1 == half ? 0 : k + 1;
      samples[2 * k] = Db2Tap<1>(low[k], detail[k]) + Db2Tap<3>(low[before], detail[before]);
      samples[2 * k + 1] = Db2Tap<0>(low[after], detail[after]) + Db2Tap<2>(low[k], detail[k]);
    });
    low = samples;
    samples = samples == memory.first ? memory.second : memory.first;
  }
  return low;
}

struct Energies {
  float energy, error;
};

template <typename Team>
ONDELETTE_PORTABLE inline Energies Reconstruction(const Team& team, const TeamWavelet& wavelet,
                                                  const WaveletMemory& memory) {
  const float* again = InvertTransform(team, wavelet, memory);
  const float* signal = memory.signal;
  return team.Reduce(
      wavelet.length, Energies{},
      [=](Energies& part, int t) {
        const float difference = signal[t] - again[t];
        part.energy += signal[t] * signal[t];
        part.error += difference * difference;
      },
      [](Energies& part, const Energies& other) {
        part.energy += other.energy;
        part.error += other.error;
      });
}

template <typename Team>
ONDELETTE_PORTABLE inline float LevelEnergy(const Team& team, const float* c, int count) {
  return team.Reduce(
      count, 0.0f, [=](float& part, int k) { part += c[k] * c[k]; },
      [](float& part, float other) { part += other; });
}

template <typename Team>
ONDELETTE_PORTABLE inline float LevelEntropy(const Team& team, const float* c, int count,
                                             float factor) {
  return team.Reduce(
      count, 0.0f,
      [=](float& part, int k) {
        const float q = c[k] * c[k] * factor;
        part -= q * SafeLog(q);
      },
      [](float& part, float other) { part += other; });
}

// Energies' shares and entropies by level, cA_L first, to figures[0..levels-1] and behind it.
template <typename Team>
ONDELETTE_PORTABLE inline void MeasureLevels(const Team& team, const TeamWavelet& wavelet,
                                             const float* coefficients, bool within_scale,
                                             float* figures) {
  constexpr float kLittle = 1e-10f;
  const int levels = wavelet.steps + 1;
  float energies[TeamWavelet::kMostSteps + 1];
  float total = 0;
  const float* c = coefficients + wavelet.coefficients;
  for (int level = 0; level < levels; ++level) {
    const int count = wavelet.step[level == 0 ? wavelet.steps - 1 : wavelet.steps - level].half;
    c -= count;
    energies[level] = LevelEnergy(team, c, count);
    total += energies[level];
    const float factor = within_scale ? 1 / (energies[level] + kLittle) : 1.0f;
    const float entropy = LevelEntropy(team, c, count, factor);
    team.For(1, [=](int) { figures[levels + level] = entropy; });
  }
  team.For(1, [&](int) {
    for (int level = 0; level < levels; ++level) figures[level] = energies[level] / total;
  });
}

// The signal into memory.signal; false: the row has none, or an empty one.
template <typename Team>
ONDELETTE_PORTABLE inline bool LoadWaveletSignal(const Team& team,
                                                 const WaveletArguments& arguments,
                                                 const TeamRow& row, float* x) {
  const int window = arguments.tile.window, length = arguments.wavelet.length;
  const int dropped = arguments.dropped ? 1 : 0;
  if (row.query < (window > 0 ? window : dropped)) return false;
  const TeamMeasures measures =
      window > 0 ? LoadWindow(team, arguments.tile, row, x)
                 : LoadSignal(team, length, x, [=](int t) { return row.At(t + dropped); });
  const TeamSignal signal(x, length, window > 0 || dropped == 1, measures);
  const float scale = signal.scale, mean = arguments.detrended ? signal.mean : 0.0f;
  team.For(length, [=](int t) { x[t] = x[t] * scale - mean; });
  return signal.filled;
}

// Row `at` of the tile of one head. `memory`: as ShapeOf has it, aligned to 16.
template <typename Team>
ONDELETTE_PORTABLE inline void RunTeam(const Team& team, const WaveletArguments& arguments,
                                       int head, int at, char* memory) {
  const TeamWavelet& wavelet = arguments.wavelet;
  const WaveletMemory parts(wavelet, memory);
  const TeamRow row(arguments.tile, head, at);
  const int64_t index = static_cast<int64_t>(head) * arguments.tile.queries + at;
  const int width = 3 + 2 * (wavelet.steps + 1);
  float* figures = arguments.figures + index * width;
  const int coefficients = wavelet.coefficients;
  float* kept =
      arguments.coefficients == nullptr ? nullptr : arguments.coefficients + index * coefficients;
  if (!LoadWaveletSignal(team, arguments, row, parts.signal)) {
    team.For(width, [=](int i) { figures[i] = 0; });
    if (kept != nullptr) team.For(coefficients, [=](int k) { kept[k] = 0; });
    return;
  }
  TransformSignal(team, wavelet, parts);
  const float* from = parts.coefficients;
  if (kept != nullptr) team.For(coefficients, [=](int k) { kept[k] = from[k]; });
  MeasureLevels(team, wavelet, parts.coefficients, arguments.within_scale, figures + 3);
  Energies energies = {};
  if (arguments.reconstructed) energies = Reconstruction(team, wavelet, parts);
  team.For(1, [=](int) {
    figures[0] = 1;
    figures[1] = energies.energy;
    figures[2] = energies.error;
  });
}

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_WAVELETS_H_
