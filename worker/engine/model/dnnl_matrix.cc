// oneDNN's API in the version of Debian 12 (2.6), which LibTorch 1.13 itself links.
#include <algorithm>
#include <dnnl.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "worker/engine/model/large_memory.h"
#include "worker/engine/model/packing_methods.h"

namespace ondelette::engine {
namespace {

using dnnl::algorithm;
using dnnl::matmul;
using dnnl::memory;

// The layout is chosen for products of this many rows and used for all.
constexpr int64_t kTypicalRows = 512;
// Rows of a weight that are packed at a time: a multiple of every block that oneDNN puts them into.
constexpr int64_t kSliceRows = 192;

const dnnl::engine& Processor() {
  static const auto* engine = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

memory::desc Plain(int64_t rows, int64_t columns) {
  return {{rows, columns}, memory::data_type::f32, memory::format_tag::ab};
}

memory View(const memory::desc& layout, const at::Tensor& tensor) {
  return {layout, Processor(), tensor.data_ptr()};
}

struct Eltwise {
  algorithm function;
  float alpha;
};

Eltwise EltwiseOf(Activation activation) {
  switch (activation) {
    case Activation::kGelu:
      return {algorithm::eltwise_gelu_erf, 0};
    case Activation::kGeluTanh:
      return {algorithm::eltwise_gelu_tanh, 0};
    case Activation::kQuickGelu:
      return {algorithm::eltwise_swish, 1.702f};
    case Activation::kRelu:
      return {algorithm::eltwise_relu, 0};
    case Activation::kSilu:
      return {algorithm::eltwise_swish, 1};
    case Activation::kTanh:
      return {algorithm::eltwise_tanh, 0};
  }
  TORCH_CHECK(false, "unknown activation ", static_cast<int>(activation));
}

// What a product may differ in; oneDNN generates code for each.
struct ProductKind {
  int64_t rows;
  bool biased;
  std::optional<Activation> activation;
  auto operator<=>(const ProductKind&) const = default;
};

class DnnlMatrix : public PackedMatrix {
 public:
  DnnlMatrix(int64_t out, int64_t in) : in_(in), out_(out) {
    const memory::desc any({in_, out_}, memory::data_type::f32, memory::format_tag::any);
    const memory::desc layout = Describe({kTypicalRows, false, std::nullopt}, any).weights_desc();
    memory_ = LargeMemory(layout.get_size());
    packed_ = memory(layout, Processor(), memory_.data());
  }

  absl::Status Fill(PackedMatrix::ReadRows read) {
    const int64_t step = Sliceable() ? kSliceRows : out_;
    std::vector<float> rows(static_cast<size_t>(std::min(step, out_) * in_));
    for (int64_t first = 0; first < out_; first += step) {
      const int64_t count = std::min(step, out_ - first);
      if (absl::Status status = read(first, count, rows.data()); !status.ok()) return status;
      PackSlice(first, count, rows.data());
    }
    return absl::OkStatus();
  }

  int64_t out() const override { return out_; }
  // A primitive's work space belongs to the thread that made it (oneDNN without concurrent execution).
  bool concurrent() const override { return false; }

  void Product(const at::Tensor& x, const at::Tensor& bias, std::optional<Activation> activation,
               const at::Tensor& out) const override {
    const int64_t rows = x.size(0);
    std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, View(Plain(rows, in_), x)},
                                              {DNNL_ARG_WEIGHTS, packed_},
                                              {DNNL_ARG_DST, View(Plain(rows, out_), out)}};
    if (bias.defined()) arguments.emplace(DNNL_ARG_BIAS, View(Plain(1, out_), bias));
    dnnl::stream stream(Processor());
    Primitive({rows, bias.defined(), activation}).execute(stream, arguments);
    stream.wait();
  }

 private:
  // Whether the packed rows of a slice lie side by side: blocks of rows are the outermost of the
  // layout, and divide a slice.
  bool Sliceable() const {
    const memory::desc layout = packed_.get_desc();
    const dnnl_blocking_desc_t& blocking = layout.data.format_desc.blocking;
    int64_t block = 1;
    for (int at = 0; at < blocking.inner_nblks; ++at) {
      if (blocking.inner_idxs[at] == 1) block *= blocking.inner_blks[at];
    }
    return kSliceRows % block == 0 && blocking.strides[1] == layout.data.padded_dims[0] * block;
  }

  void PackSlice(int64_t first, int64_t count, float* rows) {
    memory::desc layout = packed_.get_desc();
    auto* data = static_cast<float*>(memory_.data()) + first * layout.data.padded_dims[0];
    // The layout of the whole, with as many rows as the slice has.
    const int64_t after = out_ - first - count;
    layout.data.dims[1] = count;
    layout.data.padded_dims[1] = after == 0 ? layout.data.padded_dims[1] - first : count;
    memory given({{in_, count}, memory::data_type::f32, memory::format_tag::ba}, Processor(), rows);
    memory slice(layout, Processor(), data);
    dnnl::stream stream(Processor());
    dnnl::reorder(given, slice).execute(stream, given, slice);
    stream.wait();
  }

  matmul::primitive_desc Describe(const ProductKind& kind, const memory::desc& weights) const {
    dnnl::primitive_attr attributes;
    if (kind.activation) {
      const Eltwise eltwise = EltwiseOf(*kind.activation);
      dnnl::post_ops after;
      after.append_eltwise(1, eltwise.function, eltwise.alpha, 0);
      attributes.set_post_ops(after);
    }
    const memory::desc x = Plain(kind.rows, in_), out = Plain(kind.rows, out_);
    if (!kind.biased) return {matmul::desc(x, weights, out), attributes, Processor()};
    return {matmul::desc(x, weights, Plain(1, out_), out), attributes, Processor()};
  }

  // One for each kind that came; sequences of one sweep are equally long.
  matmul Primitive(const ProductKind& kind) const {
    std::lock_guard lock(mutex_);
    auto found = primitives_.find(kind);
    if (found == primitives_.end()) {
      found = primitives_.emplace(kind, matmul(Describe(kind, packed_.get_desc()))).first;
    }
    return found->second;
  }

  const int64_t in_, out_;
  LargeMemory memory_;
  memory packed_;
  mutable std::mutex mutex_;
  mutable std::map<ProductKind, matmul> primitives_;
};

absl::StatusOr<std::shared_ptr<const PackedMatrix>> MakeMatrix(int64_t out, int64_t in,
                                                               Precision /*precision*/,
                                                               PackedMatrix::ReadRows read) {
  auto matrix = std::make_shared<DnnlMatrix>(out, in);
  if (absl::Status filled = matrix->Fill(read); !filled.ok()) return filled;
  return matrix;
}

// Blocks at the edges are filled up; that is little.
int64_t MatrixBytes(int64_t out, int64_t in, Precision /*precision*/) {
  return out * in * static_cast<int64_t>(sizeof(float));
}

}  // namespace

PackedMatrix::Method DnnlMethod() { return {"oneDNN", MakeMatrix, MatrixBytes}; }

}  // namespace ondelette::engine
