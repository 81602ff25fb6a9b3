#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"
#include "common/errors/errors.h"
#include "server/plan/corpus_file.h"
#include "server/plan/job_plan.h"
#include "server/plan/lease_choice.h"
#include "server/plan/record_check.h"
#include "server/plan/retry_policy.h"
#include "server/plan/sweep_plan.h"
#include "tests/unit/server/support.h"

namespace ondelette::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(JobPlan, RangesCoverTheCorpusOnce) {
  const auto ranges = ExpandJobs(10, 4);
  ASSERT_EQ(ranges.size(), 3U);
  EXPECT_EQ(ranges[2].first, 8);
  EXPECT_EQ(ranges[2].count, 2);
}

TEST(JobPlan, TheKeyDependsOnEverything) {
  std::set<std::string> keys = {JobKey("a", "b", "c", {0, 4}), JobKey("x", "b", "c", {0, 4}),
                                JobKey("a", "x", "c", {0, 4}), JobKey("a", "b", "x", {0, 4}),
                                JobKey("a", "b", "c", {4, 4}), JobKey("a", "b", "c", {0, 5})};
  EXPECT_EQ(keys.size(), 6U);
  EXPECT_EQ(JobKey("a", "b", "c", {0, 4}), JobKey("a", "b", "c", {0, 4}));
}

TEST(RetryPolicy, DeterministicErrorsFailAtOnce) {
  EXPECT_TRUE(Judge(MakeTestError(v1::ERROR_CLASS_DETERMINISTIC), {}, "job").failed);
}

TEST(RetryPolicy, TransientErrorsBackOffAndEnd) {
  Budget budget;
  absl::Duration last = absl::ZeroDuration();
  for (int attempt = 1; attempt < kMostAttempts; ++attempt) {
    const Verdict verdict = Judge(MakeTestError(v1::ERROR_CLASS_TRANSIENT), budget, "job");
    ASSERT_FALSE(verdict.failed) << attempt;
    EXPECT_GT(verdict.back_off, last);
    EXPECT_LE(verdict.back_off, kLongestBackOff);
    last = verdict.back_off;
    budget = verdict.budget;
  }
  const Verdict end = Judge(MakeTestError(v1::ERROR_CLASS_TRANSIENT, "the last"), budget, "job");
  EXPECT_TRUE(end.failed);
  EXPECT_EQ(end.error.message(), "the last");
}

TEST(RetryPolicy, InfrastructureCostsNoAttemptButIsBounded) {
  Verdict verdict = Judge(LostWorkerError("w"), {}, "job");
  EXPECT_FALSE(verdict.failed);
  EXPECT_EQ(verdict.budget.attempts, 0);
  EXPECT_EQ(verdict.back_off, absl::ZeroDuration());
  EXPECT_TRUE(Judge(LostWorkerError("w"), {0, 0, kMostRequeues - 1}, "job").failed);
}

TEST(RetryPolicy, EngineDeathsQuarantine) {
  const v1::Error death = MakeTestError(v1::ERROR_CLASS_ENGINE_DEATH, "signal 11");
  EXPECT_FALSE(Judge(death, {0, 1, 0}, "job 7").failed);
  const Verdict verdict = Judge(death, {0, 2, 0}, "job 7");
  EXPECT_TRUE(verdict.failed);
  EXPECT_EQ(verdict.error.reason(), "JOB_QUARANTINED");
  EXPECT_THAT(verdict.error.message(),
              testing::AllOf(HasSubstr("job 7"), HasSubstr("3 times"), HasSubstr("signal 11")));
}

