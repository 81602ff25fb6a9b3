// The supervisor against an engine that does everything wrong.
#include "worker/agent/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "absl/time/clock.h"
#include "common/errors/errors.h"
#include "common/spec/spec.h"
#include "worker/agent/job.h"
#include "worker/agent/oom_kills.h"

namespace ondelette::agent {
namespace {

using testing::HasSubstr;

class EngineTest : public testing::Test {
 protected:
  EngineTest() { signal(SIGPIPE, SIG_IGN); }

  static EngineOptions Behaving(const std::string& behaviour) {
    EngineOptions options;
    options.program = ONDELETTE_TEST_ENGINE;
    options.device = behaviour;
    options.silence = absl::Seconds(20);
    options.first_back_off = absl::Milliseconds(50);
    return options;
  }

  static absl::StatusOr<double> Analyze(Engine& engine, size_t payload_bytes = 8) {
    absl::StatusOr<LoadedModel> loaded = engine.Load("digest", "/models/one", Spec());
    if (!loaded.ok()) return loaded.status();
    const nlohmann::json header = {
        {"type", "analyze"},
        {"job", "j"},
        {"spec", nlohmann::json::parse(SpecToJson(*PresetSpec("paper-table5")))},
        {"sequences", {{{"sequence", 4}, {"tokens", payload_bytes / 4}}}}};
    return engine.Analyze(header, std::string(payload_bytes, 'x'),
                          [](const Frame&) { return absl::OkStatus(); });
  }

  // Runs one analysis that ends with the reason; the engine then works again.
  void ExpectDeath(const std::string& behaviour, const std::string& reason,
                   const std::string& message) {
    Engine engine(Behaving(behaviour), &telemetry_);
    absl::StatusOr<double> seconds = Analyze(engine);
    EXPECT_TRUE(IsEngineDeath(seconds.status())) << seconds.status();
    EXPECT_EQ(ErrorReason(seconds.status()), reason);
    EXPECT_THAT(std::string(seconds.status().message()), HasSubstr(message));
    EXPECT_EQ(engine.loaded(), "");
    EXPECT_TRUE(engine.EnsureRunning().ok()) << "not started again";
    EXPECT_TRUE(engine.Load("digest", "/models/one", Spec()).ok());
  }

  Telemetry telemetry_;
};

TEST_F(EngineTest, SaysHelloLoadsOnceAndAnalyzes) {
  Engine engine(Behaving("well"), &telemetry_);
  absl::StatusOr<EngineInfo> info = engine.EnsureRunning();
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->version, "9.9");
  EXPECT_EQ(info->device, "test device");
  EXPECT_EQ(info->memory_bytes, 1 << 30);
  testing::internal::CaptureStderr();
  absl::StatusOr<LoadedModel> loaded = engine.Load("digest", "/models/one", Spec());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->layers, 2);
  EXPECT_EQ(loaded->heads, 3);
  EXPECT_GT(loaded->seconds, 0);
  absl::StatusOr<LoadedModel> again = engine.Load("digest", "/models/one", Spec());
  EXPECT_EQ(again->seconds, 0);
  EXPECT_EQ(again->layers, 2);
  ASSERT_TRUE(engine.Load("other", "/models/two", Spec()).ok());
  EXPECT_TRUE(Analyze(engine).ok());
  absl::SleepFor(absl::Milliseconds(100));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(log, "engine: load /models/one\nengine: load /models/two\nengine: load /models/one\n");
}

TEST_F(EngineTest, ACrashIsToldWithItsSignalAndLastWords) {
  ExpectDeath("crash", "ENGINE_CRASHED",
              "signal 6 (Aborted) while handling a frame of type analyze");
  ExpectDeath("crash", "ENGINE_CRASHED", "about to crash");
}

