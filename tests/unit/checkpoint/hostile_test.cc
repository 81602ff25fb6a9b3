// Every kind of broken checkpoint gives one clear error: a reason, the file, and the tensor, field
// or entry. Nothing here may crash, also under AddressSanitizer and UndefinedBehaviorSanitizer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <filesystem>
#include <functional>

#include "common/errors/errors.h"
#include "tests/unit/checkpoint/builders.h"

namespace ondelette {
namespace {

using testing::HasSubstr;

struct Case {
  std::string name;
  std::function<void(const TempFolder&)> make;  // in a folder that has a sound config.json
  std::string reason;
  std::vector<std::string> says;
};

constexpr char kCorrupt[] = "CHECKPOINT_CORRUPT";
constexpr char kIncomplete[] = "CHECKPOINT_INCOMPLETE";
constexpr char kSafetensors[] = "model.safetensors";
constexpr char kTorch[] = "pytorch_model.bin";

// A file model.safetensors of this header and that many bytes of data.
Case Header(const std::string& name, const std::string& header, size_t data,
            const std::string& says, const std::string& reason = kCorrupt) {
  return {name,
          [=](const TempFolder& folder) {
            folder.Write(kSafetensors, Safetensors(header, std::string(data, '\0')));
          },
          reason,
          {kSafetensors, says}};
}

Case File(const std::string& name, const std::string& file, const std::string& bytes,
          const std::string& says, const std::string& reason = kCorrupt) {
  return {name, [=](const TempFolder& folder) { folder.Write(file, bytes); }, reason, {file, says}};
}

Case Pickle(const std::string& name, const std::string& pickle, const std::string& says,
            const std::string& reason = kCorrupt) {
  return File("pickle: " + name, kTorch, TorchZip(pickle, {Floats({0, 1, 2, 3, 4, 5})}), says,
              reason);
}

// A state dict whose tensor w is described so, in a storage of six floats.
Case TorchW(const std::string& name, const std::string& tensor, const std::string& says,
            const std::string& reason = kCorrupt) {
  return Pickle(name, PickleOf(Dict({Str("w"), tensor})), says, reason);
}

std::string Six() { return Storage("FloatStorage", "0", 6); }
std::string SoundW() { return TorchTensor(Six(), 0, {2, 3}, {3, 1}); }

// The sound archive's parts after a change.
Case Archive(const std::string& name, const std::function<void(std::vector<ZipPart>&)>& change,
             const std::string& says, const std::string& reason = kCorrupt) {
  std::vector<ZipPart> parts{{.name = "a/data.pkl", .data = PickleOf(Dict({Str("w"), SoundW()}))},
                             {.name = "a/data/0", .data = Floats({0, 1, 2, 3, 4, 5})}};
  change(parts);
  return File("zip: " + name, kTorch, Zip(parts), says, reason);
}

std::vector<Case> SafetensorsCases() {
  std::string sound = Entry("w", "F32", "[2,3]", "[0,24]");
  std::string many;
  for (int i = 0; i < 100; ++i) many += "[";
  return {
      File("shorter than a length", kSafetensors, "123", "3 bytes long"),
      File("header longer than the file", kSafetensors, Bytes<uint64_t>(1000) + "{}",
           "header is 1000 bytes"),
      File("header of all ones", kSafetensors, Bytes<uint64_t>(~uint64_t{0}) + "{}",
           "18446744073709551615"),
      File("huge header", kSafetensors, Bytes<uint64_t>(17 << 20) + std::string(17 << 20, ' '),
           "a header may have"),
      Header("not JSON", "{" + sound, 24, "not valid JSON"),
      Header("empty header", "", 0, "not valid JSON"),
      Header("an array", "[1]", 0, "not a JSON object"),
      Header("not UTF-8", "{\"\xff\":1}", 0, "not valid JSON"),
      Header("deep nesting", "{\"w\":" + many, 0, "nests deeper"),
      Header("the same tensor twice", "{" + sound + "," + sound + "}", 24, "key 'w' twice"),
      Header("an entry that is no object", "{\"w\":[]}", 0, "'w'"),
      Header("no shape", R"({"w":{"dtype":"F32","data_offsets":[0,24]}})", 24, "'w'"),
      Header("three offsets", "{" + Entry("w", "F32", "[2,3]", "[0,12,24]") + "}", 24, "'w'"),
      Header("unknown dtype", "{" + Entry("w", "F31", "[2,3]", "[0,24]") + "}", 24, "'F31'"),
      Header("negative dimension", "{" + Entry("w", "F32", "[-2,3]", "[0,24]") + "}", 24, "'w'"),
      Header("fractional dimension", "{" + Entry("w", "F32", "[2.0,3]", "[0,24]") + "}", 24, "'w'"),
      Header("dimension beyond 63 bits",
             "{" + Entry("w", "F32", "[18446744073709551615]", "[0,24]") + "}", 24, "'w'"),
      Header("product overflows",
             "{" + Entry("w", "F32", "[4294967296,4294967296,6]", "[0,24]") + "}", 24, "'w'"),
      Header("bytes overflow", "{" + Entry("w", "F32", "[4611686018427387910]", "[0,24]") + "}", 24,
             "'w'"),
      Header("too many dimensions", "{" + Entry("w", "F32", "[1,1,1,1,1,1,1,2,3]", "[0,24]") + "}",
             24, "dimensions"),
      Header("offsets reversed", "{" + Entry("w", "F32", "[2,3]", "[24,0]") + "}", 24, "'w'"),
      Header("offsets beyond the file", "{" + Entry("w", "F32", "[2,3]", "[8,32]") + "}", 24,
             "'w'"),
      Header("offsets huge",
             "{" + Entry("w", "F32", "[2,3]", "[9223372036854775807,18446744073709551615]") + "}",
             24, "'w'"),
      Header("size is not shape times dtype", "{" + Entry("w", "F16", "[2,3]", "[0,24]") + "}", 24,
             "24 bytes"),
      Header("offsets overlap", "{" + sound + "," + Entry("v", "F32", "[2]", "[20,28]") + "}", 28,
             "'v' overlaps tensor 'w'"),
      Header("two tensors in one place",
             "{" + sound + "," + Entry("v", "F32", "[6]", "[0,24]") + "}", 24, "overlaps"),
      Header("moved onto a later tensor",
             "{" + Entry("w", "F32", "[6]", "[24,48]") + "," + Entry("v", "F32", "[6]", "[24,48]") +
                 "}",
             48, "overlaps"),
      Header("a hole", "{" + sound + "," + Entry("v", "F32", "[1]", "[28,32]") + "}", 32,
             "'v' leaves a hole"),
      Header("bytes nobody names", "{" + sound + "}", 25, "25 bytes of data"),
      Header("missing tensor", "{" + Entry("x", "F32", "[2,3]", "[0,24]") + "}", 24, "'w'",
             kIncomplete),
      Header("wrong shape", "{" + Entry("w", "F32", "[3,2]", "[0,24]") + "}", 24,
             "'w' has shape [3, 2]", "CHECKPOINT_SHAPE"),
      Header("integers for weights", "{" + Entry("w", "I32", "[2,3]", "[0,24]") + "}", 24, "I32",
             "CHECKPOINT_DTYPE"),
      File("NaN weights", kSafetensors,
           Safetensors("{" + sound + "}", Floats({0, 1, std::nanf(""), 3, 4, 5})),
           "'w' of F32 has a NaN", "CHECKPOINT_NOT_FINITE"),
      File("a git-lfs pointer", kSafetensors,
           "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "git-lfs pointer",
           kIncomplete),
  };
}

std::vector<Case> PickleCases() {
  std::string os = Global("os", "system") + Tuple({Str("touch /tmp/owned")}) + "R";
  std::string deep(100000, '(');
  return {
      Pickle("forbidden global", PickleOf(os), "'os.system'", "CHECKPOINT_FORBIDDEN_GLOBAL"),
      Pickle("forbidden global as protocol 4 names it",
             PickleOf(Str("os") + Str("system") + "\x93"), "'os.system'",
             "CHECKPOINT_FORBIDDEN_GLOBAL"),
      TorchW("forbidden global among tensors", os, "'os.system'", "CHECKPOINT_FORBIDDEN_GLOBAL"),
      Pickle("old INST opcode", PickleOf("(ios\nsystem\n"), "opcode 105"),
      Pickle("OBJ opcode", PickleOf("(o"), "opcode 111"),
      Pickle("EXT opcode", PickleOf("\x82\x01"), "opcode 130"),
      Pickle("protocol 0", "I1\n.", "opcode 73"),
      Pickle("unknown protocol", "\x80\x09N.", "protocol 9"),
      Pickle("no end", "\x80\x02}", "cut off"),
      Pickle("nothing on the stack at the end", "\x80\x02.", "one value"),
      Pickle("two values at the end", PickleOf("NN"), "one value"),
      Pickle("stack underflow", PickleOf("R"), "more off its stack"),
      Pickle("a call reaching below a mark", PickleOf("N(R"), "more off its stack"),
      Pickle("tuple without a mark", PickleOf("Nt"), "more off its stack"),
      Pickle("items without a container", PickleOf("(NNu"), "more off its stack"),
      Pickle("an odd number of items", PickleOf("}(Nu"), "cannot hold"),
      Pickle("items into a number", PickleOf("K\x01(NNu"), "cannot hold"),
      Pickle("append to a dict", PickleOf("}Na"), "cannot hold"),
      Pickle("memo never stored", PickleOf("h\x07"), "recalls value 7"),
      Pickle("memo index at the limit", PickleOf("j\xff\xff\xff\xff"), "recalls value 4294967295"),
      Pickle("store from an empty stack", PickleOf("q" + Bytes<uint8_t>(0)), "more off its stack"),
      Pickle("a string longer than the file", PickleOf("X\xff\xff\xff\xff"), "cut off"),
      Pickle("a long longer than 8 bytes", PickleOf("\x8a\x09" + std::string(9, '\x01')),
             "8 bytes"),
      Pickle("a frame longer than the file", PickleOf("\x95" + Bytes(~uint64_t{0})), "cut off"),
      Pickle("100,000 marks", "\x80\x02" + deep, "cut off"),
      Pickle("100,000 nested tuples", PickleOf(deep + std::string(100000, 't')), "a tuple"),
      // A list that holds itself, appended to itself: no walk may follow it.
      Pickle("a list inside itself",
             PickleOf("]q" + Bytes<uint8_t>(0) + "h" + Bytes<uint8_t>(0) + "a"), "holds a list"),
      Pickle("calling a string", PickleOf(Str("os") + ")R"), "not a global"),
      Pickle("global without its second line",
             "\x80\x02"
             "cos",
             "cut off"),
      Pickle("not a dict", PickleOf("N"), "holds None"),
      Pickle("named by a number", PickleOf(Dict({Int(1), SoundW()})), "an integer"),
      TorchW("not a tensor", Str("hello"), "'w' is a string"),
      TorchW("too few arguments",
             Global("torch._utils", "_rebuild_tensor_v2") + Tuple({Six()}) + "R",
             "'w' is an object"),
      TorchW("no storage", TorchTensor("N", 0, {2, 3}, {3, 1}), "'w' has no storage"),
      TorchW("a storage that is not one", TorchTensor(Tuple({Str("storage")}) + "Q", 0, {6}, {1}),
             "'w' has a storage"),
      TorchW("unknown storage type",
             TorchTensor(Storage("ComplexFloatStorage", "0", 6), 0, {6}, {1}),
             "ComplexFloatStorage", "CHECKPOINT_FORBIDDEN_GLOBAL"),
      TorchW("a class for a storage type",
             TorchTensor(Tuple({Str("storage"), Global("collections", "OrderedDict"), Str("0"),
                                Str("cpu"), Int(6)}) +
                             "Q",
                         0, {6}, {1}),
             "collections.OrderedDict"),
      TorchW("storage not in the file", TorchTensor(Storage("FloatStorage", "9", 6), 0, {6}, {1}),
             "storage '9'"),
      TorchW("storage by a path", TorchTensor(Storage("FloatStorage", "../data/0", 6), 0, {6}, {1}),
             "'../data/0'"),
      TorchW("storage longer than it is", TorchTensor(Storage("FloatStorage", "0", 7), 0, {6}, {1}),
             "said to be 7"),
      TorchW("storage of a negative size",
             TorchTensor(Storage("FloatStorage", "0", -6), 0, {6}, {1}), "said to be -6"),
      TorchW("storage of another type", TorchTensor(Storage("HalfStorage", "0", 6), 0, {6}, {1}),
             "6 elements of F16"),
      TorchW("offset beyond the storage", TorchTensor(Six(), 1, {2, 3}, {3, 1}), "'w' reaches"),
      TorchW("negative offset", TorchTensor(Six(), -1, {2, 3}, {3, 1}), "'w' reaches"),
      TorchW("offset at the limit", TorchTensor(Six(), INT64_MAX, {2, 3}, {3, 1}), "'w' reaches"),
      TorchW("negative size", TorchTensor(Six(), 0, {-2, 3}, {3, 1}), "'w' reaches"),
      TorchW("negative stride", TorchTensor(Six(), 5, {2, 3}, {-3, -1}), "'w' reaches"),
      TorchW("strides overflow", TorchTensor(Six(), 0, {2, 3}, {INT64_MAX, INT64_MAX}),
             "'w' reaches"),
      TorchW("sizes overflow", TorchTensor(Six(), 0, {INT64_MAX, INT64_MAX}, {0, 0}), "too large"),
      TorchW("more strides than sizes", TorchTensor(Six(), 0, {6}, {1, 1}), "'w' reaches"),
      TorchW("too many dimensions",
             TorchTensor(Six(), 0, std::vector<int64_t>(9, 1), std::vector<int64_t>(9, 1)),
             "up to 8"),
      TorchW("one element 2^40 times", TorchTensor(Six(), 0, {int64_t{1} << 40}, {0}),
             "repeats its elements", "CHECKPOINT_UNSUPPORTED"),
      TorchW("wrong shape", TorchTensor(Six(), 0, {3, 2}, {2, 1}), "has shape [3, 2]",
             "CHECKPOINT_SHAPE"),
      Pickle("the same name twice", PickleOf(Dict({Str("w"), SoundW(), Str("w"), SoundW()})),
             "'w' is there twice"),
      Pickle("missing tensor", PickleOf(Dict({Str("x"), SoundW()})), "no tensor 'w'", kIncomplete),
      File("pickle: NaN weights", kTorch,
           TorchZip(PickleOf(Dict({Str("w"), SoundW()})),
                    {Floats({0, 1, 2, 3, 4, -std::numeric_limits<float>::infinity()})}),
           "element 5", "CHECKPOINT_NOT_FINITE"),
  };
}

std::vector<Case> ZipCases() {
  std::string pickle = PickleOf(Dict({Str("w"), SoundW()}));
  std::string bomb = Deflate(std::string(64 << 20, '\0'));
  return {
      File("zip: not a zip", kTorch, "hello, world, this is no archive", "not a zip"),
      File("zip: a bare pickle", kTorch, pickle, "not a zip"),
      File("zip: a tar", kTorch, std::string(257, 'x') + "ustar", "before PyTorch 1.6",
           "CHECKPOINT_UNSUPPORTED"),
      File("zip: only its first bytes", kTorch, "PK\x03\x04", "cut off"),
      File("zip: the end record alone", kTorch, "PK\x03\x04" + Zip({}), "without a data.pkl"),
      Archive(
          "no data.pkl", [](auto& parts) { parts[0].name = "a/other"; }, "without a data.pkl"),
      Archive(
          "two data.pkl", [](auto& parts) { parts.push_back({.name = "b/data.pkl"}); },
          "more than one data.pkl"),
      Archive(
          "wrong checksum of the pickle", [](auto& parts) { parts[0].crc = 12345; },
          "'a/data.pkl' does not have the checksum"),
      Archive(
          "wrong checksum of the weights", [](auto& parts) { parts[1].crc = 12345; },
          "'w' lies in damaged data"),
      Archive(
          "bomb",
          [&](auto& parts) {
            parts[0] = {.name = "a/data.pkl", .data = bomb, .method = 8, .size = 64 << 20};
          },
          "'a/data.pkl' says it is 67108864 bytes long"),
      Archive(
          "bomb that lies",
          [&](auto& parts) {
            parts[0] = {.name = "a/data.pkl", .data = bomb, .method = 8, .size = 1000};
          },
          "does not inflate to the 1000 bytes"),
      Archive(
          "deflate stream of garbage",
          [](auto& parts) {
            parts[0] = {.name = "a/data.pkl", .data = "\xff\xff\xff", .method = 8, .size = 1000};
          },
          "does not inflate"),
      Archive(
          "compressed weights",
          [](auto& parts) {
            parts[1].data = Deflate(parts[1].data);
            parts[1].method = 8;
            parts[1].size = 24;
          },
          "compressed"),
      Archive(
          "unknown method", [](auto& parts) { parts[1].method = 99; }, "method 99"),
      Archive(
          "encrypted", [](auto& parts) { parts[1].flags = 1; }, "encrypted"),
      Archive(
          "two sizes", [](auto& parts) { parts[1].size = 25; }, "two sizes"),
      Archive(
          "longer than the file",
          [](auto& parts) { parts[1].size = parts[1].compressed = 1000000; }, "ends beyond"),
      Archive(
          "header elsewhere", [](auto& parts) { parts[1].offset = 3; }, "no header"),
      Archive(
          "header beyond the file", [](auto& parts) { parts[1].offset = 0xFFFFFFF0; }, "no header"),
      Archive(
          "zip64 without its field", [](auto& parts) { parts[1].offset = 0xFFFFFFFF; },
          "no header"),
      Archive(
          "two names", [](auto& parts) { parts[1].local_name = "a/data/1"; }, "another name"),
      Archive(
          "the same name twice", [](auto& parts) { parts.push_back(parts[1]); }, "there twice"),
      Archive(
          "entries that share bytes",
          [](auto& parts) {
            parts.push_back({.name = parts[1].name, .data = "", .size = 24, .compressed = 24});
            parts[2].offset = 30 + parts[0].name.size() + parts[0].data.size();
          },
          "shares bytes"),
      Archive(
          "big-endian",
          [](auto& parts) { parts.push_back({.name = "a/byteorder", .data = "big"}); },
          "byte order 'big'", "CHECKPOINT_UNSUPPORTED"),
  };
}

Case Folder(const std::string& name, const std::function<void(const TempFolder&)>& make,
            const std::string& reason, const std::vector<std::string>& says) {
  return {"folder: " + name, make, reason, says};
}

std::vector<Case> FolderCases() {
  constexpr char kIndex[] = "model.safetensors.index.json";
  auto index = [=](const std::string& text) {
    return [=](const TempFolder& folder) {
      folder.Write("s1.safetensors", SoundSafetensors());
      folder.Write(kIndex, text);
    };
  };
  auto link = [](const std::string& target) {
    return [=](const TempFolder& folder) {
      std::filesystem::create_symlink(target, folder.Path(kSafetensors));
    };
  };
  auto config = [](const std::string& text) {
    return [=](const TempFolder& folder) { folder.Write("config.json", text); };
  };
  return {
      Folder("no weights", [](const TempFolder&) {}, kIncomplete, {kSafetensors, kTorch}),
      Folder("no config",
             [](const TempFolder& folder) { std::filesystem::remove(folder.Path("config.json")); },
             kIncomplete, {"config.json"}),
      Folder("config not JSON", config("{"), kCorrupt, {"config.json"}),
      Folder("config empty", config(""), kCorrupt, {"config.json", "empty"}),
      Folder("config with a field twice", config(R"({"hidden_size": 1, "hidden_size": 2})"),
             kCorrupt, {"config.json", "hidden_size"}),
      Folder("config too large", config("{" + std::string(2 << 20, ' ') + "}"), kCorrupt,
             {"config.json"}),
      Folder("config of no architecture", config("{}"), "ARCHITECTURE_UNSUPPORTED",
             {"config.json", "model_type"}),
      Folder("unknown architecture", config(R"({"model_type": "mamba"})"),
             "ARCHITECTURE_UNSUPPORTED", {"config.json", "mamba"}),
      Folder("empty weights", [](const TempFolder& folder) { folder.Write(kSafetensors, ""); },
             kCorrupt, {kSafetensors, "empty"}),
      Folder("a folder for a file",
             [](const TempFolder& folder) {
               std::filesystem::create_directory(folder.Path(kSafetensors));
             },
             kCorrupt, {kSafetensors, "not a regular file"}),
      Folder(
          "a FIFO for a file",
          [](const TempFolder& folder) { ASSERT_EQ(mkfifo(folder.Path(kTorch).c_str(), 0600), 0); },
          kCorrupt, {kTorch, "not a regular file"}),
      Folder("a link to itself", link(kSafetensors), "CHECKPOINT_UNREADABLE", {kSafetensors}),
      Folder("a link to nowhere", link("nowhere"), kIncomplete, {kSafetensors}),
      Folder("index not JSON", index("{]"), kCorrupt, {kIndex}),
      Folder("index without a map", index(R"({"metadata": {}})"), kCorrupt, {kIndex, "weight_map"}),
      Folder("index to a number", index(R"({"weight_map": {"w": 3}})"), kCorrupt, {kIndex, "'w'"}),
      Folder("index out of the folder", index(R"({"weight_map": {"w": "../s1.safetensors"}})"),
             kCorrupt, {kIndex, "'w'", "../s1.safetensors"}),
      Folder("index to an absolute path", index(R"({"weight_map": {"w": "/etc/x.bin"}})"), kCorrupt,
             {kIndex, "'w'"}),
      Folder("index to a name with a NUL",
             index(R"({"weight_map": {"w": "s1.safetensors\u0000.bin"}})"), kCorrupt,
             {kIndex, "'w'"}),
      Folder("index to another kind of file", index(R"({"weight_map": {"w": "config.json"}})"),
             kCorrupt, {kIndex, "'w'"}),
      Folder("shard missing", index(R"({"weight_map": {"w": "s2.safetensors"}})"), kIncomplete,
             {"s2.safetensors", "'w'", kIndex}),
      Folder("tensor not in its shard", index(R"({"weight_map": {"x": "s1.safetensors"}})"),
             kIncomplete, {"s1.safetensors", "'x'", kIndex}),
      Folder("tensor nowhere", index(R"({"weight_map": {"v": "s1.safetensors"}})"), kIncomplete,
             {"'w'"}),
  };
}

void Check(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    TempFolder folder;
    folder.Write("config.json", SoundConfig());
    one.make(folder);
    absl::Status status = Load(folder.path());
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(ErrorReason(status), one.reason) << status;
    EXPECT_EQ(ClassOf(status), ErrorClass::kDeterministic) << status;
    EXPECT_FALSE(ErrorRemedy(status).empty()) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(folder.path()));
    for (const std::string& part : one.says) {
      EXPECT_THAT(std::string(status.message()), HasSubstr(part));
    }
  }
}

