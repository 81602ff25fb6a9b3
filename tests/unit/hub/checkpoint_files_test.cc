#include "worker/hub/checkpoint_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "common/digest/digest.h"
#include "common/errors/errors.h"
#include "tests/unit/hub/test_folder.h"

namespace ondelette {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kIndex[] = R"({"metadata": {}, "weight_map":
    {"a": "shard-2.bin", "b": "shard-1.bin", "c": "shard-2.bin"}})";

absl::StatusOr<ResolvedCheckpoint> Read(const TestFolder& folder) {
  DigestCache digests("");
  return ReadCheckpoint("m", "main", "", folder.path(), &digests);
}

TEST(WeightFileNamesTest, FollowTheEnginesOrder) {
  TestFolder folder;
  EXPECT_EQ(ErrorReason(WeightFileNames(folder.path()).status()), "CHECKPOINT_INCOMPLETE");
  folder.Write("pytorch_model.bin.index.json", kIndex);
  EXPECT_THAT(*WeightFileNames(folder.path()),
              ElementsAre("pytorch_model.bin.index.json", "shard-1.bin", "shard-2.bin"));
  folder.Write("pytorch_model.bin", "x");
  EXPECT_THAT(*WeightFileNames(folder.path()), ElementsAre("pytorch_model.bin"));
  folder.Write("model.safetensors.index.json", kIndex);
  EXPECT_THAT(*WeightFileNames(folder.path()),
              ElementsAre("model.safetensors.index.json", "shard-1.bin", "shard-2.bin"));
  folder.Link("model.safetensors", "nowhere");
  EXPECT_THAT(*WeightFileNames(folder.path()), ElementsAre("model.safetensors"));
}

TEST(WeightFileNamesTest, BrokenIndexIsNamed) {
  struct Case {
    std::string index;
    const char* expected;
  };
  const Case cases[] = {
      {"", "is not a JSON object"},
      {"[1]", "is not a JSON object"},
      {"{}", "has no weight_map"},
      {R"({"weight_map": {}})", "has no weight_map"},
      {R"({"weight_map": ["x"]})", "has no weight_map"},
      {R"({"weight_map": {"a": 1}})", "puts the tensor a in 1, which is not"},
      {R"({"weight_map": {"a": "../secret"}})", "puts the tensor a in \"../secret\""},
      {R"({"weight_map": {"a": "/etc/passwd"}})", "puts the tensor a in"},
      {R"({"weight_map": {"a": ".."}})", "puts the tensor a in"},
      {R"({"weight_map": {"a": "x\u0000y"}})", "puts the tensor a in"},
      {std::string(1'000'000, '['), "is not a JSON object"},
  };
  TestFolder folder;
  for (const Case& c : cases) {
    folder.Write("model.safetensors.index.json", c.index);
    absl::Status status = WeightFileNames(folder.path()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("model.safetensors.index.json "));
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.expected));
  }
}

TEST(ReadCheckpointTest, DigestsCoverWhatDeterminesNumbers) {
  TestFolder folder;
  folder.WriteCheckpoint(".", "weights");
  folder.Write("tokenizer_config.json", "{}");
  folder.Write("README.md", "text");
  absl::StatusOr<ResolvedCheckpoint> checkpoint = Read(folder);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  std::vector<std::string> names;
  for (const CheckpointFile& file : checkpoint->files) names.push_back(file.name);
  EXPECT_THAT(names, ElementsAre("config.json", "model.safetensors", "tokenizer.json",
                                 "tokenizer_config.json"));
  // printf weights | sha256sum
  std::string weights =
      "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c  model.safetensors\n";
  EXPECT_EQ(checkpoint->weights_digest, Sha256Of(weights));
  EXPECT_EQ(checkpoint->digest,
            Sha256Of(absl::StrCat(Sha256Of("{}"), "  config.json\n", weights,
                                  Sha256Of("{\"model\": 1}"), "  tokenizer.json\n")));
  EXPECT_EQ(TotalBytes(*checkpoint), 2 + 7 + 12 + 2);

  folder.Write("tokenizer_config.json", "{ }");
  EXPECT_EQ(Read(folder)->digest, checkpoint->digest);
  folder.Write("tokenizer.json", "{}");
  EXPECT_NE(Read(folder)->digest, checkpoint->digest);
  EXPECT_EQ(Read(folder)->weights_digest, checkpoint->weights_digest);
  folder.Write("model.safetensors", "Weights");
  EXPECT_NE(Read(folder)->weights_digest, checkpoint->weights_digest);
}

