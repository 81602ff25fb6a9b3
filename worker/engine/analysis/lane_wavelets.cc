#include "worker/engine/analysis/lane_wavelets.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace ondelette::engine {
namespace {

struct BlockFigures {
  WaveletOutputs::Figures figures;
  WaveletOutputs::Reconstruction reconstruction;
  float filled[kBlockSignals];
};

// Coefficients by level, cA_L first.
std::vector<int64_t> Lengths(const WaveletTable& table) {
  std::vector<int64_t> lengths{table.steps.back().half};
  for (auto step = table.steps.rbegin(); step != table.steps.rend(); ++step) {
    lengths.push_back(step->half);
  }
  return lengths;
}

void RunBlock(const WaveletTable& table, const std::vector<SignalSource>& sources, int64_t block,
              bool with_totals, const std::vector<at::Tensor>& levels, float* scratch,
              BlockFigures& out) {
  const int64_t first = block * kBlockSignals;
  const int64_t count = std::min(kBlockSignals, static_cast<int64_t>(sources.size()) - first);
  WaveletOutputs::Target targets[kMostLevels][kBlockSignals];
  for (size_t level = 0; level < levels.size(); ++level) {
    const int64_t length = levels[level].size(2);
    for (int64_t signal = 0; signal < count; ++signal) {
      targets[level][signal] = {levels[level].data_ptr<float>() + (first + signal) * length,
                                length};
    }
  }
  WaveletOutputs outputs{};
  outputs.figures = with_totals ? &out.figures : nullptr;
  outputs.reconstruction = with_totals ? &out.reconstruction : nullptr;
  outputs.targets = targets;
  WaveletBlock(table, &sources[static_cast<size_t>(first)], count, scratch, outputs);
  std::copy_n(outputs.filled, kBlockSignals, out.filled);
}

// Adds one signal to the sums of its head.
void AddSignal(const BlockFigures& figures, int64_t signal, int64_t head, int64_t heads,
               const WaveletTotals& totals) {
  totals.error.data_ptr<double>()[head] += figures.reconstruction.error[signal];
  totals.matrix_energy.data_ptr<double>()[head] += figures.reconstruction.energy[signal];
  if (figures.filled[signal] == 0) return;
  totals.filled.data_ptr<double>()[head] += 1;
  for (int64_t level = 0; level < totals.entropy.size(0); ++level) {
    totals.energy_share.data_ptr<double>()[level * heads + head] +=
        figures.figures.energy_share[level][signal];
    totals.entropy.data_ptr<double>()[level * heads + head] +=
        figures.figures.entropy[level][signal];
  }
}

}  // namespace

LaneTransform TransformLanes(const WaveletTable& table, const std::vector<SignalSource>& sources,
                             int64_t heads, bool with_totals) {
  const auto total = static_cast<int64_t>(sources.size());
  const int64_t signals = total / heads, blocks = (total + kBlockSignals - 1) / kBlockSignals;
  TORCH_CHECK(table.steps.size() < kMostLevels, "too many wavelet levels: ", table.steps.size());
  LaneTransform result;
  for (int64_t length : Lengths(table)) {
    result.levels.push_back(at::empty({heads, signals, length}, at::kFloat));
  }
  std::vector<BlockFigures> figures(static_cast<size_t>(blocks));
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    const at::Tensor scratch = at::empty({WaveletScratch(table)}, at::kFloat);
    for (int64_t block = begin; block < end; ++block) {
      RunBlock(table, sources, block, with_totals, result.levels, scratch.data_ptr<float>(),
               figures[static_cast<size_t>(block)]);
    }
  });
  result.filled = at::empty({heads, signals}, at::kBool);
  for (int64_t at = 0; at < total; ++at) {
    result.filled.data_ptr<bool>()[at] =
        figures[static_cast<size_t>(at / kBlockSignals)].filled[at % kBlockSignals] != 0;
  }
  if (!with_totals) return result;
  const auto levels = static_cast<int64_t>(result.levels.size());
  auto zeros = [](at::IntArrayRef shape) { return at::zeros(shape, at::kDouble); };
  result.totals = {zeros({levels, heads}), zeros({levels, heads}), zeros({heads}), zeros({heads}),
                   zeros({heads})};
  for (int64_t at = 0; at < total; ++at) {
    AddSignal(figures[static_cast<size_t>(at / kBlockSignals)], at % kBlockSignals, at / signals,
              heads, result.totals);
  }
  return result;
}

}  // namespace ondelette::engine
