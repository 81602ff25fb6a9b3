// Softmax of a row of scores by a team, with everything that comes between products and
// probabilities.
#ifndef ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_SOFTMAX_H_
#define ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_SOFTMAX_H_

#include <cmath>

#include "worker/engine/teams/arguments.h"
#include "worker/engine/transforms/portable.h"

namespace ondelette::engine {

// Columns begin..end-1 of the row are keys that its query sees.
struct SeenColumns {
  ONDELETTE_PORTABLE SeenColumns(const SoftmaxArguments& arguments, int query)
      : begin(0), end(arguments.keys) {
    if (!arguments.causal) return;
    const int own = query - arguments.first_key;  // the query's own key
    if (own + 1 < end) end = own + 1;
    if (arguments.window > 0 && own + 1 > arguments.window) begin = own + 1 - arguments.window;
  }
  int begin, end;
};

// Row `at` of one head, in place. `memory`: as ShapeOf has it, aligned to 16.
template <typename Team>
ONDELETTE_PORTABLE inline void RunTeam(const Team& team, const SoftmaxArguments& arguments,
                                       int head, int at, char* memory) {
  const int query = arguments.first_query + at;
  float* row =
      arguments.scores + (static_cast<int64_t>(head) * arguments.queries + at) * arguments.keys;
  float* x = arguments.in_place ? row : reinterpret_cast<float*>(memory);
  const float scale = arguments.scale, softcap = arguments.softcap;
  const float* bias = arguments.bias == nullptr
                          ? nullptr
                          : arguments.bias + head * (2 * int64_t{arguments.tokens} - 1) +
                                (arguments.first_key - query + arguments.tokens - 1);
  const SeenColumns seen(arguments, query);
  const float most = team.Reduce(
      seen.end - seen.begin, -HUGE_VALF,
      [=](float& part, int i) {
        const int column = seen.begin + i;
        float score = row[column] * scale;
        if (bias != nullptr) score += bias[column];
        if (softcap != 0) score = tanhf(score / softcap) * softcap;
        x[column] = score;
        part = fmaxf(part, score);
      },
      [](float& part, float other) { part = fmaxf(part, other); });
  const float sum = team.Reduce(
      seen.end - seen.begin, 0.0f,
      [=](float& part, int i) {
        float& value = x[seen.begin + i];
        value = expf(value - most);
        part += value;
      },
      [](float& part, float other) { part += other; });
  const float share = 1 / sum;
  team.For(arguments.keys, [=](int column) {
    row[column] = column >= seen.begin && column < seen.end ? x[column] * share : 0.0f;
  });
}

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_SOFTMAX_H_
