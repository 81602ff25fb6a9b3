// The layouts a checkpoint folder may have.
#include "worker/engine/checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/errors/errors.h"
#include "tests/unit/checkpoint/builders.h"
#include "worker/engine/checkpoint/widen.h"

namespace ondelette {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kShard1[] = "model-00001-of-00002.safetensors";
constexpr char kShard2[] = "model-00002-of-00002.safetensors";

std::string OneTensor(const std::string& name, const std::vector<float>& values) {
  std::string count = std::to_string(values.size());
  return Safetensors(
      "{" + Entry(name, "F32", "[" + count + "]", "[0," + std::to_string(values.size() * 4) + "]") +
          "}",
      Floats(values));
}

std::vector<float> Values(const Checkpoint& checkpoint, const std::string& name,
                          std::vector<int64_t> shape) {
  absl::StatusOr<TensorView> view = checkpoint.Tensor(name, shape);
  EXPECT_TRUE(view.ok()) << view.status();
  if (!view.ok()) return {};
  std::vector<float> values(static_cast<size_t>(*ElementCount(shape)));
  EXPECT_TRUE(WidenToFloat(*view, values).ok());
  return values;
}

TEST(Checkpoint, OpensSingleFilesOfBothKinds) {
  for (bool torch : {false, true}) {
    TempFolder folder;
    folder.Write("config.json", SoundConfig());
    folder.Write(torch ? "pytorch_model.bin" : "model.safetensors",
                 torch ? SoundTorch() : SoundSafetensors());
    absl::StatusOr<Checkpoint> opened = Checkpoint::Open(folder.path());
    ASSERT_TRUE(opened.ok()) << opened.status();
    Checkpoint checkpoint = *std::move(opened);  // views outlive the move
    EXPECT_THAT(Values(checkpoint, "w", {2, 3}), ElementsAre(0, 1, 2, 3, 4, 5));
    EXPECT_THAT(Values(checkpoint, "v", {2}), ElementsAre(6, 7));
    EXPECT_THAT(checkpoint.TensorNames(), ElementsAre("v", "w"));
    EXPECT_EQ(checkpoint.TotalBytes(), 32);
    EXPECT_TRUE(checkpoint.Contains("w"));
    EXPECT_FALSE(checkpoint.Contains("x"));
    EXPECT_EQ(checkpoint.config().hidden, 8);
    EXPECT_TRUE(Load(folder.path()).ok());
  }
}

TEST(Checkpoint, OpensShardsThroughLinksAsTheHubsCacheHasThem) {
  TempFolder folder;
  std::filesystem::create_directories(folder.Path("blobs"));
  std::filesystem::create_directories(folder.Path("snapshots/abc"));
  folder.Write("blobs/1", SoundConfig());
  folder.Write("blobs/2", OneTensor("a", {1, 2}));
  folder.Write("blobs/3", OneTensor("b", {3}));
  folder.Write("blobs/4", std::string(R"({"metadata": {"total_size": 12}, "weight_map": {"a": ")") +
                              kShard1 + R"(", "b": ")" + kShard2 + "\"}}");
  std::filesystem::create_symlink("../../blobs/1", folder.Path("snapshots/abc/config.json"));
  std::filesystem::create_symlink("../../blobs/2",
                                  folder.Path(std::string("snapshots/abc/") + kShard1));
  std::filesystem::create_symlink("../../blobs/3",
                                  folder.Path(std::string("snapshots/abc/") + kShard2));
  std::filesystem::create_symlink("../../blobs/4",
                                  folder.Path("snapshots/abc/model.safetensors.index.json"));
  absl::StatusOr<Checkpoint> checkpoint = Checkpoint::Open(folder.Path("snapshots/abc"));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_THAT(Values(*checkpoint, "a", {2}), ElementsAre(1, 2));
  EXPECT_THAT(Values(*checkpoint, "b", {1}), ElementsAre(3));
  EXPECT_EQ(checkpoint->files().size(), 2u);
}

TEST(Checkpoint, OpensTorchShards) {
  TempFolder folder;
  folder.Write("config.json", SoundConfig());
  folder.Write("pytorch_model-1.bin", SoundTorch());
  folder.Write("pytorch_model.bin.index.json", R"({"weight_map": {"w": "pytorch_model-1.bin"}})");
  EXPECT_TRUE(Load(folder.path()).ok()) << Load(folder.path());
  // The index decides: what it does not name is not there.
  EXPECT_FALSE(Checkpoint::Open(folder.path())->Contains("v"));
}

TEST(Checkpoint, PrefersSafetensors) {
  TempFolder folder;
  folder.Write("config.json", SoundConfig());
  folder.Write("pytorch_model.bin", "not looked at");
  folder.Write("model.safetensors", SoundSafetensors());
  EXPECT_TRUE(Load(folder.path()).ok()) << Load(folder.path());
}

TEST(Checkpoint, SaysWhatItLookedFor) {
  TempFolder folder;
  folder.Write("config.json", SoundConfig());
  absl::Status status = Checkpoint::Open(folder.path()).status();
  EXPECT_EQ(ErrorReason(status), "CHECKPOINT_INCOMPLETE");
  for (const char* name : {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                           "pytorch_model.bin.index.json"}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(name));
  }
}

}  // namespace
}  // namespace ondelette
