#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "worker/engine/lanes/kernels.h"
#include "worker/engine/lanes/lane_buffer.h"
#include "worker/engine/model/large_memory.h"
#include "worker/engine/model/packing_methods.h"

namespace ondelette::engine {
namespace {

// Rows of a weight that are packed at a time.
constexpr int64_t kSliceRows = 6 * kPanelOutputs;
// Fewer rows of x are not shared out among threads: each would read the whole weight for them.
constexpr int64_t kRowsWorthAThread = 128;

int PiecesOf(Precision precision) {
  switch (precision) {
    case Precision::kBfloat16:
      return 1;
    case Precision::kFloat16:
      return 2;
    case Precision::kFloat32:
      return 3;
  }
  TORCH_CHECK(false, "unknown precision ", static_cast<int>(precision));
}

LaneActivation LaneActivationOf(std::optional<Activation> activation) {
  if (!activation) return LaneActivation::kNone;
  switch (*activation) {
    case Activation::kGelu:
      return LaneActivation::kGelu;
    case Activation::kGeluTanh:
      return LaneActivation::kGeluTanh;
    case Activation::kQuickGelu:
      return LaneActivation::kQuickGelu;
    case Activation::kRelu:
      return LaneActivation::kRelu;
    case Activation::kSilu:
      return LaneActivation::kSilu;
    case Activation::kTanh:
      return LaneActivation::kTanh;
  }
  TORCH_CHECK(false, "unknown activation ", static_cast<int>(*activation));
}

class Bfloat16Matrix : public PackedMatrix {
 public:
  Bfloat16Matrix(int64_t out, int64_t in, int pieces)
      : memory_(static_cast<size_t>(Bfloat16Numbers(out, in, pieces)) * sizeof(uint16_t)),
        weight_{out, in, pieces, static_cast<const uint16_t*>(memory_.data())} {}

  absl::Status Fill(PackedMatrix::ReadRows read) {
    std::vector<float> rows(static_cast<size_t>(std::min(kSliceRows, weight_.out) * weight_.in));
    for (int64_t first = 0; first < weight_.out; first += kSliceRows) {
      const int64_t count = std::min(kSliceRows, weight_.out - first);
      if (absl::Status status = read(first, count, rows.data()); !status.ok()) return status;
      Kernels().pack_weight(rows.data(), first, count, weight_,
                            static_cast<uint16_t*>(memory_.data()));
    }
    return absl::OkStatus();
  }

  int64_t out() const override { return weight_.out; }
  bool concurrent() const override { return true; }

  // Threads share the rows, where there are many, and then the outputs.
  void Product(const at::Tensor& x, const at::Tensor& bias, std::optional<Activation> activation,
               const at::Tensor& out) const override {
    const int64_t rows = x.size(0), panels = weight_.panels();
    const int64_t threads = at::in_parallel_region() ? 1 : at::get_num_threads();
    const int64_t row_shares = std::clamp<int64_t>(rows / kRowsWorthAThread, 1, threads);
    const int64_t panel_shares = std::min(panels, (threads + row_shares - 1) / row_shares);
    const LaneActivation lane_activation = LaneActivationOf(activation);
    at::parallel_for(0, row_shares * panel_shares, 1, [&](int64_t begin, int64_t end) {
      thread_local LaneBuffer scratch;
      for (int64_t share = begin; share < end; ++share) {
        const int64_t row_share = share / panel_shares, panel_share = share % panel_shares;
        const int64_t first = row_share * rows / row_shares;
        Kernels().multiply_weight(
            {&weight_, x.data_ptr<float>() + first * weight_.in,
             (row_share + 1) * rows / row_shares - first, panel_share * panels / panel_shares,
             (panel_share + 1) * panels / panel_shares,
             bias.defined() ? bias.data_ptr<float>() : nullptr, lane_activation,
             out.data_ptr<float>() + first * weight_.out, scratch.AtLeast(kBfloat16Scratch)});
      }
    });
  }

 private:
  LargeMemory memory_;
  const Bfloat16Weight weight_;
};

absl::StatusOr<std::shared_ptr<const PackedMatrix>> MakeMatrix(int64_t out, int64_t in,
                                                               Precision precision,
                                                               PackedMatrix::ReadRows read) {
  auto matrix = std::make_shared<Bfloat16Matrix>(out, in, PiecesOf(precision));
  if (absl::Status filled = matrix->Fill(read); !filled.ok()) return filled;
  return matrix;
}

int64_t MatrixBytes(int64_t out, int64_t in, Precision precision) {
  return Bfloat16Numbers(out, in, PiecesOf(precision)) * static_cast<int64_t>(sizeof(uint16_t));
}

}  // namespace

PackedMatrix::Method Bfloat16Method() { return {"bfloat16 tiles", MakeMatrix, MatrixBytes}; }

}  // namespace ondelette::engine
