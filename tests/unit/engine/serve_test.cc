// `ondelette-engine serve` over real pipes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "common/spec/columns.h"
#include "common/spec/spec.h"
#include "tests/unit/checkpoint/builders.h"
#include "tests/unit/engine/engine_process.h"
#include "tests/unit/model/tiny_checkpoint.h"

namespace ondelette::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json SmallSpec() { return {{"preset", "paper-table5"}, {"tokens", 40}}; }

// The payload of these sequences, and their entries for the header, numbered from `first`.
struct Sequences {
  json list = json::array();
  std::string payload;
  void Add(int index, const std::vector<int32_t>& tokens) {
    list.push_back({{"sequence", index}, {"tokens", tokens.size()}});
    payload.append(reinterpret_cast<const char*>(tokens.data()), tokens.size() * 4);
  }
};

std::vector<int32_t> Tokens(const std::string& line) {
  return json::parse(line)["tokens"].get<std::vector<int32_t>>();
}

class ServeTest : public ::testing::Test {
 protected:
  ServeTest() : checkpoint_(TinyCheckpoint().Write(model_)) { hello_ = engine_.Receive(); }

  void Load(const std::string& folder) {
    engine_.Send(
        {{"type", "load"}, {"checkpoint", folder}, {"spec", json::object()}, {"device", "cpu"}});
  }
  void Analyze(const Sequences& sequences, const json& spec = SmallSpec()) {
    engine_.Send(
        {{"type", "analyze"}, {"job", "j1"}, {"spec", spec}, {"sequences", sequences.list}},
        sequences.payload);
  }
  void ExpectFailed(const std::string& reason, const std::string& says) {
    const Frame failed = engine_.ReceiveAnswer();
    EXPECT_EQ(failed.Type(), "failed") << failed.header;
    EXPECT_EQ(failed.header["reason"], reason);
    EXPECT_THAT(failed.header["message"].get<std::string>(), HasSubstr(says));
  }

  TempFolder model_;
  std::string checkpoint_;
  ServeProcess engine_;
  Frame hello_;
};

TEST_F(ServeTest, GreetsWithWhatItRunsOnAndEndsWithItsInput) {
  EXPECT_EQ(hello_.Type(), "hello");
  EXPECT_EQ(hello_.header["device"], "cpu");
  EXPECT_GT(hello_.header["memory_bytes"], 1 << 20);
  EXPECT_GE(hello_.header["threads"], 1);
  for (const char* field : {"version", "blas", "libtorch"}) {
    EXPECT_NE(hello_.header[field], "") << field;
  }
  EXPECT_EQ(engine_.Finish(), 0);
}

TEST_F(ServeTest, MeasuresAsAnalyzeDoes) {
  Load(checkpoint_);
  const Frame loaded = engine_.ReceiveAnswer();
  ASSERT_EQ(loaded.Type(), "loaded") << loaded.header;
  EXPECT_EQ(loaded.header["layers"], 3);
  EXPECT_EQ(loaded.header["heads"], 2);
  EXPECT_EQ(loaded.header["architecture"], "gpt_neox");
  EXPECT_GT(loaded.header["bytes"], 4 * 16 * 40);

  Sequences sequences;
  sequences.Add(5, Tokens(TokensLine("a", 40)));
  sequences.Add(6, Tokens(TokensLine("b", 55, 3)));
  engine_.progress = 0;
  Analyze(sequences);
  const size_t columns = Columns(*ParseSpec(SmallSpec().dump())).size();
  std::vector<float> values;
  for (int index : {5, 6}) {
    const Frame records = engine_.ReceiveAnswer();
    ASSERT_EQ(records.Type(), "records") << records.header;
    EXPECT_EQ(records.header["job"], "j1");
    EXPECT_EQ(records.header["sequence"], index);
    EXPECT_EQ(records.header["columns"], columns);
    ASSERT_EQ(records.payload.size(), 6 * columns * sizeof(float));
    const size_t at = values.size();
    values.resize(at + records.payload.size() / sizeof(float));
    std::memcpy(values.data() + at, records.payload.data(), records.payload.size());
  }
  const Frame done = engine_.ReceiveAnswer();
  EXPECT_EQ(done.Type(), "done");
  EXPECT_EQ(done.header["job"], "j1");
  EXPECT_GE(engine_.progress, 6);  // a layer of a sequence each

  const TempFolder files;
  files.Write("tokens.jsonl", TokensLine("a", 40) + TokensLine("b", 55, 3));
  const std::vector<json> lines =
      Lines(RunEngine(testing::Analyze(checkpoint_, files.Path("tokens.jsonl"), 40)).out);
  ASSERT_EQ(lines.size(), 12);
  for (size_t line = 0; line < lines.size(); ++line) {
    EXPECT_EQ(lines[line]["metrics"]["spectral_entropy"].get<float>(), values[line * columns]);
  }
}

