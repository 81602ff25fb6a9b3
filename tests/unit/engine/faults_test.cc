// Every fault of `analyze` and `init`: one message that names what is at fault, and the exit
// status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>

#include "tests/unit/checkpoint/builders.h"
#include "tests/unit/engine/engine_process.h"
#include "tests/unit/model/tiny_checkpoint.h"

namespace ondelette::testing {
namespace {

using ::testing::HasSubstr;

// A sound scene that a case spoils in one place.
struct Scene {
  TinyCheckpoint tiny;
  std::string tokens = TokensLine("one", 40);
  std::vector<std::string> more;
  std::function<void(const TempFolder& model, const TempFolder& files)> spoil =
      [](const TempFolder&, const TempFolder&) {};
};

struct Case {
  const char* name;
  int status;
  std::vector<std::string> says;
  std::function<void(Scene&)> change;
};

void Truncate(const std::string& path, int64_t bytes_left) {
  std::filesystem::resize_file(path, static_cast<uintmax_t>(bytes_left));
}

const Case kCases[] = {
    {"unknown flag",
     2,
     {"unknown flag '--lairs'", "see --help"},
     [](Scene& scene) {
       scene.more = {"--lairs", "1:2"};
     }},
    {"argument that is no flag",
     2,
     {"unexpected argument 'corpus'"},
     [](Scene& scene) { scene.more = {"corpus"}; }},
    {"flag without value",
     2,
     {"--layers needs a value"},
     [](Scene& scene) { scene.more = {"--layers"}; }},
    {"flag given twice",
     2,
     {"--device is given twice"},
     [](Scene& scene) {
       scene.more = {"--device", "cpu"};
     }},
    {"layers that are not there",
     2,
     {"--layers is '2:4'", "0 <= A < B <= 3"},
     [](Scene& scene) {
       scene.more = {"--layers", "2:4"};
     }},
    {"no layers",
     2,
     {"--layers is '1:1'"},
     [](Scene& scene) {
       scene.more = {"--layers", "1:1"};
     }},
    {"set without a value",
     2,
     {"--set is 'taper'", "field=value"},
     [](Scene& scene) {
       scene.more = {"--set", "taper"};
     }},
    {"unknown field",
     1,
     {"no field 'tapir'"},
     [](Scene& scene) {
       scene.more = {"--set", "tapir=none"};
     }},
    {"bad value",
     1,
     {"spec field 'taper'", "welch"},
     [](Scene& scene) {
       scene.more = {"--set", "taper=welch"};
     }},
    {"fields that do not fit",
     1,
     {"scale_compare"},
     [](Scene& scene) {
       scene.more = {"--set", "scale_compare=profile-distance"};
     }},
    {"output in no folder",
     1,
     {"/nowhere/records.jsonl", "No such file"},
     [](Scene& scene) {
       scene.more = {"--output", "/nowhere/records.jsonl"};
     }},
    {"output that is full",
     1,
     {"/dev/full", "No space left"},
     [](Scene& scene) {
       scene.more = {"--output", "/dev/full"};
     }},
    {"dump in no folder",
     1,
     {"/nowhere/a.safetensors"},
     [](Scene& scene) {
       scene.more = {"--dump-attention", "/nowhere/a.safetensors"};
     }},
    {"same id twice",
     1,
     {"tokens.jsonl", "lines 1 and 3", "'one'"},
     [](Scene& scene) { scene.tokens += TokensLine("two", 40) + TokensLine("one", 41); }},
    {"nothing left",
     1,
     {"tokens.jsonl", "no sequence can be measured", "'one' is skipped"},
     [](Scene& scene) { scene.tokens = TokensLine("one", 20); }},
    {"no sequences at all",
     1,
     {"tokens.jsonl", "no sequences"},
     [](Scene& scene) { scene.tokens = ""; }},
    {"truncated weights",
     1,
     {"model.safetensors"},
     [](Scene& scene) {
       scene.spoil = [](const TempFolder& model, const TempFolder&) {
         const std::string path = model.Path("model.safetensors");
         Truncate(path, static_cast<int64_t>(std::filesystem::file_size(path)) - 100);
       };
     }},
    {"no weights",
     1,
     {"pytorch_model.bin"},
     [](Scene& scene) {
       scene.spoil = [](const TempFolder& model, const TempFolder&) {
         std::filesystem::remove(model.Path("model.safetensors"));
       };
     }},
    {"no config",
     1,
     {"config.json"},
     [](Scene& scene) {
       scene.spoil = [](const TempFolder& model, const TempFolder&) {
         std::filesystem::remove(model.Path("config.json"));
       };
     }},
    {"unknown architecture",
     1,
     {"config.json", "perceiver"},
     [](Scene& scene) { scene.tiny.config["model_type"] = "perceiver"; }},
    {"missing tensor",
     1,
     {"layers.1.mlp.dense_h_to_4h.bias"},
     [](Scene& scene) { scene.tiny.tensors.erase("gpt_neox.layers.1.mlp.dense_h_to_4h.bias"); }},
    {"wrong shape",
     1,
     {"model.safetensors", "layers.2.attention.dense.weight", "[8, 32]"},
     [](Scene& scene) {
       scene.tiny.tensors["gpt_neox.layers.2.attention.dense.weight"].shape = {8, 32};
     }},
    {"NaN weights",
     1,
     {"model.safetensors", "layers.0.input_layernorm.weight"},
     [](Scene& scene) {
       scene.tiny.tensors["gpt_neox.layers.0.input_layernorm.weight"].values[5] = NAN;
     }},
};

class FaultsTest : public ::testing::TestWithParam<Case> {};

TEST_P(FaultsTest, EndsWithOneMessageThatNamesIt) {
  Scene scene;
  GetParam().change(scene);
  const TempFolder model, files;
  scene.tiny.Write(model);
  files.Write("tokens.jsonl", scene.tokens);
  scene.spoil(model, files);
  const Outcome outcome =
      RunEngine(Analyze(model.path(), files.Path("tokens.jsonl"), 40, scene.more));
  EXPECT_EQ(outcome.status, GetParam().status) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  for (const std::string& words : GetParam().says) EXPECT_THAT(outcome.err, HasSubstr(words));
  const size_t message = outcome.err.rfind("ondelette-engine: ");
  ASSERT_NE(message, std::string::npos);
  EXPECT_EQ(outcome.err.find('\n', message), outcome.err.size() - 1) << "more than one line";
}

std::string TestName(const ::testing::TestParamInfo<Case>& info) {
  std::string name;
  for (const char* letter = info.param.name; *letter != 0; ++letter) {
    name += *letter == ' ' ? '_' : *letter;
  }
  return name;
}
INSTANTIATE_TEST_SUITE_P(Cases, FaultsTest, ::testing::ValuesIn(kCases), TestName);

TEST(CommandLineTest, SaysWhatIsMissing) {
  const Outcome missing = RunEngine({"analyze", "--tokens", "t", "--spec", "paper-table5"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, HasSubstr("--checkpoint is missing"));
  const Outcome preset =
      RunEngine({"analyze", "--checkpoint", "c", "--tokens", "t", "--spec", "table9"});
  EXPECT_EQ(preset.status, 1);
  EXPECT_THAT(preset.err, HasSubstr("no preset is named 'table9'"));
  const Outcome file =
      RunEngine({"analyze", "--checkpoint", "c", "--tokens", "t", "--spec", "/nowhere.json"});
  EXPECT_EQ(file.status, 1);
  EXPECT_THAT(file.err, HasSubstr("/nowhere.json"));
  const Outcome device = RunEngine({"analyze", "--checkpoint", "c", "--tokens", "t", "--spec",
                                    "paper-table5", "--device", "tpu"});
  EXPECT_EQ(device.status, 1);
  EXPECT_THAT(device.err, HasSubstr("no device is called 'tpu'"));
}

TEST(CommandLineTest, KnowsItsCommandsAndHelp) {
  EXPECT_EQ(RunEngine({}).status, 2);
  EXPECT_EQ(RunEngine({"measure"}).status, 2);
  EXPECT_THAT(RunEngine({"--version"}).out, HasSubstr("ondelette-engine"));
  for (const char* command : {"analyze", "serve", "init"}) {
    const Outcome help = RunEngine({command, "--help"});
    EXPECT_EQ(help.status, 0);
    EXPECT_THAT(help.out, HasSubstr(std::string("usage: ondelette-engine ") + command));
    EXPECT_EQ(help.err, "");
  }
  const Outcome full = RunEngine({"help"}, "/dev/full");
  EXPECT_EQ(full.status, 1);
}

}  // namespace
}  // namespace ondelette::testing
