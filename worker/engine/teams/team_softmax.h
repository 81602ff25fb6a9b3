// Softmax of a row of scores by a team, with everything that comes between products and
// probabilities: all of them, or those that windows need.
#ifndef ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_SOFTMAX_H_
#define ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_SOFTMAX_H_

#include <cmath>

#include "worker/engine/teams/arguments.h"
#include "worker/engine/transforms/portable.h"

namespace ondelette::engine {

struct ScoreRow {
  ONDELETTE_PORTABLE ScoreRow(const SoftmaxArguments& arguments, int head, int at)
      : products(arguments.scores +
                 (static_cast<int64_t>(head) * arguments.queries + at) * arguments.keys),
        query(arguments.first_query + at),
        begin(0),
        end(arguments.keys),
        scale(arguments.scale),
        softcap(arguments.softcap) {
    const int own = query - arguments.first_key;  // the query's own key
    if (arguments.bias != nullptr) {
      bias = arguments.bias + head * (2 * int64_t{arguments.tokens} - 1) +
             (arguments.tokens - 1 - own);
    }
    if (!arguments.causal) return;
    if (own + 1 < end) end = own + 1;
    if (arguments.window > 0 && own + 1 > arguments.window) begin = own + 1 - arguments.window;
  }

  ONDELETTE_PORTABLE float Score(int column) const {
    float score = products[column] * scale;
    if (bias != nullptr) score += bias[column];
    return softcap != 0 ? tanhf(score / softcap) * softcap : score;
  }

  float* products;
  int query;
  int begin, end;  // the columns of keys that the query sees
  float scale, softcap;
  const float* bias = nullptr;
};

// A probability is exp(score - most) / sum. The sum is NaN or 0 where the row is not finite.
struct Normaliser {
  float most, sum;
};
// score(column) is called once, kept(column) afterwards, for every column that is seen.
template <typename Team, typename Score, typename Kept>
ONDELETTE_PORTABLE inline Normaliser Normalise(const Team& team, const ScoreRow& row, Score score,
                                               Kept kept) {
  const int begin = row.begin;
  const float most = team.Reduce(
      row.end - begin, -HUGE_VALF,
      [=](float& part, int i) { part = fmaxf(part, score(begin + i)); },
      [](float& part, float other) { part = fmaxf(part, other); });
  const float sum = team.Reduce(
      row.end - begin, 0.0f, [=](float& part, int i) { part += expf(kept(begin + i) - most); },
      [](float& part, float other) { part += other; });
  return {most, sum};
}

// Row `at` of one head, in place. `memory`: as ShapeOf has it, aligned to 16.
template <typename Team>
ONDELETTE_PORTABLE inline void RunTeam(const Team& team, const SoftmaxArguments& arguments,
                                       int head, int at, char* memory) {
  const ScoreRow row(arguments, head, at);
  float* out = row.products;
  float* x = arguments.in_place ? out : reinterpret_cast<float*>(memory);
  const Normaliser of = Normalise(
      team, row, [=](int column) { return x[column] = row.Score(column); },
      [=](int column) { return x[column]; });
  const float share = 1 / of.sum;
  team.For(arguments.keys, [=](int column) {
    const bool seen = column >= row.begin && column < row.end;
    out[column] = seen ? expf(x[column] - of.most) * share : 0.0f;
  });
}

// The windows of a row's probabilities, which are never written. Needs no memory.
template <typename Team>
ONDELETTE_PORTABLE inline void RunTeam(const Team& team, const WindowArguments& arguments, int head,
                                       int at, char* /*memory*/) {
  const SoftmaxArguments& rows = arguments.rows;
  const ScoreRow row(rows, head, at);
  auto score = [=](int column) { return row.Score(column); };
  const Normaliser of = Normalise(team, row, score, score);
  const int first_key = rows.first_key, query = row.query, window = arguments.window;
  const float share = 1 / of.sum;
  auto probability = [=](int key) {
    const int column = key - first_key;
    const bool seen = column >= row.begin && column < row.end;
    return seen ? expf(row.Score(column) - of.most) * share : 0.0f;
  };
  if (query >= window) {
    const int before = rows.first_query < window ? window - rows.first_query : 0;
    const int64_t signal = static_cast<int64_t>(head) * (rows.queries - before) + (at - before);
    float* own = arguments.windows + signal * window;
    team.For(window, [=](int d) { own[d] = probability(query - d); });
    if (arguments.shuffle.keys != nullptr) {
      const int64_t index = query - window - arguments.shuffle.first;
      const int32_t* keys = arguments.shuffle.keys + index * window;
      float* twin = arguments.twins + signal * window;
      team.For(window, [=](int d) { twin[d] = probability(keys[d]); });
    }
  }
  const int first = query - arguments.local_width + 1;
  const float local = team.Reduce(
      2 * arguments.local_width - 1, 0.0f,
      [=](float& part, int i) { part += probability(first + i); },
      [](float& part, float other) { part += other; });
  WindowMasses* masses = arguments.masses + static_cast<int64_t>(head) * rows.queries + at;
  const bool finite = of.sum > 0 && of.sum <= 3.4028234664e38f;
  team.For(1, [=](int) {
    *masses = {finite ? 0.0f : 1.0f, query == 0 ? 0.0f : probability(0), local};
  });
}

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_SOFTMAX_H_