TEST_F(ServeTest, AnswersOnlyForTheVariantThatIsLoaded) {
  Load(checkpoint_);
  ASSERT_EQ(engine_.ReceiveAnswer().Type(), "loaded");
  Sequences sequences;
  sequences.Add(0, Tokens(TokensLine("a", 40)));
  json decoder = SmallSpec();
  decoder["stack"] = "decoder";
  Analyze(sequences, decoder);
  ExpectFailed("NOTHING_LOADED", "stack decoder");
  engine_.Send(
      {{"type", "load"}, {"checkpoint", checkpoint_}, {"spec", decoder}, {"device", "cpu"}});
  ExpectFailed("SPEC_MODEL_MISMATCH", "gpt_neox network has only one stack");
}

TEST_F(ServeTest, SkipsSequencesAndIsDoneEvenIfAllAre) {
  Load(checkpoint_);
  ASSERT_EQ(engine_.ReceiveAnswer().Type(), "loaded");
  Sequences sequences;
  sequences.Add(0, Tokens(TokensLine("short", 39)));
  sequences.Add(1, std::vector<int32_t>(40, 40));
  sequences.Add(2, std::vector<int32_t>(40, -1));
  sequences.Add(3, {});
  Analyze(sequences);
  const char* reasons[] = {"39 tokens", "token 0 is 40", "token 0 is -1", "0 tokens"};
  for (int index = 0; index < 4; ++index) {
    const Frame skipped = engine_.ReceiveAnswer();
    ASSERT_EQ(skipped.Type(), "skipped") << skipped.header;
    EXPECT_EQ(skipped.header["sequence"], index);
    EXPECT_THAT(skipped.header["reason"].get<std::string>(), HasSubstr(reasons[index]));
  }
  EXPECT_EQ(engine_.ReceiveAnswer().Type(), "done");
}

TEST_F(ServeTest, AnswersInTheOrderOfTheSequences) {
  Load(checkpoint_);
  ASSERT_EQ(engine_.ReceiveAnswer().Type(), "loaded");
  Sequences sequences;
  const int lengths[] = {39, 40, 41, 3, 40, 39};
  for (int index = 0; index < 6; ++index) {
    sequences.Add(index, Tokens(TokensLine("s", lengths[index], index)));
  }
  Analyze(sequences);
  for (int index = 0; index < 6; ++index) {
    const Frame answer = engine_.ReceiveAnswer();
    EXPECT_EQ(answer.Type(), lengths[index] < 40 ? "skipped" : "records");
    EXPECT_EQ(answer.header["sequence"], index);
  }
  EXPECT_EQ(engine_.ReceiveAnswer().Type(), "done");
}

TEST_F(ServeTest, FailsOneRequestAndLivesOn) {
  Analyze(Sequences());
  ExpectFailed("NOTHING_LOADED", "before a checkpoint was loaded");
  TinyCheckpoint spoilt;
  spoilt.tensors["gpt_neox.embed_in.weight"].values[9] = INFINITY;
  const TempFolder folder;
  Load(spoilt.Write(folder));
  ExpectFailed("CHECKPOINT_NOT_FINITE", "gpt_neox.embed_in.weight");
  Load(folder.path() + "/nothing");
  ExpectFailed("CHECKPOINT_INCOMPLETE", "nothing");
  engine_.Send({{"type", "load"},
                {"checkpoint", checkpoint_},
                {"spec", json::object()},
                {"device", "cuda:99"}});
  ExpectFailed("DEVICE_MISSING", "cuda:99");
  engine_.Send({{"type", "sing"}});
  ExpectFailed("FRAME_INVALID", "sing");
  Load(checkpoint_);
  EXPECT_EQ(engine_.ReceiveAnswer().Type(), "loaded");
  Analyze(Sequences());
  EXPECT_EQ(engine_.ReceiveAnswer().Type(), "done");
}