TEST_F(EngineTest, AKillFromOutsideIsNobodysFaultUnlessMemoryRanOut) {
  if (!OomKills().has_value()) GTEST_SKIP() << "this kernel does not count";
  Engine engine(Behaving("killed"), &telemetry_);
  absl::Status status = Analyze(engine).status();
  EXPECT_TRUE(IsEngineKilled(status)) << status;
  EXPECT_FALSE(IsEngineDeath(status));
  EXPECT_EQ(WorkerError(status).error_class(), v1::ERROR_CLASS_INFRASTRUCTURE);
  EXPECT_TRUE(engine.EnsureRunning().ok());
}

TEST(OomKillsTest, ReadsTheKernelsCount) {
  const std::string path = testing::TempDir() + "/vmstat";
  std::ofstream(path) << "pgpgin 12\noom_kill 34\nunevictable 5\n";
  EXPECT_EQ(OomKills(path), 34);
  std::ofstream(path) << "pgpgin 12\n";
  EXPECT_EQ(OomKills(path), std::nullopt);
  EXPECT_EQ(OomKills("/nonexistent"), std::nullopt);
}

TEST_F(EngineTest, AnExitIsToldWithItsStatus) {
  ExpectDeath("exit", "ENGINE_EXITED", "exit status 3");
  ExpectDeath("exit", "ENGINE_EXITED", "out of ideas");
}

TEST_F(EngineTest, NonsenseEndsTheEngine) {
  ExpectDeath("garbage", "ENGINE_GARBLED", "not a frame");
  ExpectDeath("huge-frame", "ENGINE_GARBLED", "not a frame");
  ExpectDeath("end-mid-frame", "ENGINE_GARBLED", "within a frame");
}

TEST_F(EngineTest, AnEngineThatClosesItsPipeAndLivesIsEnded) {
  ExpectDeath("close-output", "ENGINE_GARBLED", "broke its pipe");
}

TEST_F(EngineTest, ALoadOfNothingIsNonsense) {
  Engine engine(Behaving("no-layers"), &telemetry_);
  EXPECT_EQ(ErrorReason(engine.Load("digest", "/models/one", Spec()).status()), "ENGINE_GARBLED");
}

TEST_F(EngineTest, ACrashInALoadIsADeathAndTheNextDeathsWait) {
  Engine engine(Behaving("crash-on-load"), &telemetry_);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ErrorReason(engine.Load("digest", "/models/one", Spec()).status()), "ENGINE_CRASHED");
  }
  const absl::Time start = absl::Now();
  EXPECT_TRUE(engine.EnsureRunning().ok());
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(100));  // 50 ms doubled once
}

TEST_F(EngineTest, SilenceIsAHang) {
  EngineOptions options = Behaving("hang");
  options.silence = absl::Milliseconds(300);
  Engine engine(options, &telemetry_);
  const absl::Time start = absl::Now();
  EXPECT_EQ(ErrorReason(Analyze(engine).status()), "ENGINE_HUNG");
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
}

TEST_F(EngineTest, AnEngineThatReadsNothingIsAHangToo) {
  EngineOptions options = Behaving("deaf");
  options.silence = absl::Milliseconds(300);
  Engine engine(options, &telemetry_);
  ASSERT_TRUE(engine.EnsureRunning().ok());
  const nlohmann::json header = {{"type", "analyze"}};
  // More than a pipe holds: the write blocks until the watchdog ends the engine.
  absl::StatusOr<double> seconds = engine.Analyze(header, std::string(8 << 20, 'x'),
                                                  [](const Frame&) { return absl::OkStatus(); });
  EXPECT_EQ(ErrorReason(seconds.status()), "ENGINE_HUNG") << seconds.status();
}

TEST_F(EngineTest, AFailedFrameKeepsTheEngineUnlessItsStateIsUnknown) {
  Engine engine(Behaving("fail"), &telemetry_);
  absl::Status failed = Analyze(engine).status();
  EXPECT_EQ(ErrorReason(failed), "CHECKPOINT_CORRUPT");
  EXPECT_FALSE(IsEngineDeath(failed));
  EXPECT_EQ(engine.loaded(), "digest");

  Engine lost(Behaving("internal"), &telemetry_);
  EXPECT_EQ(ErrorReason(Analyze(lost).status()), "ENGINE_FAULT");
  EXPECT_EQ(lost.loaded(), "") << "the process was kept";
}

