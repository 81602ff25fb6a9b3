// oneDNN's API in the version of Debian 12 (2.6), which LibTorch 1.13 itself links.
#include <ATen/ops/empty.h>

#include <dnnl.hpp>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "worker/engine/model/packed_matrix.h"

namespace ondelette::engine {
namespace {

using dnnl::matmul;
using dnnl::memory;

// The layout is chosen for products of this many rows and used for all.
constexpr int64_t kTypicalRows = 512;

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

class DnnlMatrix : public PackedMatrix {
 public:
  DnnlMatrix(const at::Tensor& weight, at::Tensor bias)
      : in_(weight.size(1)), out_(weight.size(0)), bias_(std::move(bias)) {
    const memory::desc any({in_, out_}, memory::data_type::f32, memory::format_tag::any);
    const memory::desc given({in_, out_}, memory::data_type::f32,
                             memory::dims{weight.stride(1), weight.stride(0)});
    packed_ = memory(Describe(kTypicalRows, any).weights_desc(), Processor());
    dnnl::stream stream(Processor());
    memory user = View(given, weight);
    dnnl::reorder(user, packed_).execute(stream, user, packed_);
    stream.wait();
  }

  at::Tensor Product(const at::Tensor& x) const override {
    const at::Tensor input = x.contiguous();
    at::Tensor output = at::empty({input.size(0), out_}, input.options());
    std::unordered_map<int, memory> arguments{
        {DNNL_ARG_SRC, View(Plain(input.size(0), in_), input)},
        {DNNL_ARG_WEIGHTS, packed_},
        {DNNL_ARG_DST, View(Plain(input.size(0), out_), output)}};
    if (bias_.defined()) arguments.emplace(DNNL_ARG_BIAS, View(Plain(1, out_), bias_));
    dnnl::stream stream(Processor());
    Primitive(input.size(0)).execute(stream, arguments);
    stream.wait();
    return output;
  }

 private:
  matmul::primitive_desc Describe(int64_t rows, const memory::desc& weights) const {
    if (!bias_.defined()) {
      return {matmul::desc(Plain(rows, in_), weights, Plain(rows, out_)), Processor()};
    }
    return {matmul::desc(Plain(rows, in_), weights, Plain(1, out_), Plain(rows, out_)),
            Processor()};
  }

  // One for each number of rows that came; sequences of one sweep are equally long.
  matmul Primitive(int64_t rows) const {
    std::lock_guard lock(mutex_);
    auto found = primitives_.find(rows);
    if (found == primitives_.end()) {
      found = primitives_.emplace(rows, matmul(Describe(rows, packed_.get_desc()))).first;
    }
    return found->second;
  }

  const int64_t in_, out_;
  const at::Tensor bias_;
  memory packed_;
  mutable std::mutex mutex_;
  mutable std::map<int64_t, matmul> primitives_;
};

}  // namespace

std::shared_ptr<const PackedMatrix> PackedMatrix::Make(const at::Tensor& weight,
                                                       const at::Tensor& bias) {
  if (!weight.is_cpu()) return nullptr;
  return std::make_shared<DnnlMatrix>(weight, bias);
}

}  // namespace ondelette::engine
