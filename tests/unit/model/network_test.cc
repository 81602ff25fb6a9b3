// GPT-2, BERT and T5 on networks of a few hundred weights: transformers' attention (the numbers are
// tiny_networks.py's), and every name and form a checkpoint may have them in. tests/parity has whole
// networks.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/errors/errors.h"
#include "tests/unit/model/tiny_networks.h"
#include "worker/engine/model/load.h"

namespace ondelette::engine {
namespace {

using ::ondelette::testing::TinyBert;
using ::ondelette::testing::TinyCheckpoint;
using ::ondelette::testing::TinyGpt2;
using ::ondelette::testing::TinyT5;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

const std::vector<int32_t> kTokens{3, 1, 8, 1, 5};

absl::StatusOr<std::unique_ptr<Model>> Load(const TinyCheckpoint& network, const Spec& spec = {}) {
  const TempFolder folder;
  absl::StatusOr<Checkpoint> checkpoint = Checkpoint::Open(network.Write(folder));
  if (!checkpoint.ok()) return checkpoint.status();
  return LoadModel(std::make_shared<const Checkpoint>(*std::move(checkpoint)), spec, {});
}

Spec Decoder() {
  Spec spec;
  spec.stack = Stack::kDecoder;
  return spec;
}

Spec NoPositions() {
  Spec spec;
  spec.position_embeddings = PositionEmbeddings::kZero;
  return spec;
}

HiddenStates Embed(const Model& model, const std::vector<int32_t>& tokens) {
  const std::span<const int32_t> pass(tokens);
  return model.Embed({&pass, 1});
}

// The last layer's attention [heads, n, n].
at::Tensor LastAttention(const Model& model, const std::vector<int32_t>& tokens = kTokens) {
  HiddenStates hidden = Embed(model, tokens);
  std::vector<at::Tensor> tiles;
  auto observe = [&](int64_t, const at::Tensor& tile) {
    const auto unseen = static_cast<int64_t>(tokens.size()) - tile.size(2);
    tiles.push_back(at::constant_pad_nd(tile, {0, unseen}));
  };
  auto observers = [&](size_t) -> AttentionObserver {
    return {.tiles = observe, .tile_queries = 2};
  };
  for (int64_t layer = 0; layer < model.layers(); ++layer) {
    tiles.clear();
    model.Layer(layer, hidden, observers);
  }
  return at::cat(tiles, 1);
}

at::Tensor LastAttention(const TinyCheckpoint& network, const Spec& spec = {}) {
  auto model = Load(network, spec);
  EXPECT_TRUE(model.ok()) << model.status();
  return model.ok() ? LastAttention(**model) : at::Tensor();
}

// The last query's row, head by head.
std::vector<float> LastRow(const TinyCheckpoint& network, const Spec& spec = {}) {
  const at::Tensor row = LastAttention(network, spec).select(1, 4).contiguous().view(-1);
  return {row.data_ptr<float>(), row.data_ptr<float>() + row.numel()};
}

auto Near(const std::vector<float>& wanted) { return Pointwise(FloatNear(2e-6f), wanted); }

// The same network with every tensor renamed.
template <typename Rename>
TinyCheckpoint Renamed(const TinyCheckpoint& network, Rename rename) {
  TinyCheckpoint renamed = network;
  renamed.tensors.clear();
  for (const auto& [name, tensor] : network.tensors) renamed.tensors[rename(name)] = tensor;
  return renamed;
}

void ExpectSame(const TinyCheckpoint& one, const TinyCheckpoint& other, const Spec& spec = {}) {
  EXPECT_TRUE(at::equal(LastAttention(one, spec), LastAttention(other, spec)));
}

TEST(Gpt2Test, AgreesWithTransformers) {
  EXPECT_THAT(LastRow(TinyGpt2()),
              Near({0.21160302f, 0.14530656f, 0.20875223f, 0.28922808f, 0.14511007f, 0.28659394f,
                    0.12103818f, 0.15708187f, 0.13025583f, 0.30503017f}));
  EXPECT_THAT(LastRow(TinyGpt2(), NoPositions()),
              Near({0.093373559f, 0.12022398f, 0.086217918f, 0.12835698f, 0.57182759f, 0.27125281f,
                    0.15173925f, 0.17464231f, 0.1431454f, 0.25922021f}));
  auto model = Load(TinyGpt2());
  EXPECT_TRUE((*model)->causal());
  EXPECT_TRUE((*model)->prefix_exact());
}

TEST(Gpt2Test, NoPositionsNeedNoTensorAndHaveNoEnd) {
  TinyCheckpoint network = TinyGpt2();
  network.tensors.erase("transformer.wpe.weight");
  auto model = Load(network, NoPositions());
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(LastAttention(**model, std::vector<int32_t>(20, 3)).size(1), 20);
  EXPECT_THAT(ErrorText(Load(network).status()), HasSubstr("transformer.wpe.weight"));
}

TEST(Gpt2Test, ReadsEveryNameItsWeightsHave) {
  const TinyCheckpoint network = TinyGpt2();
  auto bare = Renamed(network, [](absl::string_view name) {
    return std::string(absl::StripPrefix(name, "transformer."));
  });
  bare.tensors["h.0.attn.bias"] = {{1, 1, 6, 6}, std::vector<float>(36, 1)};
  bare.tensors["h.0.attn.masked_bias"] = {{1}, {-1e4f}};
  ExpectSame(network, bare);
  auto tied = Renamed(network, [](const std::string& name) {
    return name == "transformer.wte.weight" ? "lm_head.weight" : name;
  });
  ExpectSame(network, tied);
  tied.config["tie_word_embeddings"] = false;
  EXPECT_THAT(ErrorText(Load(tied).status()), HasSubstr("transformer.wte.weight"));
}

TEST(Gpt2Test, ItsMatricesStandTransposed) {
  TinyCheckpoint network = TinyGpt2();
  std::swap(network.tensors["transformer.h.1.mlp.c_fc.weight"].shape[0],
            network.tensors["transformer.h.1.mlp.c_fc.weight"].shape[1]);
  const absl::Status status = Load(network).status();
  EXPECT_EQ(ErrorReason(status), "CHECKPOINT_SHAPE");
  EXPECT_THAT(ErrorText(status), HasSubstr("transformer.h.1.mlp.c_fc.weight"));
}

TEST(BertTest, AgreesWithTransformers) {
  EXPECT_THAT(LastRow(TinyBert()),
              Near({0.16912305f, 0.12391822f, 0.44831219f, 0.17269786f, 0.085948721f, 0.11894368f,
                    0.12484124f, 0.36856809f, 0.27984494f, 0.107802f}));
  auto model = Load(TinyBert());
  EXPECT_FALSE((*model)->causal());
  EXPECT_FALSE((*model)->prefix_exact());
}

// Without position embeddings a sequence's order changes nothing but the order of its attention.
TEST(BertTest, WithoutPositionsOrderDoesNotMatter) {
  TinyCheckpoint network = TinyBert();
  network.tensors.erase("embeddings.position_embeddings.weight");
  auto model = Load(network, NoPositions());
  ASSERT_TRUE(model.ok()) << model.status();
  const at::Tensor forward = LastAttention(**model);
  const at::Tensor backward = LastAttention(**model, {kTokens.rbegin(), kTokens.rend()});
  EXPECT_LT((forward - backward.flip({1, 2})).abs().max().item<float>(), 1e-6);
  const at::Tensor with = LastAttention(TinyBert());
  EXPECT_GT((forward - with).abs().max().item<float>(), 1e-2);
}

TEST(BertTest, ReadsEveryNameItsWeightsHave) {
  const TinyCheckpoint network = TinyBert();
  auto old = Renamed(network, [](const std::string& name) {
    return absl::StrCat("bert.", absl::StrReplaceAll(name, {{"LayerNorm.weight", "LayerNorm.gamma"},
                                                            {"LayerNorm.bias", "LayerNorm.beta"}}));
  });
  ExpectSame(network, old);
  auto tied = Renamed(old, [](const std::string& name) {
    return absl::EndsWith(name, "word_embeddings.weight") ? "cls.predictions.decoder.weight" : name;
  });
  ExpectSame(network, tied);
}

TEST(BertTest, EveryTokenIsOfTheFirstType) {
  TinyCheckpoint network = TinyBert();
  TinyCheckpoint other = network;
  std::vector<float>& types = other.tensors["embeddings.token_type_embeddings.weight"].values;
  std::fill(types.begin() + 6, types.end(), 9.f);
  ExpectSame(network, other);
  other.config["type_vocab_size"] = 1;
  other.tensors["embeddings.token_type_embeddings.weight"].shape = {1, 6};
  types.resize(6);
  ExpectSame(network, other);
  types[0] += 1;
  EXPECT_FALSE(at::equal(LastAttention(network), LastAttention(other)));
}

TEST(T5Test, AgreesWithTransformers) {
  EXPECT_THAT(LastRow(TinyT5()),
              Near({0.43192545f, 0.1172092f, 0.40209785f, 0.048752204f, 1.5255137e-05f, 0.11391142f,
                    0.0035022094f, 0.87695098f, 0.0038434218f, 0.001791962f}));
  EXPECT_THAT(LastRow(TinyT5(), Decoder()),
              Near({0.29915431f, 0.14639995f, 0.20870399f, 0.055572428f, 0.29016924f, 0.11484256f,
                    0.3313491f, 0.28879789f, 0.18147285f, 0.083537705f}));
}

TEST(T5Test, AStackSaysWhatItSees) {
  auto encoder = Load(TinyT5()), decoder = Load(TinyT5(), Decoder());
  ASSERT_TRUE(encoder.ok()) << encoder.status();
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  EXPECT_FALSE((*encoder)->causal());
  EXPECT_FALSE((*encoder)->prefix_exact());
  EXPECT_TRUE((*decoder)->causal());
  EXPECT_FALSE((*decoder)->prefix_exact());
  EXPECT_FALSE(Embed(**encoder, kTokens).encoded.defined());
  EXPECT_EQ(Embed(**decoder, kTokens).encoded.sizes(), (std::vector<int64_t>{5, 6}));
}

// The last token reaches no decoder position but through the encoder: shifted right, it is not read.
TEST(T5Test, TheDecoderAttendsToTheEncoderOfAllTokens) {
  auto model = Load(TinyT5(), Decoder());
  ASSERT_TRUE(model.ok()) << model.status();
  const at::Tensor one = LastAttention(**model, {3, 1, 8, 1, 5});
  const at::Tensor other = LastAttention(**model, {3, 1, 8, 1, 6});
  EXPECT_GT((one - other).abs().max().item<float>(), 1e-3);
  const std::vector<int32_t> another{3, 1, 8, 1, 6};
  const HiddenStates hidden = Embed(**model, kTokens), changed = Embed(**model, another);
  EXPECT_TRUE(at::equal(hidden.tokens, changed.tokens));
  EXPECT_EQ(one.triu(1).count_nonzero().item<int64_t>(), 0);
}

TEST(T5Test, TheDecoderReadsTheStartTokenFirst) {
  TinyCheckpoint network = TinyT5();
  network.config["decoder_start_token_id"] = 8;
  auto model = Load(network, Decoder());
  ASSERT_TRUE(model.ok()) << model.status();
  const at::Tensor read = Embed(**model, kTokens).tokens;  // 8, 3, 1, 8, 1
  EXPECT_TRUE(at::equal(read[0], read[3]));
  EXPECT_TRUE(at::equal(read[2], read[4]));
}

TEST(T5Test, AnEncoderNeedsNoDecoder) {
  TinyCheckpoint alone = TinyT5();
  std::erase_if(alone.tensors, [](const auto& entry) {
    return absl::StartsWith(entry.first, "decoder.") ||
           entry.first == "encoder.final_layer_norm.weight";
  });
  ExpectSame(TinyT5(), alone);
  const absl::Status status = Load(alone, Decoder()).status();
  EXPECT_EQ(ErrorReason(status), "CHECKPOINT_INCOMPLETE");
}

TEST(T5Test, ReadsEveryNameItsEmbeddingsHave) {
  const TinyCheckpoint network = TinyT5();
  for (const char* name :
       {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"}) {
    SCOPED_TRACE(name);
    auto renamed = Renamed(
        network, [name](const std::string& old) { return old == "shared.weight" ? name : old; });
    ExpectSame(network, renamed);
    ExpectSame(network, renamed, Decoder());
  }
  auto classifier =
      Renamed(network, [](const std::string& name) { return absl::StrCat("transformer.", name); });
  ExpectSame(network, classifier, Decoder());
}

TEST(T5Test, StacksMayHaveEmbeddingsOfTheirOwn) {
  TinyCheckpoint network = TinyT5();
  network.tensors["decoder.embed_tokens.weight"] = network.tensors["shared.weight"];
  ExpectSame(TinyT5(), network, Decoder());
  network.tensors["decoder.embed_tokens.weight"].values[6] += 1;  // of token 1
  auto model = Load(network, Decoder()), shared = Load(TinyT5(), Decoder());
  ASSERT_TRUE(model.ok()) << model.status();
  const HiddenStates own = Embed(**model, kTokens), tied = Embed(**shared, kTokens);
  EXPECT_TRUE(at::equal(own.encoded, tied.encoded));
  EXPECT_FALSE(at::equal(own.tokens, tied.tokens));
}

TEST(T5Test, AnMlpWithoutAGate) {
  TinyCheckpoint network = TinyT5();
  network.config["feed_forward_proj"] = "relu";
  EXPECT_THAT(ErrorText(Load(network).status()), HasSubstr("DenseReluDense.wi.weight"));
  for (const char* index : {"0", "1"}) {
    const std::string path = absl::StrCat("encoder.block.", index, ".layer.1.DenseReluDense.");
    network.tensors[path + "wi.weight"] = network.tensors[path + "wi_0.weight"];
  }
  EXPECT_TRUE(Load(network).ok());
}

}  // namespace
}  // namespace ondelette::engine
