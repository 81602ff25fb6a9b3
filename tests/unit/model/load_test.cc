// Checkpoints into networks: names, limits, and every way the weights can be wrong.
#include "worker/engine/model/load.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "common/errors/errors.h"
#include "tests/unit/model/tiny_checkpoint.h"
#include "worker/engine/model/packed_matrix.h"

namespace ondelette::engine {
namespace {

using ::ondelette::testing::TinyCheckpoint;
using ::testing::HasSubstr;

absl::StatusOr<std::unique_ptr<Model>> Load(const std::string& folder, int64_t layers = kAllLayers,
                                            Placement placement = Placement::kAuto) {
  absl::StatusOr<Checkpoint> checkpoint = Checkpoint::Open(folder);
  if (!checkpoint.ok()) return checkpoint.status();
  return LoadModel(std::make_shared<const Checkpoint>(*std::move(checkpoint)), Spec(),
                   {.layers = layers, .placement = placement});
}

class LoadTest : public ::testing::Test {
 protected:
  TempFolder folder_;
};

std::vector<int32_t> Tokens() {
  std::vector<int32_t> tokens;
  for (int32_t at = 0; at < 30; ++at) tokens.push_back(at * 7 % 40);
  return tokens;
}

HiddenStates Embed(const Model& model, const std::vector<int32_t>& tokens) {
  const std::span<const int32_t> pass(tokens);
  return model.Embed({&pass, 1});
}

// Every layer's attention, [layers, heads, n, n].
at::Tensor AllAttention(const Model& model, int64_t tile) {
  const std::vector<int32_t> tokens = Tokens();
  HiddenStates hidden = Embed(model, tokens);
  std::vector<at::Tensor> layers;
  for (int64_t layer = 0; layer < model.layers(); ++layer) {
    std::vector<at::Tensor> tiles;
    auto observe = [&](int64_t, const at::Tensor& attention) {
      const auto unseen = static_cast<int64_t>(tokens.size()) - attention.size(2);
      tiles.push_back(at::constant_pad_nd(attention, {0, unseen}));
    };
    const at::Tensor before = hidden.tokens;
    auto observers = [&](size_t) -> AttentionObserver {
      return {.tiles = observe, .tile_queries = tile};
    };
    model.Layer(layer, hidden, observers);
    EXPECT_EQ(hidden.tokens.is_same(before), layer + 1 == model.layers());
    layers.push_back(at::cat(tiles, 1));
  }
  return at::stack(layers);
}

TEST_F(LoadTest, ReadsNamesWithAndWithoutPrefix) {
  const TempFolder other;
  auto prefixed = Load(TinyCheckpoint("gpt_neox.").Write(folder_));
  auto bare = Load(TinyCheckpoint("").Write(other));
  ASSERT_TRUE(prefixed.ok()) << prefixed.status();
  ASSERT_TRUE(bare.ok()) << bare.status();
  EXPECT_EQ((*bare)->layers(), 3);
  EXPECT_EQ((*bare)->heads(), 2);
  EXPECT_EQ((*bare)->vocabulary(), 40);
  EXPECT_TRUE(at::equal(AllAttention(**prefixed, 30), AllAttention(**bare, 30)));
}

TEST_F(LoadTest, TheNetworkDoesNotDependOnTheTiles) {
  auto model = Load(TinyCheckpoint().Write(folder_));
  ASSERT_TRUE(model.ok()) << model.status();
  const at::Tensor whole = AllAttention(**model, 30), tiled = AllAttention(**model, 7);
  EXPECT_LT((whole - tiled).abs().max().item<float>(), 1e-5);
  EXPECT_NEAR(whole.sum(-1).min().item<float>(), 1, 1e-5);
}

TEST_F(LoadTest, ReadsNothingForTheLastLayersOutput) {
  TinyCheckpoint tiny;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  tiny.tensors["gpt_neox.layers.2.mlp.dense_4h_to_h.weight"].values[3] = nan;
  auto& packed = tiny.tensors["gpt_neox.layers.2.attention.query_key_value.weight"].values;
  for (size_t head = 0; head < 2; ++head) packed[(head * 24 + 16) * 16] = nan;  // value rows
  EXPECT_TRUE(Load(tiny.Write(folder_)).ok());
}

TEST_F(LoadTest, LoadsNoMoreLayersThanAreAskedFor) {
  TinyCheckpoint tiny;
  tiny.tensors.erase("gpt_neox.layers.2.mlp.dense_4h_to_h.weight");
  const std::string folder = tiny.Write(folder_);
  EXPECT_FALSE(Load(folder).ok());
  auto model = Load(folder, 2);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ((*model)->layers(), 2);
}

TEST_F(LoadTest, ReportsProgressUpToTheWhole) {
  absl::StatusOr<Checkpoint> opened = Checkpoint::Open(TinyCheckpoint().Write(folder_));
  ASSERT_TRUE(opened.ok());
  auto checkpoint = std::make_shared<const Checkpoint>(*std::move(opened));
  int64_t before = 0, all = 0;
  const LoadProgress progress = [&](int64_t done, int64_t total) {
    EXPECT_GT(done, before);
    before = done;
    all = total;
  };
  auto model = LoadModel(checkpoint, Spec(), {.progress = progress});
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(before, all);
  // Every tensor there is F32 and used, but for what makes the last layer's output: values, dense,
  // the second norm and the MLP (intermediate 32).
  constexpr int64_t kOutput = 17 * 16 + 17 * 16 + 2 * 16 + 17 * 32 + 33 * 16;
  // Matrices take what they are packed into: hidden 16, 3 layers of queries and keys.
  int64_t stored = 0, packed = 0;
  auto count = [&](int64_t times, int64_t out, int64_t in) {
    stored += times * out * in * 4;
    packed += times * PackedMatrix::Methods().back().bytes(out, in, Precision::kFloat32);
  };
  count(3, 32, 16);
  count(2, 16, 16);
  count(2, 16, 16);
  count(2, 32, 16);
  count(2, 16, 32);
  EXPECT_EQ(all, checkpoint->TotalBytes() - 4 * kOutput - stored + packed);
}

TEST_F(LoadTest, NamesTheTensorThatIsMissing) {
  TinyCheckpoint tiny;
  tiny.tensors.erase("gpt_neox.layers.1.attention.dense.bias");
  const absl::Status status = Load(tiny.Write(folder_)).status();
  EXPECT_EQ(ErrorReason(status), "CHECKPOINT_INCOMPLETE");
  EXPECT_THAT(ErrorText(status), HasSubstr("gpt_neox.layers.1.attention.dense.bias"));
  tiny.config["attention_bias"] = false;  // then nobody asks for it
  EXPECT_TRUE(Load(tiny.Write(folder_)).ok());
}

TEST_F(LoadTest, NamesTheTensorOfAnotherShape) {
  TinyCheckpoint tiny;
  tiny.tensors["gpt_neox.layers.2.mlp.dense_h_to_4h.weight"].shape = {16, 32};
  const absl::Status status = Load(tiny.Write(folder_)).status();
  EXPECT_EQ(ErrorReason(status), "CHECKPOINT_SHAPE");
  EXPECT_THAT(ErrorText(status), HasSubstr("gpt_neox.layers.2.mlp.dense_h_to_4h.weight"));
}

TEST_F(LoadTest, NamesTheTensorThatIsNotFinite) {
  for (float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    TinyCheckpoint tiny;
    tiny.tensors["gpt_neox.layers.0.attention.query_key_value.weight"].values[700] = bad;
    const absl::Status status = Load(tiny.Write(folder_)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(ErrorText(status), HasSubstr("model.safetensors"));
    EXPECT_THAT(ErrorText(status), HasSubstr("layers.0.attention.query_key_value.weight"));
  }
}

// A job that fails at a layer says which tensor is wrong; the next job begins at the first layer.
TEST_F(LoadTest, StreamsLayerByLayerAndJobByJob) {
  TinyCheckpoint tiny;
  tiny.tensors["gpt_neox.layers.1.attention.dense.bias"].values[3] =
      std::numeric_limits<float>::infinity();
  auto model = Load(tiny.Write(folder_), kAllLayers, Placement::kStreamed);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_TRUE((*model)->streamed());
  for (int job = 0; job < 2; ++job) {
    EXPECT_TRUE((*model)->EnterLayer(0).ok());
    const absl::Status status = (*model)->EnterLayer(1);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(ErrorText(status), HasSubstr("layers.1.attention.dense.bias"));
  }
  EXPECT_TRUE((*model)->EnterLayer(2).ok());
  auto held = Load(folder_.path(), 1);
  ASSERT_TRUE(held.ok()) << held.status();
  EXPECT_FALSE((*held)->streamed());
}

// A file of 1 TiB that holds nothing: its size is refused before anything is read.
TEST_F(LoadTest, RefusesWhatCannotFitBeforeAllocating) {
  TinyCheckpoint tiny;
  constexpr int64_t kVocab = 1 << 24, kHidden = 1 << 14;
  tiny.config["vocab_size"] = kVocab;
  tiny.config["hidden_size"] = kHidden;
  folder_.Write("config.json", tiny.config.dump());
  std::string header;
  int64_t end = 0;
  for (auto& [name, tensor] : tiny.tensors) {
    for (int64_t& dimension : tensor.shape) {
      if (dimension == 16) dimension = kHidden;
      if (dimension == 48) dimension = 3 * kHidden;
      if (dimension == 40) dimension = kVocab;
    }
    int64_t bytes = 2;
    for (int64_t dimension : tensor.shape) bytes *= dimension;
    header += (header.empty() ? "{" : ",") + nlohmann::json(name).dump() + ":" +
              nlohmann::json(
                  {{"dtype", "F16"}, {"shape", tensor.shape}, {"data_offsets", {end, end + bytes}}})
                  .dump();
    end += bytes;
  }
  header += "}";
  const uint64_t size = header.size();
  const std::string path = folder_.Path("model.safetensors");
  folder_.Write("model.safetensors", std::string(reinterpret_cast<const char*>(&size), 8) + header);
  if (truncate(path.c_str(), static_cast<off_t>(8 + size) + end) != 0) {
    GTEST_SKIP() << "the file system has no sparse files of this size";
  }
  const absl::Status status = Load(folder_.path()).status();
  EXPECT_EQ(ErrorReason(status), "MODEL_TOO_LARGE") << status;
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(ErrorText(status), HasSubstr("MiB"));
}

}  // namespace
}  // namespace ondelette::engine