// Tells the engine of a checkpoint while it measures another one; answers up to `done` are read.
void PrepareUnderway(ServeProcess& engine, const json& prepare, const Sequences& sequences) {
  engine.Send(
      {{"type", "analyze"}, {"job", "j1"}, {"spec", SmallSpec()}, {"sequences", sequences.list}},
      sequences.payload);
  engine.Send(prepare);
  while (engine.ReceiveAnswer().Type() == "records") continue;
}

json LoadFrame(const std::string& type, const std::string& folder, const std::string& digest) {
  return {{"type", type},
          {"checkpoint", folder},
          {"digest", digest},
          {"spec", json::object()},
          {"device", "cpu"}};
}

TEST_F(ServeTest, LoadsTheNextCheckpointBesideTheWork) {
  TinyCheckpoint other;
  for (float& value : other.tensors["gpt_neox.embed_in.weight"].values) value *= 2;
  const TempFolder folder;
  const std::string second = other.Write(folder);
  Sequences sequences;
  for (int index = 0; index < 8; ++index) {
    sequences.Add(index, Tokens(TokensLine("a", 40, index)));
  }
  engine_.Send(LoadFrame("load", checkpoint_, "a"));
  ASSERT_EQ(engine_.ReceiveAnswer().Type(), "loaded");
  PrepareUnderway(engine_, LoadFrame("prepare", second, "b"), sequences);
  engine_.Send(LoadFrame("load", second, "b"));
  const Frame loaded = engine_.ReceiveAnswer();
  ASSERT_EQ(loaded.Type(), "loaded") << loaded.header;
  EXPECT_EQ(loaded.header["prepared"], true);
  EXPECT_EQ(loaded.header["layers"], 3);
  EXPECT_GT(loaded.header["bytes"], 4 * 16 * 40);
  Analyze(sequences);
  const std::string prepared = engine_.ReceiveAnswer().payload;
  while (engine_.ReceiveAnswer().Type() == "records") continue;

  Load(second);  // by itself
  EXPECT_EQ(engine_.ReceiveAnswer().header["prepared"], false);
  Analyze(sequences);
  EXPECT_EQ(engine_.ReceiveAnswer().payload, prepared);
}

// The agent tells of the next checkpoint as soon as a job runs, which may be before its `load`.
TEST_F(ServeTest, WhatIsPreparedWaitsForItsLoad) {
  const TempFolder folders[2];
  std::string paths[2];
  for (int at = 0; at < 2; ++at) paths[at] = TinyCheckpoint().Write(folders[at]);
  Sequences sequences;
  sequences.Add(0, Tokens(TokensLine("a", 40)));
  engine_.Send(LoadFrame("load", checkpoint_, "a"));
  ASSERT_EQ(engine_.ReceiveAnswer().Type(), "loaded");
  PrepareUnderway(engine_, LoadFrame("prepare", paths[0], "b"), sequences);
  engine_.Send(LoadFrame("prepare", paths[1], "c"));
  engine_.Send(LoadFrame("load", paths[0], "b"));
  EXPECT_EQ(engine_.ReceiveAnswer().header["prepared"], true);
  engine_.Send(LoadFrame("load", paths[1], "c"));
  EXPECT_EQ(engine_.ReceiveAnswer().header["prepared"], true);
}

TEST_F(ServeTest, LoadsWhatIsAskedForAndNotWhatWasPrepared) {
  TinyCheckpoint spoilt;
  spoilt.tensors["gpt_neox.embed_in.weight"].values[9] = INFINITY;
  const TempFolder folder;
  const std::string broken = spoilt.Write(folder);
  Sequences sequences;
  sequences.Add(0, Tokens(TokensLine("a", 40)));
  engine_.Send(LoadFrame("load", checkpoint_, "a"));
  ASSERT_EQ(engine_.ReceiveAnswer().Type(), "loaded");
  PrepareUnderway(engine_, LoadFrame("prepare", broken, "b"), sequences);
  engine_.Send(LoadFrame("load", broken, "b"));
  ExpectFailed("CHECKPOINT_NOT_FINITE", "gpt_neox.embed_in.weight");
  engine_.Send(LoadFrame("load", checkpoint_, "a"));
  ASSERT_EQ(engine_.ReceiveAnswer().Type(), "loaded");
  PrepareUnderway(engine_, LoadFrame("prepare", checkpoint_, "old"), sequences);
  engine_.Send(LoadFrame("load", checkpoint_, "new"));
  EXPECT_EQ(engine_.ReceiveAnswer().header["prepared"], false);
  engine_.Send(LoadFrame("prepare", folder.path() + "/nothing", "c"));
  engine_.Send({{"type", "prepare"}});
  Analyze(sequences);
  EXPECT_EQ(engine_.ReceiveAnswer().Type(), "records");
  EXPECT_EQ(engine_.ReceiveAnswer().Type(), "done");
  engine_.Send(LoadFrame("load", folder.path() + "/nothing", "c"));
  ExpectFailed("CHECKPOINT_INCOMPLETE", "nothing");
}