TEST_F(EngineTest, AnEngineThatCannotStartIsUnavailable) {
  Engine dies(Behaving("die-at-start"), &telemetry_);
  absl::Status status = dies.EnsureRunning().status();
  EXPECT_TRUE(IsEngineUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("no such device"));

  EngineOptions silent = Behaving("silent-start");
  silent.start_silence = absl::Milliseconds(200);
  EXPECT_TRUE(IsEngineUnavailable(Engine(silent, &telemetry_).EnsureRunning().status()));

  EngineOptions missing = Behaving("well");
  missing.program = "/nonexistent/ondelette-engine";
  status = Engine(missing, &telemetry_).EnsureRunning().status();
  EXPECT_TRUE(IsEngineUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nonexistent/ondelette-engine"));
}

TEST_F(EngineTest, ADeathBetweenJobsBlamesNoJob) {
  setenv("ONDELETTE_TEST_ONCE", (testing::TempDir() + "/die-idle-once").c_str(), 1);
  unlink((testing::TempDir() + "/die-idle-once").c_str());
  Engine engine(Behaving("die-idle"), &telemetry_);
  ASSERT_TRUE(engine.EnsureRunning().ok());
  absl::SleepFor(absl::Milliseconds(200));
  EXPECT_TRUE(Analyze(engine).ok());
  unsetenv("ONDELETTE_TEST_ONCE");
}

TEST_F(EngineTest, InterruptAndStopEndARequestFromAnotherThread) {
  Engine engine(Behaving("hang"), &telemetry_);
  std::thread interrupter([&engine] {
    absl::SleepFor(absl::Milliseconds(300));
    engine.Interrupt();
  });
  absl::Status status = Analyze(engine).status();
  interrupter.join();
  EXPECT_EQ(ErrorReason(status), "ENGINE_INTERRUPTED");
  EXPECT_FALSE(IsEngineDeath(status));
  EXPECT_TRUE(engine.EnsureRunning().ok());
  engine.Stop();
  EXPECT_EQ(engine.EnsureRunning().status().code(), absl::StatusCode::kCancelled);
}

TEST(EngineProcessTest, DiesWithTheProcessThatStartedIt) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    auto engine = EngineProcess::Start({ONDELETTE_TEST_ENGINE, "serve", "--device", "hang"});
    pid_t child = engine.ok() ? (*engine)->pid() : -1;
    if (write(fds[1], &child, sizeof(child)) < 0) _exit(1);
    while (true) pause();
  }
  pid_t engine = -1;
  ASSERT_EQ(read(fds[0], &engine, sizeof(engine)), static_cast<ssize_t>(sizeof(engine)));
  ASSERT_GT(engine, 0);
  EXPECT_EQ(kill(engine, 0), 0);
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  const absl::Time end = absl::Now() + absl::Seconds(10);
  // Reparented: gone, or a zombie until its new parent reaps it.
  const std::string stat = "/proc/" + std::to_string(engine) + "/stat";
  bool gone = false;
  while (!gone && absl::Now() < end) {
    FILE* file = fopen(stat.c_str(), "r");
    char state = 'X';
    if (file != nullptr) {
      if (fscanf(file, "%*d %*s %c", &state) != 1) state = 'X';
      fclose(file);
    }
    gone = state == 'X' || state == 'Z';
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_TRUE(gone);
  close(fds[0]);
  close(fds[1]);
}

TEST(EngineProcessTest, AFloodOfLogLinesIsCutAndTheLastLinesKept) {
  auto process = EngineProcess::Start(
      {"/bin/sh", "-c",
       "i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done; exit 7"});
  ASSERT_TRUE(process.ok()) << process.status();
  ProcessEnd end = (*process)->Finish(absl::Seconds(20));
  EXPECT_EQ(end.exit_status, 7);
  EXPECT_THAT(end.last_words, HasSubstr("line 1999"));
  EXPECT_LT(end.last_words.size(), 5000U);
}

}  // namespace
}  // namespace ondelette::agent
