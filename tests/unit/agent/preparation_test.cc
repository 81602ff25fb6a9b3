// Corpora, sequences and leases before the engine sees them.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "absl/time/clock.h"
#include "common/digest/digest.h"
#include "common/errors/errors.h"
#include "tests/unit/agent/scripted_coordinator.h"
#include "tests/unit/agent/worker_fixture.h"
#include "worker/agent/corpus.h"
#include "worker/agent/corpus_cache.h"
#include "worker/agent/lease_table.h"
#include "worker/agent/sequences.h"
#include "worker/agent/utf8.h"
#include "worker/hub/hugging_face_cache.h"

namespace ondelette::agent {
namespace {

using testing::HasSubstr;

class CorpusTest : public testing::Test {
 protected:
  std::shared_ptr<const Corpus> Open(const std::string& text) {
    WriteFile(folder_ / "c.jsonl", text);
    auto corpus = Corpus::Open(folder_ / "c.jsonl", Sha256Of({text.data(), text.size()}));
    EXPECT_TRUE(corpus.ok()) << corpus.status();
    return corpus.ok() ? *corpus : nullptr;
  }
  TemporaryFolder folder_;
};

TEST_F(CorpusTest, ReadsTextAndTokensByIndex) {
  auto corpus = Open(
      "{\"id\": \"a\", \"text\": \"caf\u00e9\"}\n{\"id\": \"b\", \"tokens\": [1, 2, 2147483647]}\n"
      "{\"id\": \"last, without an end of line\", \"text\": \"\"}");
  ASSERT_NE(corpus, nullptr);
  EXPECT_EQ(corpus->sequences(), 3);
  auto all = *corpus->Read(0, 3);
  EXPECT_EQ(all[0].text, "caf\u00e9");
  EXPECT_EQ(all[1].id, "b");
  EXPECT_THAT(all[1].tokens, testing::ElementsAre(1, 2, 2147483647));
  EXPECT_EQ(all[2].text, "");
  auto one = *corpus->Read(1, 1);
  EXPECT_EQ(one[0].index, 1);
  EXPECT_EQ(one[0].id, "b");
}

TEST_F(CorpusTest, FaultyLinesAreToldOneByOne) {
  auto corpus = Open(
      "not json\n[1]\n{\"id\": \"x\"}\n{\"tokens\": [1, -1]}\n{\"tokens\": [1.5]}\n"
      "{\"tokens\": [2147483648]}\n{\"tokens\": 3}\n{\"text\": \"\xff\"}\n{\"tokens\": [5]}\n");
  ASSERT_NE(corpus, nullptr);
  auto all = *corpus->Read(0, 9);
  for (int i = 0; i < 8; ++i) {
    EXPECT_NE(all[i].fault, "") << i;
    EXPECT_TRUE(all[i].tokens.empty()) << i;
  }
  EXPECT_THAT(all[3].fault, HasSubstr("tokens[1]"));
  EXPECT_EQ(all[8].fault, "");
}

TEST_F(CorpusTest, RangesOutsideAreRefused) {
  auto corpus = Open(TokenCorpus(4, 2));
  for (auto [first, count] : std::vector<std::pair<int64_t, int64_t>>{
           {-1, 2}, {0, 5}, {4, 1}, {0, 0}, {1, INT64_MAX}, {INT64_MAX, INT64_MAX}}) {
    EXPECT_EQ(ErrorReason(corpus->Read(first, count).status()), "CORPUS_RANGE");
  }
}

TEST_F(CorpusTest, OtherBytesAreRefusedAndAnOpenCorpusOutlivesItsFile) {
  auto corpus = Open(TokenCorpus(4, 2));
  EXPECT_EQ(ErrorReason(Corpus::Open(folder_ / "c.jsonl", std::string(64, '0')).status()),
            "CORPUS_CORRUPT");
  std::filesystem::remove(folder_ / "c.jsonl");
  EXPECT_TRUE(corpus->Read(3, 1).ok());
  EXPECT_EQ(Corpus::Open(folder_ / "c.jsonl", "").status().code(), absl::StatusCode::kNotFound);
}

class CorpusCacheTest : public testing::Test {
 protected:
  CorpusCache Cache() {
    return {folder_ / "corpora",
            grpc::CreateChannel(coordinator_.address(), grpc::InsecureChannelCredentials())};
  }
  TemporaryFolder folder_;
  ScriptedCoordinator coordinator_;
  std::atomic<bool> cancelled_ = false;
};

TEST_F(CorpusCacheTest, FetchesOnceAndKeepsOnDisk) {
  const std::string digest = coordinator_.AddCorpus(TokenCorpus(4, 300));
  CorpusCache cache = Cache();
  EXPECT_EQ((*cache.Get(digest, cancelled_))->sequences(), 4);
  EXPECT_TRUE(cache.Get(digest, cancelled_).ok());
  EXPECT_TRUE(Cache().Get(digest, cancelled_).ok());
  EXPECT_EQ(coordinator_.corpus_reads(), 1);
}

TEST_F(CorpusCacheTest, ADamagedFileIsFetchedAgain) {
  const std::string digest = coordinator_.AddCorpus(TokenCorpus(4, 3));
  ASSERT_TRUE(Cache().Get(digest, cancelled_).ok());
  WriteFile(folder_ / ("corpora/" + digest + ".jsonl"), "half a fi");
  EXPECT_TRUE(Cache().Get(digest, cancelled_).ok());
  EXPECT_EQ(coordinator_.corpus_reads(), 2);
}

TEST_F(CorpusCacheTest, NamesThatAreNoDigestNeverReachTheDisk) {
  CorpusCache cache = Cache();
  EXPECT_EQ(ErrorReason(cache.Get("../../etc/passwd", cancelled_).status()), "CORPUS_DIGEST");
  EXPECT_EQ(cache.Get(std::string(64, 'a'), cancelled_).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "corpora")) << "a half-fetched file was left";
}

TEST_F(CorpusCacheTest, WaitsForACoordinatorThatIsAway) {
  const std::string digest = coordinator_.AddCorpus(TokenCorpus(4, 3));
  CorpusCache cache = Cache();
  coordinator_.Stop();
  std::thread back([this] {
    absl::SleepFor(absl::Milliseconds(300));
    coordinator_.Start();
  });
  EXPECT_TRUE(cache.Get(digest, cancelled_).ok());
  back.join();
  coordinator_.Stop();
  std::thread canceller([this] {
    absl::SleepFor(absl::Milliseconds(100));
    cancelled_ = true;
  });
  EXPECT_EQ(cache.Get(std::string(64, 'b'), cancelled_).status().code(),
            absl::StatusCode::kCancelled);
  canceller.join();
}

TEST_F(CorpusCacheTest, TheLeastRecentlyUsedFilesGo) {
  CorpusCache cache = Cache();
  std::vector<std::string> digests;
  for (size_t i = 0; i < CorpusCache::kMostFiles + 3; ++i) {
    digests.push_back(coordinator_.AddCorpus(TokenCorpus(1, static_cast<int>(i) + 1)));
    ASSERT_TRUE(cache.Get(digests.back(), cancelled_).ok());
    absl::SleepFor(absl::Milliseconds(5));  // file times differ
  }
  size_t files = 0;
  for ([[maybe_unused]] const auto& file :
       std::filesystem::directory_iterator(folder_ / "corpora")) {
    ++files;
  }
  EXPECT_EQ(files, CorpusCache::kMostFiles);
  EXPECT_FALSE(std::filesystem::exists(folder_ / ("corpora/" + digests[0] + ".jsonl")));
  EXPECT_TRUE(std::filesystem::exists(folder_ / ("corpora/" + digests.back() + ".jsonl")));
}

CorpusSequence TokenSequence(int64_t index, size_t tokens) {
  CorpusSequence sequence;
  sequence.index = index;
  sequence.id = absl::StrCat("id-", index);
  sequence.tokens.assign(tokens, 7);
  return sequence;
}

TEST(SequencesTest, CutsLongOnesAndSkipsShortAndFaultyOnesWithReasons) {
  TokenizerCache tokenizers;
  std::atomic<bool> cancelled = false;
  CorpusSequence faulty = TokenSequence(2, 0);
  faulty.fault = "tokens[1] is not a token id";
  auto set = PrepareSequences({TokenSequence(0, 80), TokenSequence(1, 200), faulty}, 112, {},
                              tokenizers, cancelled);
  ASSERT_TRUE(set.ok()) << set.status();
  ASSERT_EQ(set->measured.size(), 1U);
  EXPECT_EQ(set->measured[0].index, 1);
  EXPECT_EQ(set->measured[0].tokens.size(), 112U);
  ASSERT_EQ(set->skipped.size(), 2U);
  EXPECT_EQ(set->skipped[0].sequence(), 0);
  EXPECT_EQ(set->skipped[0].reason(), "sequence 0 (id-0) has 80 tokens, the spec needs 112");
  EXPECT_THAT(set->skipped[1].reason(), HasSubstr("tokens[1]"));
}

TEST(SequencesTest, NothingToMeasureIsAnErrorThatNamesTheFirst) {
  TokenizerCache tokenizers;
  std::atomic<bool> cancelled = false;
  absl::Status status =
      PrepareSequences({TokenSequence(3, 80), TokenSequence(4, 90)}, 112, {}, tokenizers, cancelled)
          .status();
  EXPECT_EQ(ErrorReason(status), "SEQUENCES_TOO_SHORT");
  EXPECT_EQ(ClassOf(status), ErrorClass::kDeterministic);
  EXPECT_THAT(std::string(status.message()), HasSubstr("2 sequences"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("sequence 3 (id-3) has 80 tokens"));
  cancelled = true;
  EXPECT_EQ(
      PrepareSequences({TokenSequence(3, 80)}, 112, {}, tokenizers, cancelled).status().code(),
      absl::StatusCode::kCancelled);
}

TEST(SequencesTest, TextIsTokenizedWithTheCheckpointsOwnTokenizer) {
  DigestCache digests("");
  HuggingFaceCache hub(ONDELETTE_SOURCE_DIR "/tests/data/hub", &digests);
  auto checkpoint = hub.Resolve("ondelette/austen-1m", "step0");
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const std::string path = ONDELETTE_SOURCE_DIR "/tests/data/corpus/austen-held-out.jsonl";
  auto corpus = Corpus::Open(path, *Sha256OfFile(path));
  ASSERT_TRUE(corpus.ok()) << corpus.status();
  EXPECT_EQ((*corpus)->sequences(), 64);
  TokenizerCache tokenizers;
  std::atomic<bool> cancelled = false;
  auto set = PrepareSequences(*(*corpus)->Read(0, 64), 256, *checkpoint, tokenizers, cancelled);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->measured.size(), 64U);
  EXPECT_TRUE(set->skipped.empty());
}

TEST(TokenizerCacheTest, KeyIsEveryFileOfTheTokenizer) {
  TemporaryFolder folder;
  WriteFile(folder / "vocab.txt", "[UNK]\n[CLS]\n[SEP]\na\nA\n");
  ResolvedCheckpoint checkpoint;
  checkpoint.folder = folder.path();
  CheckpointFile vocabulary;
  vocabulary.name = "vocab.txt";
  vocabulary.kind = FileKind::kTokenizer;
  vocabulary.sha256 = "1";
  checkpoint.files = {vocabulary};
  TokenizerCache tokenizers;
  std::shared_ptr<const Tokenizer> first = *tokenizers.Get(checkpoint);
  EXPECT_EQ(*tokenizers.Get(checkpoint), first);
  EXPECT_EQ(*first->Encode("A"), (std::vector<int32_t>{1, 3, 2}));
  WriteFile(folder / "tokenizer_config.json", "{\"do_lower_case\": false}");
  CheckpointFile config = vocabulary;
  config.name = "tokenizer_config.json";
  config.sha256 = "2";
  checkpoint.files.push_back(config);
  EXPECT_EQ(*(*tokenizers.Get(checkpoint))->Encode("A"), (std::vector<int32_t>{1, 4, 2}));
}

v1::Lease LeaseWithId(const std::string& job, uint64_t epoch) {
  v1::Lease lease;
  lease.mutable_id()->set_job(job);
  lease.mutable_id()->set_epoch(epoch);
  return lease;
}

TEST(LeaseTableTest, AsksForTwoAndHoldsABoundedNumber) {
  LeaseTable table;
  EXPECT_EQ(table.Wanted(), 2);
  HeldLease* first = table.Add(LeaseWithId("a", 1));
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(table.Add(LeaseWithId("a", 1)), nullptr) << "the same lease twice";
  EXPECT_EQ(table.Wanted(), 1);
  for (const char* job : {"b", "c", "d"}) EXPECT_NE(table.Add(LeaseWithId(job, 1)), nullptr);
  EXPECT_EQ(table.Add(LeaseWithId("e", 1)), nullptr);
  EXPECT_EQ(table.Wanted(), 0);
  EXPECT_EQ(table.First(LeaseStage::kQueued), first);
}

TEST(LeaseTableTest, ResultsNobodyTakesStopTheAsking) {
  LeaseTable table;
  for (int i = 0; i < LeaseTable::kMostFinished; ++i) {
    EXPECT_EQ(table.Wanted(), 2);
    table.Add(LeaseWithId(absl::StrCat(i), 1))->stage = LeaseStage::kFinished;
  }
  EXPECT_EQ(table.Wanted(), 0);
  EXPECT_TRUE(table.Drop(LeaseWithId("0", 1).id()));
  EXPECT_EQ(table.Wanted(), 2);
}

TEST(LeaseTableTest, ANewerEpochCancelsTheOlderLease) {
  LeaseTable table;
  std::shared_ptr<JobControl> old = table.Add(LeaseWithId("a", 1))->control;
  ASSERT_NE(table.Add(LeaseWithId("a", 2)), nullptr);
  EXPECT_TRUE(old->cancelled);
  EXPECT_FALSE(table.Has(LeaseWithId("a", 1).id()));
  EXPECT_EQ(table.Add(LeaseWithId("a", 1)), nullptr) << "a stale lease replaced a newer one";
  EXPECT_TRUE(table.Has(LeaseWithId("a", 2).id()));
}

TEST(LeaseTableTest, KeepsOnlyWhatTheCoordinatorListed) {
  LeaseTable table;
  std::shared_ptr<JobControl> lost = table.Add(LeaseWithId("a", 1))->control;
  table.Add(LeaseWithId("b", 5));
  EXPECT_EQ(table.KeepOnly({LeaseWithId("b", 5).id(), LeaseWithId("a", 2).id()}), 1);
  EXPECT_TRUE(lost->cancelled);
  EXPECT_TRUE(table.Has(LeaseWithId("b", 5).id()));
}

TEST(Utf8Test, ReplacesWhatIsNotUtf8AndCuts) {
  EXPECT_EQ(ToUtf8("caf\u00e9 \u20ac \U0001F600"), "caf\u00e9 \u20ac \U0001F600");
  EXPECT_EQ(ToUtf8("a\xff"
                   "b\xc3"),
            "a?b?");
  EXPECT_EQ(ToUtf8("\xed\xa0\x80\xc0\x80\xf4\x90\x80\x80"), "?????????");
  EXPECT_EQ(ToUtf8("abcdef", 3), "abc ...");
}

}  // namespace
}  // namespace ondelette::agent