TEST_F(ServeTest, RefusesRequestsThatContradictThemselves) {
  Load(checkpoint_);
  ASSERT_EQ(engine_.ReceiveAnswer().Type(), "loaded");
  Sequences sequences;
  sequences.Add(0, Tokens(TokensLine("a", 40)));
  Analyze(sequences, {{"preset", "paper-table5"}, {"taper", "welch"}});
  ExpectFailed("SPEC_INVALID", "taper");
  Sequences longer = sequences;
  longer.payload += "abcd";
  Analyze(longer);
  ExpectFailed("FRAME_INVALID", "longer");
  Sequences odd = sequences;
  odd.payload += "abc";
  Analyze(odd);
  ExpectFailed("FRAME_INVALID", "longer");
  Sequences shorter = sequences;
  shorter.payload.resize(100);
  Analyze(shorter);
  ExpectFailed("FRAME_INVALID", "too short");
  for (const json& entry :
       {json(7), json({{"sequence", 0}}), json({{"sequence", 0}, {"tokens", -4}}),
        json({{"sequence", "a"}, {"tokens", 40}})}) {
    Sequences strange = sequences;
    strange.list = {entry};
    Analyze(strange);
    ExpectFailed("FRAME_INVALID", "entry");
  }
  engine_.Send({{"type", "analyze"}, {"job", 7}});
  ExpectFailed("FRAME_INVALID", "job");
}

TEST_F(ServeTest, MeasuresTheControls) {
  engine_.Send({{"type", "controls"}, {"spec", {{"preset", "paper-table5"}}}, {"device", "cpu"}});
  const Frame controls = engine_.ReceiveAnswer();
  ASSERT_EQ(controls.Type(), "controls") << controls.header;
  const std::vector<Column> columns = Columns(*PresetSpec("paper-table5"));
  ASSERT_EQ(controls.header["columns"], columns.size());
  ASSERT_EQ(controls.payload.size(), 5 * columns.size() * sizeof(float));
  std::vector<float> values(5 * columns.size());
  std::memcpy(values.data(), controls.payload.data(), controls.payload.size());
  const json goldens = json::parse(
      ReadBytes(ONDELETTE_SOURCE_DIR "/tests/parity/controls.json"))["paper-table5"]["controls"];
  for (size_t pattern = 0; pattern < 5; ++pattern) {
    const std::string name = controls.header["patterns"][pattern];
    for (size_t at = 0; at < columns.size(); ++at) {
      if (columns[at].element >= 0 || !goldens[name].contains(columns[at].metric)) continue;
      const json& wanted = goldens[name][columns[at].metric];
      const float got = values[pattern * columns.size() + at];
      EXPECT_EQ(std::isnan(got), wanted.is_null()) << name << " " << columns[at].metric;
      if (wanted.is_null()) continue;
      const double exact = wanted;
      EXPECT_NEAR(got, exact, std::max(1e-5, 1e-5 * std::abs(exact)))
          << name << " " << columns[at].metric;
    }
  }
}

TEST_F(ServeTest, EndsWhereWhatComesIsNoFrame) {
  engine_.SendBytes("GET / HTTP/1.1\r\nHost: engine\r\n\r\n");
  EXPECT_EQ(engine_.Finish(), 1);
}

TEST_F(ServeTest, EndsWhereAFrameIsCutShort) {
  engine_.SendBytes(std::string("ODF1\x10\0\0\0\0\0\0\0{\"ty", 16));
  EXPECT_EQ(engine_.Finish(), 1);
}

TEST_F(ServeTest, EndsWhereALengthLies) {
  engine_.SendBytes(std::string("ODF1\x10\0\0\0\xff\xff\xff\xff{}", 14));
  EXPECT_EQ(engine_.Finish(), 1);
}

}  // namespace
}  // namespace ondelette::testing