TEST(ReadCheckpointTest, WithoutTokenizerJsonEveryTokenizerFileDetermines) {
  TestFolder folder;
  folder.WriteCheckpoint(".", "weights");
  std::filesystem::remove(folder / "tokenizer.json");
  folder.Write("spiece.model", "pieces");
  std::string digest = Read(folder)->digest;
  folder.Write("tokenizer_config.json", "{}");
  EXPECT_NE(Read(folder)->digest, digest);
  digest = Read(folder)->digest;
  folder.Write("spiece.model", "others");
  EXPECT_NE(Read(folder)->digest, digest);
}

TEST(ReadCheckpointTest, ShardsAndTheirIndexCount) {
  TestFolder folder;
  folder.Write("config.json", "{}");
  folder.Write("pytorch_model.bin.index.json", kIndex);
  folder.Write("shard-1.bin", "1");
  absl::Status status = Read(folder).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(status), "CHECKPOINT_INCOMPLETE");
  EXPECT_THAT(std::string(status.message()), HasSubstr("/shard-2.bin does not exist"));
  folder.Write("shard-2.bin", "2");
  absl::StatusOr<ResolvedCheckpoint> checkpoint = Read(folder);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(
      checkpoint->weights_digest,
      Sha256Of(absl::StrCat(Sha256Of(kIndex), "  pytorch_model.bin.index.json\n", Sha256Of("1"),
                            "  shard-1.bin\n", Sha256Of("2"), "  shard-2.bin\n")));
}

TEST(ReadCheckpointTest, MissingOrStrangeFilesAreNamed) {
  TestFolder folder;
  folder.Write("model.safetensors", "w");
  EXPECT_THAT(std::string(Read(folder).status().message()),
              HasSubstr("/config.json does not exist"));
  folder.Write("config.json", "{}");
  folder.Link("tokenizer.json", "blobs/gone");
  EXPECT_THAT(std::string(Read(folder).status().message()),
              HasSubstr("/tokenizer.json is a link to a file that does not exist"));
  std::filesystem::remove(folder / "tokenizer.json");
  ASSERT_EQ(mkfifo((folder / "tokenizer.json").c_str(), 0600), 0);  // reading it would hang
  absl::Status status = Read(folder).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/tokenizer.json is not a regular file"));
}

TEST(VerifyUnchangedTest, NamesTheFileThatChanged) {
  TestFolder folder;
  folder.WriteCheckpoint(".", "weights");
  ResolvedCheckpoint checkpoint = *Read(folder);
  EXPECT_TRUE(VerifyUnchanged(checkpoint).ok());
  std::filesystem::create_hard_link(folder / "model.safetensors", folder / "other");
  EXPECT_TRUE(VerifyUnchanged(checkpoint).ok()) << VerifyUnchanged(checkpoint);

  auto time = std::filesystem::last_write_time(folder / "model.safetensors");
  std::filesystem::last_write_time(folder / "model.safetensors", time + std::chrono::seconds(1));
  absl::Status status = VerifyUnchanged(checkpoint);
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ErrorReason(status), "CHECKPOINT_CHANGED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("/model.safetensors is no longer"));

  std::filesystem::last_write_time(folder / "model.safetensors", time);
  EXPECT_TRUE(VerifyUnchanged(checkpoint).ok());
  std::filesystem::remove(folder / "config.json");
  EXPECT_THAT(std::string(VerifyUnchanged(checkpoint).message()),
              HasSubstr("/config.json is gone"));
}

}  // namespace
}  // namespace ondelette
