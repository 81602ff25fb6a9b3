// Sound files are read as they were written: our own safetensors, torch's own archives.
#include "worker/engine/checkpoint/weight_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/errors/errors.h"
#include "tests/unit/checkpoint/builders.h"
#include "worker/engine/checkpoint/safetensors_writer.h"
#include "worker/engine/checkpoint/widen.h"

namespace ondelette {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

std::string FileHere(const std::string& name) {
  return std::string(ONDELETTE_SOURCE_DIR) + "/tests/unit/checkpoint/files/" + name;
}

std::vector<float> Widened(const TensorView& view) {
  std::vector<float> values(static_cast<size_t>(*ElementCount(view.shape)));
  absl::Status status = WidenToFloat(view, values);
  EXPECT_TRUE(status.ok()) << status;
  return values;
}

std::span<const std::byte> AsBytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(TorchFile, HoldsWhatTorchSaved) {
  json expected = json::parse(ReadBytes(FileHere("expected.json")))["tensors"];
  ASSERT_GE(expected.size(), 7u);
  for (const auto& [name, tensors] : expected.items()) {
    SCOPED_TRACE(name);
    auto file = OpenTorchFile(FileHere(name));
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ((*file)->tensors().size(), tensors.size());
    for (const auto& [key, tensor] : tensors.items()) {
      SCOPED_TRACE(key);
      const TensorView* view = (*file)->Find(key);
      ASSERT_NE(view, nullptr);
      EXPECT_EQ(view->shape, tensor["shape"].get<std::vector<int64_t>>());
      EXPECT_EQ(Widened(*view), tensor["values"].get<std::vector<float>>());
      EXPECT_TRUE((*file)->Verify(*view).ok());
    }
  }
}

TEST(TorchFile, RefusesWhatIsNotAStateDictAndSaysWhy) {
  json refused = json::parse(ReadBytes(FileHere("expected.json")))["refused"];
  ASSERT_GE(refused.size(), 8u);
  for (const auto& [name, message] : refused.items()) {
    SCOPED_TRACE(name);
    auto file = OpenTorchFile(FileHere(name));
    ASSERT_FALSE(file.ok());
    EXPECT_THAT(std::string(file.status().message()), HasSubstr(message.get<std::string>()));
    EXPECT_THAT(std::string(file.status().message()), HasSubstr(FileHere(name)));
    EXPECT_EQ(ClassOf(file.status()), ErrorClass::kDeterministic);
  }
}

TEST(TorchFile, MapsContiguousViewsAndCopiesOthers) {
  auto file = OpenTorchFile(FileHere("views.bin"));
  ASSERT_TRUE(file.ok()) << file.status();
  const TensorView* whole = (*file)->Find("whole");
  EXPECT_EQ((*file)->Find("rows")->bytes.data(), whole->bytes.data() + 6 * sizeof(float));
  const std::byte* copied = (*file)->Find("transposed")->bytes.data();
  EXPECT_FALSE(copied >= whole->bytes.data() && copied < whole->bytes.data() + whole->bytes.size());
}

TEST(TorchFile, ReadsZip64AndACompressedPickle) {
  TempFolder folder;
  std::string pickle =
      PickleOf(Dict({Str("w"), TorchTensor(Storage("FloatStorage", "0", 6), 0, {2, 3}, {3, 1})}));
  std::vector<ZipPart> parts{
      {.name = "x/data.pkl",
       .data = Deflate(pickle),
       .method = 8,
       .crc = 0,
       .size = static_cast<uint32_t>(pickle.size())},
      {.name = "x/data/0", .data = Floats({5, 4, 3, 2, 1, 0}), .zip64 = true}};
  folder.Write("a.bin", Zip(parts, /*zip64_end=*/true));
  auto file = OpenTorchFile(folder.Path("a.bin"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(Widened(*(*file)->Find("w")), ElementsAre(5, 4, 3, 2, 1, 0));
}

TEST(Safetensors, RoundTripInAnyOrderAndPortions) {
  TempFolder folder;
  std::string path = folder.Path("a.safetensors");
  std::string first = Floats({1, 2, 3, 4, 5, 6});
  {
    auto writer = SafetensorsWriter::Create(
        path,
        {{"a/0", DType::kF32, {2, 3}}, {"none", DType::kI64, {0, 4}}, {"h\"\n", DType::kF16, {}}},
        {{"format", "pt"}});
    ASSERT_TRUE(writer.ok()) << writer.status();
    EXPECT_TRUE((*writer)->Write("h\"\n", 0, AsBytes(Bytes<uint16_t>(0x3C00))).ok());
    EXPECT_TRUE((*writer)->Write("a/0", 8, AsBytes(first).subspan(8)).ok());
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_EQ((*writer)->Finish().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE((*writer)->Write("a/0", 0, AsBytes(first).first(8)).ok());
    EXPECT_TRUE((*writer)->Finish().ok());
  }
  auto file = OpenSafetensors(path);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ((*file)->tensors().size(), 3u);
  EXPECT_THAT(Widened(*(*file)->Find("a/0")), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(Widened(*(*file)->Find("h\"\n")), ElementsAre(1));
  EXPECT_THAT((*file)->Find("none")->shape, ElementsAre(0, 4));
  EXPECT_EQ((*file)->Find("b"), nullptr);
  EXPECT_EQ((*file)->Find("a/0")->file, path);
}

TEST(SafetensorsWriter, RefusesMisuseAndLeavesNothingBehind) {
  TempFolder folder;
  std::string path = folder.Path("a.safetensors");
  EXPECT_FALSE(SafetensorsWriter::Create(path, {{"a", DType::kF32, {1}}, {"a"}}).ok());
  EXPECT_FALSE(SafetensorsWriter::Create(path, {{"a", DType::kF32, {-1}}}).ok());
  EXPECT_FALSE(SafetensorsWriter::Create(folder.Path("no/a"), {}).ok());
  {
    auto writer = SafetensorsWriter::Create(path, {{"a", DType::kF32, {1}}});
    ASSERT_TRUE(writer.ok());
    EXPECT_FALSE((*writer)->Write("b", 0, {}).ok());
    EXPECT_FALSE((*writer)->Write("a", 1, AsBytes("1234")).ok());
    EXPECT_FALSE((*writer)->Write("a", -1, AsBytes("1")).ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Safetensors, ReadsUnalignedData) {
  TempFolder folder;
  std::string header =
      "{" + Entry("a", "U8", "[1]", "[0,1]") + "," + Entry("b", "F64", "[2]", "[1,17]") + "}";
  folder.Write("a.safetensors", Safetensors(header, "x" + Bytes<double>(1.5) + Bytes<double>(-3)));
  auto file = OpenSafetensors(folder.Path("a.safetensors"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(Widened(*(*file)->Find("b")), ElementsAre(1.5f, -3.0f));
}

}  // namespace
}  // namespace ondelette
