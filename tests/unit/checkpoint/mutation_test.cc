// Random damage to sound files: whatever happens, an error or a tensor inside the file's bytes.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/checkpoint/builders.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/checkpoint/widen.h"

namespace ondelette {
namespace {

constexpr int kRounds = 3000;

std::string TorchFileHere(const std::string& name) {
  return ReadBytes(std::string(ONDELETTE_SOURCE_DIR) + "/tests/unit/checkpoint/files/" + name);
}

// One to eight changes: a byte flipped, overwritten with an interesting value, removed or doubled.
std::string Mutated(std::string bytes, std::mt19937& random) {
  const char kInteresting[] = {'\0', '\1', '\x7f', '\x80', '\xff', '(', 'R', 'Q', 't', '9', '-'};
  int changes = 1 + static_cast<int>(random() % 8);
  for (int i = 0; i < changes && !bytes.empty(); ++i) {
    size_t at = random() % bytes.size();
    switch (random() % 8) {
      case 0:
        bytes.erase(at, 1 + random() % 4);
        break;
      case 1:
        bytes.insert(at, bytes.substr(at, 1 + random() % 16));
        break;
      case 2:
      case 3:
        bytes[at] = kInteresting[random() % sizeof(kInteresting)];
        break;
      default:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
    }
  }
  return bytes;
}

// Touches every byte that a file which opens claims to have. Returns whether it opened.
bool Use(const absl::StatusOr<std::unique_ptr<WeightFile>>& file) {
  if (!file.ok()) {
    EXPECT_FALSE(file.status().message().empty());
    return false;
  }
  for (const TensorView& view : (*file)->tensors()) {
    (*file)->Verify(view).IgnoreError();
    EXPECT_EQ(static_cast<int64_t>(view.bytes.size()), *ByteCount(view.dtype, view.shape));
    std::vector<float> values(static_cast<size_t>(*ElementCount(view.shape)));
    WidenToFloat(view, values).IgnoreError();
    volatile uint8_t sum = 0;
    for (std::byte byte : view.bytes) sum = sum + static_cast<uint8_t>(byte);
  }
  return true;
}

TEST(Mutation, SafetensorsNeverCrash) {
  TempFolder folder;
  std::mt19937 random(20241018);
  int opened = 0;
  for (int i = 0; i < kRounds; ++i) {
    folder.Write("a.safetensors", Mutated(SoundSafetensors(), random));
    opened += Use(OpenSafetensors(folder.Path("a.safetensors"))) ? 1 : 0;
  }
  // Some damage hits the data and stays unseen here; most must not.
  EXPECT_GT(opened, 0);
  EXPECT_LT(opened, kRounds / 2);
}

TEST(Mutation, TorchFilesNeverCrash) {
  TempFolder folder;
  std::mt19937 random(20241019);
  // Without checksums the damage reaches the pickle and the tensors.
  const std::string kSeeds[] = {TorchFileHere("no_checksums.bin"), TorchFileHere("views.bin"),
                                TorchFileHere("state_dict.bin"), TorchFileHere("protocol4.bin"),
                                SoundTorch()};
  int opened = 0;
  for (int i = 0; i < kRounds; ++i) {
    folder.Write("a.bin", Mutated(kSeeds[static_cast<size_t>(i) % std::size(kSeeds)], random));
    opened += Use(OpenTorchFile(folder.Path("a.bin"))) ? 1 : 0;
  }
  EXPECT_GT(opened, 0);
  EXPECT_LT(opened, kRounds);
}

// The pickle alone, its checksum left out so that every damage is interpreted.
TEST(Mutation, PicklesNeverCrash) {
  TempFolder folder;
  std::mt19937 random(20241020);
  std::string storage = Floats({0, 1, 2, 3, 4, 5});
  std::string sound =
      PickleOf(Dict({Str("w"), TorchTensor(Storage("FloatStorage", "0", 6), 0, {2, 3}, {3, 1}),
                     Str("t"), TorchTensor(Storage("FloatStorage", "0", 6), 1, {2, 2}, {1, 2})}));
  for (int i = 0; i < kRounds; ++i) {
    folder.Write("a.bin", Zip({{.name = "a/data.pkl", .data = Mutated(sound, random), .crc = 0},
                               {.name = "a/data/0", .data = storage}}));
    Use(OpenTorchFile(folder.Path("a.bin")));
  }
}

TEST(Mutation, ConfigsAndIndexesNeverCrash) {
  TempFolder folder;
  std::mt19937 random(20241021);
  folder.Write("s1.safetensors", SoundSafetensors());
  std::string index = R"({"metadata": {"total_size": 32}, "weight_map": {"w": "s1.safetensors"}})";
  for (int i = 0; i < kRounds; ++i) {
    bool which = random() % 2 == 0;
    folder.Write("config.json", which ? Mutated(SoundConfig(), random) : SoundConfig());
    folder.Write("model.safetensors.index.json", which ? index : Mutated(index, random));
    Load(folder.path()).IgnoreError();
  }
}

}  // namespace
}  // namespace ondelette