TEST(RetryPolicy, ErrorsWithoutAClassHaveThatOfTheirCode) {
  v1::Error error;
  error.set_code(static_cast<int>(absl::StatusCode::kNotFound));
  EXPECT_TRUE(Judge(error, {}, "checkpoint").failed);
  error.set_code(static_cast<int>(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(Judge(error, {}, "checkpoint").failed);
}

TEST(RetryPolicy, LongErrorsAreCutBetweenCharacters) {
  v1::Error error = MakeTestError(v1::ERROR_CLASS_TRANSIENT);
  std::string accents;
  while (accents.size() < 20000) accents += "\xc3\xa9";
  error.set_message("x" + accents);
  error.set_code(99);
  const v1::Error bounded = BoundedError(error);
  EXPECT_EQ(bounded.message().size(), 8191U);
  EXPECT_EQ(bounded.code(), static_cast<int>(absl::StatusCode::kUnknown));
}

// A queue of checkpoints 1, 2, ... of one sweep, with digests d1, d2, ..., each with 32 jobs that cost as
// much as the checkpoint has bytes.
class LeaseChoice : public testing::Test {
 protected:
  void Queue(const std::vector<int64_t>& bytes, int64_t jobs = 32) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      const auto checkpoint = static_cast<int64_t>(i + 1);
      memory_.facts[checkpoint] = {1, absl::StrCat("d", checkpoint), bytes[i],
                                   static_cast<double>(bytes[i])};
      board_.Add(checkpoint, jobs);
    }
  }
  // So many grants, and whose they were.
  std::vector<int64_t> Grants(const std::string& worker, const std::vector<std::string>& held,
                              int most) {
    std::vector<int64_t> checkpoints;
    for (int i = 0; i < most; ++i) {
      const int64_t checkpoint = board_.Choose(worker, held);
      if (checkpoint == LeaseBoard::kNone) break;
      board_.Granted(worker, checkpoint, 1, false);
      checkpoints.push_back(checkpoint);
    }
    return checkpoints;
  }
  LeaseMemory memory_;
  LeaseBoard board_{memory_};
};

TEST_F(LeaseChoice, StaysWithWhatIsLoaded) {
  Queue({10, 20, 30});
  board_.AddLeases("other", 2, 1);
  EXPECT_THAT(Grants("w", {"d2", "d1"}, 2), ElementsAre(2, 2));
}

TEST_F(LeaseChoice, BeginsWithAMiddlingOneAndThenTakesTheLargest) {
  Queue({10, 20, 30, 40, 50});
  EXPECT_THAT(Grants("w", {}, 2), ElementsAre(3, 3));
  EXPECT_THAT(Grants("x", {"gone"}, 1), ElementsAre(5));
  EXPECT_THAT(Grants("y", {"gone"}, 1), ElementsAre(4));
}

TEST_F(LeaseChoice, PrefersFilesThatAreHere) {
  Queue({10, 20, 30, 40, 50});
  EXPECT_THAT(Grants("w", {"gone", "d2"}, 1), ElementsAre(2));
}

TEST_F(LeaseChoice, OlderSweepsFirst) {
  Queue({10, 50});
  memory_.facts[2].sweep = 2;
  board_.AddLeases("other", 9, 1);  // two workers: neither is so large that the other would wait
  EXPECT_THAT(Grants("w", {"gone"}, 1), ElementsAre(1));
}

TEST_F(LeaseChoice, TellsWhatComesNextAndKeepsItForThatWorker) {
  Queue({30, 30, 30, 30}, 4);
  board_.AddLeases("a", 1, 1);
  board_.AddLeases("b", 2, 1);
  EXPECT_EQ(board_.Promise("a", 1, {"d1"}), 3);
  EXPECT_EQ(board_.Promise("b", 2, {"d2"}), 4);
  EXPECT_EQ(board_.Promise("a", 1, {"d1"}), 3);
  board_.Granted("b", 2, 4, true);
  EXPECT_THAT(Grants("b", {"d2"}, 1), ElementsAre(4));
}

TEST_F(LeaseChoice, TellsNothingWhileThereIsMoreToDo) {
  Queue({30, 30});
  board_.AddLeases("a", 1, 1);
  EXPECT_EQ(board_.Promise("a", 1, {"d1"}), LeaseBoard::kNone);
}

TEST_F(LeaseChoice, SharesOnlyWhatHasJobsForAll) {
  Queue({10, 20}, 7);
  board_.AddLeases("a", 1, 1);
  board_.AddLeases("b", 2, 1);
  EXPECT_THAT(Grants("w", {"gone"}, 1), ElementsAre());
  LeaseBoard more(memory_);
  more.Add(1, 8);
  more.Add(2, 8);
  more.AddLeases("a", 1, 1);
  more.AddLeases("b", 2, 1);
  EXPECT_EQ(more.Choose("w", {"gone"}), 2);
}

TEST_F(LeaseChoice, JoinsAtOnceWhatAllOthersWouldWaitFor) {
  Queue({10, 1000, 10});
  board_.AddLeases("a", 2, 1);
  board_.AddLeases("b", 1, 1);
  EXPECT_THAT(Grants("w", {"gone"}, 1), ElementsAre(2));
}

TEST_F(LeaseChoice, TheLastJobsOfASharedOneAreSpread) {
  Queue({10}, 1);
  board_.AddLeases("a", 1, 1);
  board_.AddLeases("b", 1, 1);
  EXPECT_THAT(Grants("a", {"d1"}, 1), ElementsAre());  // b, or a when its lease has ended
}