TEST(Hostile, Safetensors) { Check(SafetensorsCases()); }
TEST(Hostile, Pickle) { Check(PickleCases()); }
TEST(Hostile, Zip) { Check(ZipCases()); }
TEST(Hostile, Folder) { Check(FolderCases()); }

// Without the change, each family of cases is a checkpoint that loads.
TEST(Hostile, TheSoundFilesLoad) {
  for (bool torch : {false, true}) {
    TempFolder folder;
    folder.Write("config.json", SoundConfig());
    folder.Write(torch ? kTorch : kSafetensors,
                 torch
                     ? TorchZip(PickleOf(Dict({Str("w"), SoundW()})), {Floats({0, 1, 2, 3, 4, 5})})
                     : SoundSafetensors());
    EXPECT_TRUE(Load(folder.path()).ok()) << Load(folder.path());
  }
}

// Cut off anywhere, a file is refused: both formats say how long they are.
TEST(Hostile, TruncatedAnywhere) {
  for (bool torch : {false, true}) {
    std::string sound = torch ? SoundTorch() : SoundSafetensors();
    TempFolder folder;
    folder.Write("config.json", SoundConfig());
    for (size_t length = 0; length < sound.size(); ++length) {
      folder.Write(torch ? kTorch : kSafetensors, sound.substr(0, length));
      absl::Status status = Load(folder.path());
      ASSERT_EQ(ErrorReason(status), kCorrupt) << length << " " << status;
    }
  }
}

}  // namespace
}  // namespace ondelette
