// The part of attention that windows need, from queries, keys and each query's log-sum-exp, by a team a
// query: A[i, j] = exp(scale q_i . k_j - L_i). The rest of the row never exists.
#ifndef ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_BAND_H_
#define ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_BAND_H_

#include <cmath>

#include "worker/engine/teams/arguments.h"
#include "worker/engine/transforms/portable.h"

namespace ondelette::engine {

// Four numbers that are read at once.
struct alignas(16) FourFloats {
  float x, y, z, w;
};

// head_dim is a multiple of 4, and both begin at a multiple of 16 bytes.
ONDELETTE_PORTABLE inline float DotProduct(const float* a, const float* b, int head_dim) {
  const auto* left = reinterpret_cast<const FourFloats*>(a);
  const auto* right = reinterpret_cast<const FourFloats*>(b);
  float x = 0, y = 0, z = 0, w = 0;
  for (int c = 0; c < head_dim / 4; ++c) {
    const FourFloats p = left[c], q = right[c];
    x += p.x * q.x;
    y += p.y * q.y;
    z += p.z * q.z;
    w += p.w * q.w;
  }
  return (x + y) + (z + w);
}

// Query `at` of one head. `memory`: as ShapeOf has it, aligned to 16.
template <typename Team>
ONDELETTE_PORTABLE inline void RunTeam(const Team& team, const BandArguments& arguments, int head,
                                       int at, char* memory) {
  const int head_dim = arguments.head_dim, window = arguments.window, tokens = arguments.tokens;
  const float scale = arguments.scale;
  const float* from = arguments.query + head * arguments.query_head_stride +
                      int64_t{at} * arguments.query_row_stride;
  const float* keys = arguments.key + (head / arguments.sharing) * arguments.key_head_stride;
  const int64_t key_stride = arguments.key_row_stride;
  const float sum = arguments.log_sum_exp[head * arguments.log_sum_exp_stride + at];
  auto* query = reinterpret_cast<float*>(memory);
  team.For(head_dim, [=](int c) { query[c] = from[c]; });
  auto probability = [=](int key) {
    return expf(DotProduct(query, keys + key * key_stride, head_dim) * scale - sum);
  };
  if (at >= window) {
    const int64_t signal = static_cast<int64_t>(head) * (tokens - window) + (at - window);
    float* own = arguments.windows + signal * window;
    team.For(window, [=](int d) { own[d] = probability(at - d); });
    if (arguments.shuffle != nullptr) {
      const int32_t* shuffled = arguments.shuffle + int64_t{at - window} * window;
      float* twin = arguments.twins + signal * window;
      team.For(window, [=](int d) { twin[d] = probability(shuffled[d]); });
    }
  }
  const int width = arguments.local_width;
  const int first = at < width ? 0 : at - width + 1;
  const int last = arguments.causal ? at : at + width - 1 < tokens ? at + width - 1 : tokens - 1;
  const float local = team.Reduce(
      last - first + 1, 0.0f, [=](float& part, int i) { part += probability(first + i); },
      [](float& part, float other) { part += other; });
  BandMasses* masses = arguments.masses + static_cast<int64_t>(head) * tokens + at;
  // Any key's NaN or infinity is in the sum.
  const bool finite = fabsf(sum) <= 3.4028234664e38f;
  team.For(1, [=](int) {
    *masses = {finite ? 0.0f : 1.0f, at == 0 ? 0.0f : probability(0), local};
  });
}

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_BAND_H_