TEST_F(LeaseChoice, ForgetsWhatHasEnded) {
  Queue({10, 20});
  memory_.facts[3] = {1, "d3", 30, 30};
  memory_.promised = {{"a", 2}, {"b", 3}, {"dead", 2}, {"asks", 1}};
  board_.AddLeases("a", 1, 1);
  board_.Forget({"asks", "b"});
  EXPECT_EQ(memory_.facts.size(), 2U);
  EXPECT_THAT(memory_.promised, ElementsAre(testing::Pair("a", 2), testing::Pair("asks", 1)));
}

// A second worker had nothing to do until the first was through with all that it was promised.
TEST_F(LeaseChoice, NobodyIsIdleForAPromiseToAnother) {
  Queue({30, 30}, 4);
  EXPECT_THAT(Grants("a", {}, 1), ElementsAre(2));
  EXPECT_EQ(board_.Promise("a", 2, {"d2"}), 1);
  EXPECT_THAT(Grants("b", {}, 2), ElementsAre(1, 1));
  EXPECT_THAT(Grants("c", {}, 1), ElementsAre()) << "none is untouched, and joining does not pay";
}

TEST(JobPlan, JobsOfLargeCheckpointsAreShorter) {
  EXPECT_EQ(SequencesPerJob(24'000'000'000, 2048), 4);
  EXPECT_EQ(SequencesPerJob(14'000'000'000, 2048), 6);
  EXPECT_EQ(SequencesPerJob(24'000'000'000, 256), 16);
  EXPECT_EQ(SequencesPerJob(0, 256), 16);
  EXPECT_EQ(SequencesPerJob(1'000'000'000'000, 1'000'000), 4);
}

v1::CreateSweepRequest GoodRequest() {
  v1::CreateSweepRequest request;
  request.set_request_id("r");
  request.add_models("m");
  request.add_revisions("step0");
  request.set_corpus("c");
  return request;
}

TEST(SweepPlan, RemovesDuplicatesInOrder) {
  v1::CreateSweepRequest request = GoodRequest();
  for (const char* revision : {"b", "step0", "a", "b"}) request.add_revisions(revision);
  auto plan = PlanSweep(request, {"d", "c", 10, 100, true, {}});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->revisions, ElementsAre("step0", "b", "a"));
  EXPECT_EQ(plan->sequences, 10);
  EXPECT_EQ(plan->sequences_per_job, 0);  // each checkpoint's own
}

TEST(SweepPlan, NamesTheFieldThatIsWrong) {
  const StoredCorpus corpus{"d", "c", 10, 100, true, {}};
  auto reason = [&](auto change, const char* field) {
    v1::CreateSweepRequest request = GoodRequest();
    change(request);
    const absl::Status status = PlanSweep(request, corpus).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field;
    EXPECT_THAT(std::string(status.message()), HasSubstr(field));
  };
  reason([](auto& r) { r.clear_request_id(); }, "request_id");
  reason([](auto& r) { r.clear_models(); }, "models");
  reason([](auto& r) { r.clear_revisions(); }, "revisions");
  reason([](auto& r) { r.add_models(""); }, "models");
  reason([](auto& r) { r.add_revisions(std::string(2000, 'x')); }, "revisions");
  reason([](auto& r) { r.add_models("a\nb"); }, "models");
  reason([](auto& r) { r.set_sequences(11); }, "sequences");
  reason([](auto& r) { r.set_sequences(-1); }, "sequences");
  reason([](auto& r) { r.set_sequences_per_job(-1); }, "sequences_per_job");
  reason([](auto& r) { r.mutable_spec()->set_json("{\"tokenz\":1}"); }, "tokenz");
  reason([](auto& r) { r.mutable_spec()->set_json("{"); }, "JSON");
  EXPECT_EQ(ErrorReason(PlanSweep(GoodRequest(), {"d", "c", 0, 0, true, {}}).status()),
            "CORPUS_EMPTY");
}

TEST(CorpusFile, TakesTextAndTokens) {
  auto contents = ParseCorpus("{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\"b\",\"tokens\":[1,2]}");
  ASSERT_TRUE(contents.ok()) << contents.status();
  EXPECT_THAT(contents->ids, ElementsAre("a", "b"));
  EXPECT_FALSE(contents->tokenized);
}

TEST(CorpusFile, NamesTheFirstFaultyLine) {
  const std::string good = "{\"id\":\"a\",\"text\":\"x\"}\n";
  const std::string faults[] = {
      "",
      "{",
      "[]",
      "7",
      "{\"id\":\"b\"}",
      "{\"id\":\"a\",\"text\":\"again\"}",
      "{\"id\":\"\",\"text\":\"x\"}",
      "{\"id\":7,\"text\":\"x\"}",
      "{\"id\":\"b\",\"text\":7}",
      "{\"id\":\"b\",\"text\":\"x\",\"tokens\":[1]}",
      "{\"id\":\"b\",\"tokens\":[]}",
      "{\"id\":\"b\",\"tokens\":[-1]}",
      "{\"id\":\"b\",\"tokens\":[2147483648]}",
      "{\"id\":\"b\",\"tokens\":[1.5]}",
      "{\"id\":\"b\",\"tokens\":[\"1\"]}",
      "{\"id\":\"b\",\"text\":\"\xff\xfe\"}",
      "{\"id\":\"b\",\"text\":\"x\",\"more\":1}",
      "{\"id\":\"" + std::string(300, 'x') + "\",\"text\":\"x\"}",
      std::string(1 << 20, '['),
      "{\"id\":\"b\",\"text\":\"x\"} trailing",
      std::string("{\"id\":\"b\",\"text\":\"x\"}\0", 22),
  };
  for (const std::string& fault : faults) {
    auto contents = ParseCorpus(good + fault + "\n" + good);
    ASSERT_FALSE(contents.ok()) << fault.substr(0, 80);
    EXPECT_EQ(ErrorReason(contents.status()), "CORPUS_INVALID");
    EXPECT_THAT(std::string(contents.status().message()), HasSubstr("line 2:"))
        << fault.substr(0, 80);
  }
  EXPECT_EQ(ErrorReason(ParseCorpus("").status()), "CORPUS_EMPTY");
}

class RecordCheck : public testing::Test {
 protected:
  RecordCheck() {
    lease_.key = {"job", 1};
    lease_.first_sequence = 4;
    lease_.sequences = 3;
    v1::Lease lease;
    lease.set_first_sequence(4);
    lease.set_sequences(3);
    message_ = SuccessOf(lease, records_);
  }
  absl::Status Check() {
    return CheckResult(message_, lease_, TestColumns(), records_, Sha256Of(records_)).status();
  }
  GrantedLease lease_;
  v1::JobSucceeded message_;
  std::string records_;
};

TEST_F(RecordCheck, TakesWhatFits) {
  EXPECT_TRUE(Check().ok()) << Check();
  // A sequence may be skipped; then its records are not there.
  message_.mutable_measured()->RemoveLast();
  message_.add_skipped()->set_sequence(6);
  records_.resize(records_.size() / 3 * 2);
  message_.set_record_bytes(static_cast<int64_t>(records_.size()));
  message_.set_record_digest(Sha256Of(records_));
  EXPECT_TRUE(Check().ok()) << Check();
}

TEST_F(RecordCheck, RefusesWhatDoesNot) {
  const v1::JobSucceeded good = message_;
  auto refuses = [&](auto change) {
    message_ = good;
    change(message_);
    EXPECT_EQ(ErrorReason(Check()), "RECORDS_INVALID") << message_.ShortDebugString();
  };
  refuses([](auto& m) { m.set_columns(m.columns() + 1); });
  refuses([](auto& m) { m.set_layers(m.layers() + 1); });
  refuses([](auto& m) { m.set_layers(-1); });
  refuses([](auto& m) { m.set_heads(0); });
  refuses([](auto& m) { m.set_heads(2000000000); });
  refuses([](auto& m) { m.set_record_bytes(m.record_bytes() - 4); });
  refuses([](auto& m) { m.set_record_digest("other"); });
  refuses([](auto& m) { m.mutable_measured()->RemoveLast(); });
  refuses([](auto& m) { m.mutable_measured(1)->set_sequence(4); });
  refuses([](auto& m) { m.mutable_measured(1)->set_sequence(99); });
  refuses([](auto& m) { m.mutable_measured(1)->set_sequence(-9223372036854775807); });
  refuses([](auto& m) { m.mutable_measured()->SwapElements(0, 1); });
  refuses([](auto& m) { m.add_skipped()->set_sequence(4); });
  refuses([](auto& m) { m.set_device(std::string(5000, 'x')); });
}

}  // namespace
}  // namespace ondelette::server
