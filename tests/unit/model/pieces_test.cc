// Rope and activations against numbers made by transformers.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "worker/engine/model/activations.h"
#include "worker/engine/model/rope.h"

namespace ondelette::engine {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

std::vector<float> Values(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous().view(-1);
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

at::Tensor Frequencies(int64_t dims, double theta) {
  return RopeFrequencies(dims, theta, RopeScaling(), at::kCPU);
}

TEST(RopeTest, TurnsTheFirstHalfOfEachHead) {
  // GPTNeoXRotaryEmbedding of head_dim 8, rotary_pct 0.5, base 500, on queries (k / 10 - 1).
  const at::Tensor query = (at::arange(32, at::kFloat) / 10 - 1).view({1, 4, 8});
  const at::Tensor turned = TurnHeads(query.transpose(0, 1), MakeRopeTable(4, Frequencies(4, 500)));
  ASSERT_EQ(turned.sizes(), query.sizes());
  EXPECT_THAT(Values(turned[0][1]),
              Pointwise(FloatNear(1e-6f), {-0.10806046f, -0.10437068f, -0.16829418f, 0.095429391f,
                                           0.2f, 0.3f, 0.4f, 0.5f}));
  EXPECT_THAT(Values(turned[0][3]),
              Pointwise(FloatNear(1e-6f), {-1.6117816f, 1.2591249f, -1.3864199f, 1.8853658f, 1.8f,
                                           1.9f, 2.0f, 2.1f}));
}

TEST(RopeTest, ScoresDependOnDistanceAlone) {
  const at::Tensor same = at::full({50, 1, 8}, 0.7f);
  const at::Tensor turned = TurnHeads(same, MakeRopeTable(50, Frequencies(8, 10000)))[0];
  const at::Tensor scores = at::matmul(turned, turned.t());
  EXPECT_NEAR(scores[10][3].item<float>(), scores[40][33].item<float>(), 1e-5);
  EXPECT_GT(std::abs(scores[10][3].item<float>() - scores[10][9].item<float>()), 1e-2);
}

TEST(RopeTest, NoDimensionTurnsWhereNoneShould) {
  const at::Tensor query = at::arange(80, at::kFloat).view({2, 5, 8});
  const RopeTable table = MakeRopeTable(5, Frequencies(0, 10000));
  EXPECT_TRUE(at::equal(TurnHeads(query.transpose(0, 1), table), query));
}

TEST(ActivationsTest, AgreeWithTransformers) {
  const at::Tensor x = at::tensor({-6.f, -2.5f, -1.f, -0.1f, 0.f, 0.3f, 1.f, 2.f, 7.f});
  auto expect = [&x](Activation activation, const std::vector<float>& wanted) {
    EXPECT_THAT(Values(Activate(activation, x)), Pointwise(FloatNear(1e-6f), wanted));
  };
  expect(Activation::kGelu, {-5.9195259e-09f, -0.015524163f, -0.15865525f, -0.046017217f, 0.f,
                             0.18537344f, 0.84134475f, 1.9544997f, 7.f});
  expect(Activation::kGeluTanh, {-8.439649e-11f, -0.015084266f, -0.15880801f, -0.04601725f, 0.f,
                                 0.18537093f, 0.84119199f, 1.9545977f, 7.f});
  expect(Activation::kQuickGelu, {-0.00022035355f, -0.034986165f, -0.15420423f, -0.045755243f, 0.f,
                                  0.18748414f, 0.84579577f, 1.9356586f, 6.9999531f});
  expect(Activation::kRelu, {0.f, 0.f, 0.f, 0.f, 0.f, 0.3f, 1.f, 2.f, 7.f});
  expect(Activation::kSilu, {-0.014835739f, -0.18964545f, -0.26894142f, -0.047502082f, 0.f,
                             0.17233276f, 0.73105858f, 1.7615942f, 6.9936226f});
  expect(Activation::kTanh, {-0.99998771f, -0.9866143f, -0.76159416f, -0.099667996f, 0.f,
                             0.29131262f, 0.76159416f, 0.96402758f, 0.99999834f});
}

}  // namespace
}  // namespace ondelette::engine
