// concat-truncate: u = every coefficient of the whole matrix in one long vector, v likewise of the
// shortened one, both cut to the shorter's length; 1 - u.v / (|u||v| + 1e-10).
#include <algorithm>

#include "worker/engine/analysis/coefficients.h"
#include "worker/engine/analysis/constants.h"
#include "worker/engine/analysis/scale.h"

namespace ondelette::engine {
namespace {

// Sums of products in float64, a head at a time so that no second copy of everything is made.
at::Tensor Dot(const at::Tensor& a, const at::Tensor& b) {
  std::vector<at::Tensor> dots;
  for (int64_t head = 0; head < a.size(0); ++head) {
    dots.push_back((a[head].to(at::kDouble) * b[head].to(at::kDouble)).sum());
  }
  return at::stack(dots);
}

class ConcatTruncate : public ScaleComparison {
 public:
  explicit ConcatTruncate(const ScaleShape& shape)
      : shape_(shape),
        whole_(Empty(shape, shape.rows, *shape.wavelet, Reach(shape))),
        whole_filled_(Nothing(shape)) {
    for (size_t alpha = 0; alpha < shape.shortened.size(); ++alpha) {
      const Wavelet& wavelet = *shape.shortened[alpha];
      shortened_.push_back(
          Empty(shape, shape.shortened_rows[alpha], wavelet, Length(shape, alpha)));
      shortened_filled_.push_back(Nothing(shape));
    }
  }

  void AddWhole(SignalTile& tile) override {
    TransformOnce(*shape_.wavelet, tile);
    whole_.Add(tile.first, tile.levels);
    whole_filled_.logical_or_(tile.filled.any(1));
  }

  void AddShortened(size_t alpha, SignalTile& tile) override {
    TransformOnce(*shape_.shortened[alpha], tile);
    shortened_[alpha].Add(tile.first, tile.levels);
    shortened_filled_[alpha].logical_or_(tile.filled.any(1));
  }

  std::vector<at::Tensor> Finish() const override {
    std::vector<at::Tensor> figures;
    for (size_t alpha = 0; alpha < shortened_.size(); ++alpha) {
      const at::Tensor& v = shortened_[alpha].vector();
      at::Tensor u = whole_.vector().narrow(1, 0, v.size(1));
      at::Tensor norms = (Dot(u, u) * Dot(v, v)).sqrt_();
      at::Tensor filled = whole_filled_ & shortened_filled_[alpha];
      figures.push_back((1 - Dot(u, v) / (norms + kGuard)).masked_fill(~filled, kUndefined));
    }
    return figures;
  }

 private:
  // Numbers that u and v of this alpha have in common.
  static int64_t Length(const ScaleShape& shape, size_t alpha) {
    return std::min(
        Coefficients::Size(shape.rows, shape.wavelet->lengths()),
        Coefficients::Size(shape.shortened_rows[alpha], shape.shortened[alpha]->lengths()));
  }
  // How far into u any alpha's v reaches.
  static int64_t Reach(const ScaleShape& shape) {
    int64_t reach = 0;
    for (size_t alpha = 0; alpha < shape.shortened.size(); ++alpha) {
      reach = std::max(reach, Length(shape, alpha));
    }
    return reach;
  }
  static Coefficients Empty(const ScaleShape& shape, int64_t rows, const Wavelet& wavelet,
                            int64_t capacity) {
    return {shape.heads, rows, wavelet.lengths(), capacity, shape.device};
  }
  static at::Tensor Nothing(const ScaleShape& shape) {
    return at::zeros({shape.heads}, at::TensorOptions().dtype(at::kBool).device(shape.device));
  }

  ScaleShape shape_;
  Coefficients whole_;
  at::Tensor whole_filled_;  // [heads] bool: some row is not empty
  std::vector<Coefficients> shortened_;
  std::vector<at::Tensor> shortened_filled_;
};

}  // namespace

std::unique_ptr<ScaleComparison> MakeConcatTruncate(const ScaleShape& shape) {
  return std::make_unique<ConcatTruncate>(shape);
}

}  // namespace ondelette::engine
