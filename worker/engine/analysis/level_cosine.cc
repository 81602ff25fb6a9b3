// level-cosine: the whole matrix's rows less their mean over n, the shortened one's less theirs
// over m; for rows i < m and each level the cosine between the two rows' coefficients, cut to the
// shorter; 1 - the mean over rows and levels. Rows that are empty in either are left out.
#include <algorithm>

#include "worker/engine/analysis/coefficients.h"
#include "worker/engine/analysis/constants.h"
#include "worker/engine/analysis/figures.h"
#include "worker/engine/analysis/scale.h"

namespace ondelette::engine {
namespace {

// The first rows of a matrix: their coefficients, cut, and which of them are not empty.
struct FirstRows {
  FirstRows(const ScaleShape& shape, int64_t row_count, const std::vector<int64_t>& lengths)
      : rows(row_count),
        coefficients(shape.heads, rows, lengths, Coefficients::Size(rows, lengths), shape.device),
        filled(at::zeros({shape.heads, rows},
                         at::TensorOptions().dtype(at::kBool).device(shape.device))) {}

  void Add(const Wavelet& wavelet, const SignalTile& tile) {
    int64_t count = std::min(tile.count(), rows - tile.first);
    if (count <= 0) return;
    if (tile.detrended_levels.empty()) {
      at::Tensor values = tile.values.narrow(1, 0, count);
      coefficients.Add(tile.first, wavelet.Transform(values - values.mean(-1, /*keepdim=*/true)));
    } else {
      coefficients.Add(tile.first, tile.detrended_levels);
    }
    filled.narrow(1, tile.first, count).copy_(tile.filled.narrow(1, 0, count));
  }

  int64_t rows;
  Coefficients coefficients;
  at::Tensor filled;  // [heads, rows] bool
};

at::Tensor Dot(const at::Tensor& a, const at::Tensor& b) { return (a * b).sum(-1); }

class LevelCosine : public ScaleComparison {
 public:
  explicit LevelCosine(const ScaleShape& shape) : shape_(shape) {
    size_t longest = 0;
    for (size_t alpha = 0; alpha < shape.shortened.size(); ++alpha) {
      int64_t rows = shape.shortened_rows[alpha];
      shortened_.emplace_back(shape, rows, shape.shortened[alpha]->lengths());
      if (rows > shape.shortened_rows[longest]) longest = alpha;
    }
    if (shortened_.empty()) return;
    // What the longest of the shortened matrices is compared with serves the others as well.
    whole_.emplace_back(shape, shape.shortened_rows[longest], shape.shortened[longest]->lengths());
  }

  void AddWhole(SignalTile& tile) override {
    for (FirstRows& whole : whole_) whole.Add(*shape_.wavelet, tile);
  }

  void AddShortened(size_t alpha, SignalTile& tile) override {
    shortened_[alpha].Add(*shape_.shortened[alpha], tile);
  }

  std::vector<at::Tensor> Finish() const override {
    std::vector<at::Tensor> figures;
    for (const FirstRows& shortened : shortened_) figures.push_back(Compare(whole_[0], shortened));
    return figures;
  }

 private:
  static at::Tensor Compare(const FirstRows& whole, const FirstRows& shortened) {
    at::Tensor both = whole.filled.narrow(1, 0, shortened.rows) & shortened.filled;
    at::Tensor sum;
    size_t levels = 0;
    for (; levels < shortened.coefficients.levels(); ++levels) {
      at::Tensor b = shortened.coefficients.Level(levels).to(at::kDouble);
      at::Tensor a = whole.coefficients.Level(levels)
                         .narrow(1, 0, b.size(1))
                         .narrow(2, 0, b.size(2))
                         .to(at::kDouble);
      at::Tensor cosine = Dot(a, b) / (Dot(a, a).sqrt_() * Dot(b, b).sqrt_() + kGuard);
      AddTo(sum, SumWhere(both, cosine));
    }
    at::Tensor count = both.sum(-1, /*keepdim=*/false, at::kDouble);
    return 1 - sum / (count * static_cast<double>(levels));
  }

  ScaleShape shape_;
  std::vector<FirstRows> whole_;  // one, or none without alphas
  std::vector<FirstRows> shortened_;
};

}  // namespace

std::unique_ptr<ScaleComparison> MakeLevelCosine(const ScaleShape& shape) {
  return std::make_unique<LevelCosine>(shape);
}

}  // namespace ondelette::engine
