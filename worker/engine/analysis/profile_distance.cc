// profile-distance: half the L1 distance between the two mean profiles of wavelet energy, 0 to 1.
#include "worker/engine/analysis/constants.h"
#include "worker/engine/analysis/scale.h"
#include "worker/engine/analysis/wavelet_sums.h"

namespace ondelette::engine {
namespace {

class ProfileDistance : public ScaleComparison {
 public:
  explicit ProfileDistance(const ScaleShape& shape)
      : shape_(shape), shortened_(shape.shortened.size()) {}

  void AddWhole(SignalTile& tile) override {
    TransformOnce(*shape_.wavelet, tile);
    whole_.Add(tile);
  }

  void AddShortened(size_t alpha, SignalTile& tile) override {
    TransformOnce(*shape_.shortened[alpha], tile);
    shortened_[alpha].Add(tile);
  }

  std::vector<at::Tensor> Finish() const override {
    at::Tensor whole = whole_.Mean();
    std::vector<at::Tensor> figures;
    for (const EnergySums& sums : shortened_) {
      at::Tensor shortened = sums.Mean();
      if (whole.defined() && shortened.defined()) {
        figures.push_back((whole - shortened).abs_().sum(0).mul_(0.5));
      } else {
        at::TensorOptions options = at::TensorOptions().dtype(at::kDouble).device(shape_.device);
        figures.push_back(at::full({shape_.heads}, kUndefined, options));
      }
    }
    return figures;
  }

 private:
  ScaleShape shape_;
  EnergySums whole_;
  std::vector<EnergySums> shortened_;
};

}  // namespace

std::unique_ptr<ScaleComparison> MakeProfileDistance(const ScaleShape& shape) {
  return std::make_unique<ProfileDistance>(shape);
}

}  // namespace ondelette::engine
