// From a row of attention to a signal in the memory that a team shares (arguments.h says which).
#ifndef ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_SIGNALS_H_
#define ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_SIGNALS_H_

#include <cmath>

#include "worker/engine/teams/arguments.h"
#include "worker/engine/transforms/portable.h"

namespace ondelette::engine {

// ln p, with ln 0 a large finite number (analysis/entropy.h).
ONDELETTE_PORTABLE inline float SafeLog(float p) { return logf(p > 1e-30f ? p : 1e-30f); }

struct TeamRow {
  ONDELETTE_PORTABLE TeamRow(const TeamTile& tile, int head, int at)
      : x(tile.attention + head * tile.head_stride + at * tile.row_stride),
        query(tile.first_query + at),
        seen(tile.causal && query < tile.keys ? query + 1 : tile.keys) {}
  // What is not read is zero.
  ONDELETTE_PORTABLE float At(int key) const { return key < seen ? x[key] : 0.0f; }

  const float* x;
  int query;
  int seen;
};

// Sums over a signal's numbers.
struct TeamMeasures {
  float mass, energy, log_mass;  // x, x^2, x ln x
  ONDELETTE_PORTABLE void Add(float value) {
    mass += value;
    energy += value * value;
    log_mass += value * SafeLog(value);
  }
  ONDELETTE_PORTABLE void Merge(const TeamMeasures& other) {
    mass += other.mass;
    energy += other.energy;
    log_mass += other.log_mass;
  }
};

// Numbers x in shared memory as a signal x scale, and what follows from their measures.
struct TeamSignal {
  ONDELETTE_PORTABLE TeamSignal(const float* numbers, int length, bool renormalised,
                                const TeamMeasures& measures)
      : x(numbers) {
    constexpr float kMinimumMass = 1e-6f;
    const float total = measures.mass;
    filled = !renormalised || total > kMinimumMass;
    scale = !renormalised ? 1.0f : filled ? 1 / total : 0.0f;
    mean = total * scale / static_cast<float>(length);
    energy = measures.energy * scale * scale;
    positional =
        renormalised && filled ? logf(total) - measures.log_mass / total : -measures.log_mass;
  }

  const float* x;
  float scale, mean, energy;
  float positional;  // -sum x scale ln(x scale)
  bool filled;
};

// x[t] = number(t), t < count, measured.
template <typename Team, typename Number>
ONDELETTE_PORTABLE inline TeamMeasures LoadSignal(const Team& team, int count, float* x,
                                                  Number number) {
  return team.Reduce(
      count, TeamMeasures{},
      [=](TeamMeasures& part, int t) {
        x[t] = number(t);
        part.Add(x[t]);
      },
      [](TeamMeasures& part, const TeamMeasures& other) { part.Merge(other); });
}

// x[d] = A[i, i - d], d < window.
template <typename Team>
ONDELETTE_PORTABLE inline TeamMeasures LoadWindow(const Team& team, const TeamTile& tile,
                                                  const TeamRow& row, float* x) {
  const bool cut = tile.cut;
  return LoadSignal(team, tile.window, x,
                    [=](int d) { return cut ? row.x[d] : row.At(row.query - d); });
}

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_SIGNALS_H_
