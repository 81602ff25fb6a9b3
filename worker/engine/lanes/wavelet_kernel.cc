// Compiled once for each instruction set, ONDELETTE_LANES being its name.
#include "worker/engine/lanes/wavelet_kernel.h"

#include "worker/engine/lanes/kernel_functions.h"
#include "worker/engine/lanes/lanes.h"
#include "worker/engine/lanes/transpose.h"
#include "worker/engine/transforms/db2.h"

namespace ondelette::engine {
namespace {

constexpr float kLittle = 1e-10f;

struct Buffers {
  Lanes *signal, *extended, *approximation, *coefficients;
};

inline Buffers BuffersAt(float* memory, int64_t length) {
  auto* begin = reinterpret_cast<Lanes*>(memory);
  const int64_t most = length + 8;  // as WaveletScratch has it
  return {begin, begin + most, begin + 2 * most, begin + 3 * most};
}

// How many coefficients of each step see anything but zeros, of signals that are zero from `seen` on.
// Where zeros do not reach far enough, or come round a circle, that is all of them.
struct SeenCounts {
  SeenCounts(const WaveletTable& table, int64_t seen) {
    samples[0] = table.periodic ? table.length : seen;
    for (size_t at = 0; at < table.steps.size(); ++at) {
      const WaveletTable::Step& step = table.steps[at];
      samples[at + 1] = All(step, samples[at]) ? step.half : (samples[at] + 3) / 2;
    }
  }
  static bool All(const WaveletTable::Step& step, int64_t seen) {
    return seen + kReach > step.length;
  }
  // A coefficient's filter ends this far behind the last sample it begins with.
  static constexpr int64_t kReach = 4;
  // Of the signal, and of the approximation after each step.
  int64_t samples[kMostLevels + 1];
};

// Continues x on both sides: extended[0] is sample -left.size(). Where not all samples are seen, only
// as far as they reach.
inline void Extend(const WaveletTable& table, const WaveletTable::Step& step, int64_t seen,
                   const Lanes* x, Lanes* extended) {
  const auto left = static_cast<int64_t>(step.left.size());
  const auto right = static_cast<int64_t>(step.right.size());
  const int64_t* from_left = step.left.data();
  const int64_t* from_right = step.right.data();
  for (int64_t t = 0; t < left; ++t) extended[t] = table.zeros ? Lanes{} : x[from_left[t]];
  const bool all = SeenCounts::All(step, seen);
  const int64_t copied = all ? step.length : seen + SeenCounts::kReach;
  for (int64_t t = 0; t < copied; ++t) extended[left + t] = x[t];
  if (!all) return;
  Lanes* end = extended + left + step.length;
  for (int64_t t = 0; t < right; ++t) end[t] = table.zeros ? Lanes{} : x[from_right[t]];
}

inline void Clear(Lanes* x, int64_t first, int64_t end) {
  for (int64_t t = first; t < end; ++t) x[t] = Lanes{};
}

inline int64_t AtMost(int64_t value, int64_t most) { return value < most ? value : most; }

inline void Split(const Lanes* e, int64_t half, Lanes* approximation, Lanes* detail) {
  for (int64_t k = 0; k < half; ++k, e += 2) {
    const Db2Pair<Lanes> pair = Db2Split(e[0], e[1], e[2], e[3]);
    approximation[k] = pair.low;
    detail[k] = pair.high;
  }
}

// One step back: samples from approximation x and detail d.
inline void Join(const WaveletTable& table, int64_t half, const Lanes* x, const Lanes* d,
                 Lanes* samples) {
  if (!table.periodic) {
    for (int64_t k = 0; k < half - 1; ++k) {
      samples[2 * k] = Db2Tap<0>(x[k + 1], d[k + 1]) + Db2Tap<2>(x[k], d[k]);
      samples[2 * k + 1] = Db2Tap<1>(x[k + 1], d[k + 1]) + Db2Tap<3>(x[k], d[k]);
    }
    return;
  }
  for (int64_t k = 0; k < half; ++k) {
    const int64_t before = k == 0 ? half - 1 : k - 1, after = k + 1 == half ? 0 : k + 1;
    samples[2 * k] = Db2Tap<1>(x[k], d[k]) + Db2Tap<3>(x[before], d[before]);
    samples[2 * k + 1] = Db2Tap<0>(x[after], d[after]) + Db2Tap<2>(x[k], d[k]);
  }
}

// The signals again, in buffers.approximation, as far as they are seen; the details end before the
// last approximation.
inline void Inverse(const WaveletTable& table, const SeenCounts& seen, const Buffers& buffers) {
  Lanes *x = buffers.approximation, *samples = buffers.extended;
  const int64_t levels = static_cast<int64_t>(table.steps.size());
  const int64_t coarsest = table.steps[levels - 1].half;
  const Lanes* d = buffers.coefficients + table.coefficients - coarsest;
  for (int64_t k = 0; k < coarsest; ++k) x[k] = d[k];
  for (int64_t at = levels - 1; at >= 0; --at) {
    const WaveletTable::Step& step = table.steps[at];
    d -= step.half;
    const int64_t count = seen.samples[at];
    // Two samples a coefficient; those of the last see one more, which is zero.
    Join(table, AtMost(step.half, seen.samples[at + 1] + 1), x, d, samples);
    for (int64_t t = 0; t < count; ++t) x[t] = samples[t];
    Clear(x, count, AtMost(step.length, count + SeenCounts::kReach));
  }
}

// Calls visit(level, first coefficient, count), cA_L first, then from the coarsest detail to the
// finest.
template <typename Visit>
inline void ForEachLevel(const WaveletTable& table, Visit visit) {
  const int64_t levels = static_cast<int64_t>(table.steps.size());
  int64_t at = table.coefficients - table.steps[levels - 1].half;
  visit(0, at, table.steps[levels - 1].half);
  for (int64_t level = 1; level <= levels; ++level) {
    const int64_t count = table.steps[levels - level].half;
    at -= count;
    visit(level, at, count);
  }
}

inline Lanes Dot(const Lanes* a, const Lanes* b, int64_t count) {
  LaneSum sum;
  for (int64_t k = 0; k < count; ++k) sum.Add(a[k] * b[k]);
  return sum.Take();
}

inline Lanes Entropy(const Lanes* c, int64_t count, Lanes factor) {
  LaneSum sum;
  for (int64_t k = 0; k < count; ++k) {
    const Lanes q = c[k] * c[k] * factor;
    sum.Add(-q * SafeLogLanes(q));
  }
  return sum.Take();
}

}  // namespace

namespace ONDELETTE_LANES {

const float* TransformWavelets(const WaveletTable& table, const float* x, const float* scale,
                               const float* mean, int64_t seen, float* scratch) {
  const Buffers buffers = BuffersAt(scratch, table.length);
  const SeenCounts counts(table, seen);
  const Lanes factor = Load(scale), middle = Load(mean);
  const int64_t copied = AtMost(table.length, counts.samples[0] + SeenCounts::kReach);
  for (int64_t t = 0; t < copied; ++t) {
    buffers.signal[t] = Load(x + t * kLanes) * factor - middle;
  }
  const Lanes* samples = buffers.signal;
  Lanes* out = buffers.coefficients;
  const int64_t levels = static_cast<int64_t>(table.steps.size());
  for (int64_t at = 0; at < levels; ++at) {
    const WaveletTable::Step& step = table.steps[at];
    const int64_t count = counts.samples[at + 1];
    Extend(table, step, counts.samples[at], samples, buffers.extended);
    Split(buffers.extended, count, buffers.approximation, out);
    Clear(buffers.approximation, count, AtMost(step.half, count + SeenCounts::kReach));
    Clear(out, count, step.half);
    out += step.half;
    samples = buffers.approximation;
  }
  const int64_t count = counts.samples[levels];
  for (int64_t k = 0; k < count; ++k) out[k] = samples[k];
  Clear(out, count, table.steps[levels - 1].half);
  return reinterpret_cast<const float*>(buffers.coefficients);
}

void AddWaveletFigures(const WaveletTable& table, const float* coefficients, const float* filled,
                       int64_t seen, bool within_scale, double* energy_share, double* entropy) {
  const auto* c = reinterpret_cast<const Lanes*>(coefficients);
  const Lanes counted = Load(filled);
  const SeenCounts counts(table, seen);
  const int64_t levels = static_cast<int64_t>(table.steps.size());
  // Coefficients that are not zero; level 0 is what the last step leaves.
  auto nonzero = [&](int64_t level) {
    return counts.samples[level == 0 ? levels : levels - level + 1];
  };
  Lanes energies[kMostLevels], total = {};
  ForEachLevel(table, [&](int64_t level, int64_t first, int64_t /*count*/) {
    energies[level] = Dot(c + first, c + first, nonzero(level));
    total += energies[level];
  });
  ForEachLevel(table, [&](int64_t level, int64_t first, int64_t /*count*/) {
    AddCounted(counted, energies[level] / total, energy_share + level * kLanes);
    if (entropy == nullptr) return;
    const Lanes factor = within_scale ? 1.0f / (energies[level] + kLittle) : Splat(1);
    AddCounted(counted, Entropy(c + first, nonzero(level), factor), entropy + level * kLanes);
  });
}

void AddReconstruction(const WaveletTable& table, const float* filled, int64_t seen, float* scratch,
                       ReconstructionTotals& totals) {
  const Buffers buffers = BuffersAt(scratch, table.length);
  const SeenCounts counts(table, seen);
  Inverse(table, counts, buffers);
  LaneSum energy, error;
  for (int64_t t = 0; t < counts.samples[0]; ++t) {
    const Lanes value = buffers.signal[t], difference = value - buffers.approximation[t];
    energy.Add(value * value);
    error.Add(difference * difference);
  }
  AddCounted(Load(filled), energy.Take(), totals.energy);
  AddCounted(Load(filled), error.Take(), totals.error);
}

void StoreRows(const float* c, int64_t count, int64_t first, int64_t end, float* out,
               int64_t room) {
  for (int64_t k = 0; k < count; k += kLanes) {
    const int64_t some = count - k < kLanes ? count - k : kLanes;
    // Unrolled: GCC copies the tile with string instructions otherwise, as slow as all the rest.
    Lanes tile[kLanes];
#pragma GCC unroll 16
    for (int64_t j = 0; j < kLanes; ++j) tile[j] = j < some ? Load(c + (k + j) * kLanes) : Lanes{};
    Transpose(tile);
    for (int64_t lane = first; lane < end; ++lane) {
      const int64_t at = (lane - first) * count + k;
      const int64_t fits = room - at < some ? room - at : some;
      if (fits > 0) StoreSome(tile[lane], fits, out + at);
    }
  }
}

void AddCosines(const WaveletTable& longer, const float* a, const WaveletTable& shorter,
                const float* b, const float* filled, double* sum) {
  int64_t first_of_longer[kMostLevels];
  ForEachLevel(longer, [&](int64_t level, int64_t first, int64_t /*count*/) {
    first_of_longer[level] = first;
  });
  Lanes cosines = {};
  ForEachLevel(shorter, [&](int64_t level, int64_t first, int64_t count) {
    const Lanes* u = reinterpret_cast<const Lanes*>(a) + first_of_longer[level];
    const Lanes* v = reinterpret_cast<const Lanes*>(b) + first;
    const Lanes norms = Sqrt(Dot(u, u, count)) * Sqrt(Dot(v, v, count));
    cosines += Dot(u, v, count) / (norms + kLittle);
  });
  AddCounted(Load(filled), cosines, sum);
}

Products MultiplyVectors(const float* u, const float* v, int64_t count) {
  DoubleLanes uu = {}, uv = {}, vv = {};
  for (int64_t k = 0; k < count; k += kLanes) {
    const int64_t some = count - k < kLanes ? count - k : kLanes;
    const Lanes a = LoadSome(u + k, some), b = LoadSome(v + k, some);
    uu += Widened(a * a);
    uv += Widened(a * b);
    vv += Widened(b * b);
  }
  Products products;
  for (int lane = 0; lane < kLanes; ++lane) {
    products.uu += uu[lane];
    products.uv += uv[lane];
    products.vv += vv[lane];
  }
  return products;
}

}  // namespace ONDELETTE_LANES
}  // namespace ondelette::engine
