#include "worker/engine/analysis/wavelet_sums.h"

#include <vector>

#include "worker/engine/analysis/constants.h"
#include "worker/engine/analysis/entropy.h"

namespace ondelette::engine {
namespace {

at::Tensor CountFilled(const SignalTile& tile) {
  return tile.filled.sum(-1, /*keepdim=*/false, at::kDouble);
}

}  // namespace

void EnergySums::Add(const SignalTile& tile) {
  std::vector<at::Tensor> energies;  // a level: [heads, signals]
  for (const at::Tensor& level : tile.levels) energies.push_back(level.square().sum(-1));
  at::Tensor energy = at::stack(energies, 0);
  AddTo(sums_, SumWhere(tile.filled, energy / energy.sum(0)));
  AddTo(filled_, CountFilled(tile));
}

at::Tensor EnergySums::Mean() const { return sums_.defined() ? sums_ / filled_ : at::Tensor(); }

void WaveletSums::Add(const SignalTile& tile) {
  energy_.Add(tile);
  std::vector<at::Tensor> entropies;
  for (const at::Tensor& level : tile.levels) {
    at::Tensor squares = level.square();
    if (kind_ == WaveletEntropy::kWithinScale) {
      squares.div_(squares.sum(-1, /*keepdim=*/true).add_(kGuard));
    }
    entropies.push_back(Entropy(squares));
  }
  AddTo(entropy_, SumWhere(tile.filled, at::stack(entropies, 0)));
  AddTo(filled_, CountFilled(tile));
}

void WaveletSums::Finish(Figures& figures) const {
  if (!entropy_.defined()) return;
  figures["wavelet_energy"] = energy_.Mean().t();
  figures["wavelet_entropy"] = (entropy_ / filled_).t();
}

void ReconstructionSums::Add(const SignalTile& rows) {
  at::Tensor single = rows.values.to(at::kFloat);
  at::Tensor again = wavelet_.Inverse(wavelet_.Transform(single));
  AddTo(error_,
        (single.to(at::kDouble) - again.to(at::kDouble)).square_().sum(at::IntArrayRef{1, 2}));
  AddTo(energy_, single.to(at::kDouble).square_().sum(at::IntArrayRef{1, 2}));
}

void ReconstructionSums::Finish(Figures& figures) const {
  if (error_.defined()) figures["reconstruction_error"] = (error_ / energy_).sqrt();
}

}  // namespace ondelette::engine
