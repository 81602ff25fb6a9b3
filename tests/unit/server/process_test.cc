// The real program: killed in the middle of commits, asked to leave, started twice.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "tests/unit/server/support.h"

extern char** environ;

namespace ondelette::server {
namespace {

using testing::HasSubstr;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// ondelette-server as a child, on ports of its own.
class ServerProcess {
 public:
  ServerProcess(const TempFolder& folder, std::vector<std::string> flags = {})
      : port_file_(folder.File("ports")), log_(folder.File("log")) {
    unlink(port_file_.c_str());
    std::vector<std::string> command = {std::string(ONDELETTE_BIN_DIR) + "/ondelette-server",
                                        "--store",
                                        folder.File("store.db"),
                                        "--listen",
                                        "127.0.0.1:0",
                                        "--metrics-listen",
                                        "127.0.0.1:0",
                                        "--port-file",
                                        port_file_};
    command.insert(command.end(), flags.begin(), flags.end());
    std::vector<char*> arguments;
    for (std::string& part : command) arguments.push_back(part.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, log_.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                     0644);
    EXPECT_EQ(posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  ~ServerProcess() {
    if (pid_ != 0) Kill(SIGKILL);
  }

  // Its address; empty where it ended instead.
  std::string Address(int line = 0) {
    for (int i = 0; i < 3000; ++i) {
      std::ifstream file(port_file_);
      std::string text;
      for (int at = 0; at <= line; ++at) std::getline(file, text);
      if (!text.empty()) return text;
      int status = 0;
      if (waitpid(pid_, &status, WNOHANG) == pid_) {
        exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        pid_ = 0;
        return "";
      }
      absl::SleepFor(absl::Milliseconds(10));
    }
    return "";
  }
  // Sends the signal; the exit status, or -1 where the signal ended it.
  int Kill(int signal) {
    kill(pid_, signal);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  int exit() const { return exit_; }
  std::string log() const { return ReadFile(log_); }

 private:
  std::string port_file_;
  std::string log_;
  pid_t pid_ = 0;
  int exit_ = -2;
};

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  return grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
}

// Commits jobs until the coordinator dies under it; answers the keys of those acknowledged.
std::vector<std::string> CommitUntilCut(const std::string& address, std::atomic<int>& acknowledged,
                                        const std::string& id = "w") {
  std::vector<std::string> keys;
  auto stub = v1::WorkService::NewStub(Connect(address));
  grpc::ClientContext context;
  auto stream = stub->Work(&context);
  v1::WorkerMessage message;
  message.mutable_hello()->set_worker_id(id);
  stream->Write(message);
  v1::CoordinatorMessage in;
  while (stream->Read(&in)) {
    v1::WorkerMessage out;
    if (in.has_welcome() || in.has_acknowledgement()) {
      if (in.acknowledgement().committed()) {
        ++acknowledged;
        keys.push_back(in.acknowledgement().lease().job());
      }
      out.mutable_work_request()->set_leases(1);
    } else if (in.has_task() && in.task().has_resolve()) {
      out.mutable_task_result()->set_id(in.task().id());
      out.mutable_task_result()->mutable_resolved()->set_digest("digest-" +
                                                                in.task().resolve().revision());
    } else if (in.has_lease()) {
      std::string records;
      *out.mutable_job_succeeded() = SuccessOf(in.lease(), records);
      v1::WorkerMessage piece;
      *piece.mutable_record_block()->mutable_lease() = in.lease().id();
      piece.mutable_record_block()->set_data(records);
      stream->Write(piece);
    } else {
      continue;
    }
    if (!stream->Write(out)) break;
  }
  context.TryCancel();
  stream->Finish();
  return keys;
}

TEST(Process, NothingAcknowledgedIsLostWhenItIsKilled) {
  TempFolder folder;
  {
    auto store = OpenSqliteStore({folder.File("store.db")});
    ASSERT_TRUE(store.ok());
    AddCorpus(**store, 200);
    ASSERT_TRUE(
        (*store)
            ->CreateSweep(MakeSweep(**store, "s", {"a", "b", "c", "d", "e"}, 1), absl::Now())
            .ok());
  }
  std::mt19937 random(7);
  std::atomic<int> acknowledged = 0;
  for (int round = 0; round < 8; ++round) {
    ServerProcess server(folder);
    const std::string address = server.Address();
    ASSERT_FALSE(address.empty()) << server.log();
    std::thread killer([&, before = acknowledged.load()] {
      // Every other round only once work goes on, however slow the machine is.
      const absl::Time patience = absl::Now() + absl::Seconds(20);
      while (round % 2 == 1 && acknowledged == before && absl::Now() < patience) {
        absl::SleepFor(absl::Milliseconds(1));
      }
      absl::SleepFor(absl::Milliseconds(random() % 200));
      server.Kill(SIGKILL);
    });
    CommitUntilCut(address, acknowledged);
    killer.join();
    auto store = OpenSqliteStore({folder.File("store.db")});
    ASSERT_TRUE(store.ok()) << store.status();
    const StoredSweep sweep = *(*store)->FindSweep("s");
    ExpectCountsAddUp(**store, sweep.id);
    // An acknowledgement may be lost on its way; a commit may not.
    EXPECT_GE(sweep.jobs.succeeded, acknowledged);
    EXPECT_LE(sweep.jobs.succeeded, acknowledged + round + 1);
    int64_t records = 0;
    const auto checkpoints = (*store)->Checkpoints(sweep.id);
    for (const StoredCheckpoint& checkpoint : *checkpoints)
      records += static_cast<int64_t>((*store)->Records(checkpoint.id, 0, 1 << 30)->size());
    EXPECT_EQ(records, sweep.jobs.succeeded) << "one sequence a job";
  }
  EXPECT_GT(acknowledged, 0);
}

// Many workers share transactions: a kill between one's commit and its acknowledgements must lose
// none of them, and commit none twice.
TEST(Process, NothingAcknowledgedToManyIsLostWhenItIsKilled) {
  constexpr int kWorkers = 24;
  TempFolder folder;
  {
    auto store = OpenSqliteStore({folder.File("store.db")});
    ASSERT_TRUE(store.ok());
    AddCorpus(**store, 2000);
    ASSERT_TRUE(
        (*store)
            ->CreateSweep(MakeSweep(**store, "s", {"a", "b", "c", "d", "e"}, 1), absl::Now())
            .ok());
  }
  std::mt19937 random(11);
  std::atomic<int> acknowledged = 0;
  std::multiset<std::string> keys;
  for (int round = 0; round < 5; ++round) {
    ServerProcess server(folder);
    const std::string address = server.Address();
    ASSERT_FALSE(address.empty()) << server.log();
    const int before = acknowledged;
    std::mutex mutex;
    std::vector<std::thread> workers;
    for (int i = 0; i < kWorkers; ++i) {
      workers.emplace_back([&, i] {
        const auto mine = CommitUntilCut(address, acknowledged, "w" + std::to_string(i));
        std::lock_guard lock(mutex);
        keys.insert(mine.begin(), mine.end());
      });
    }
    const absl::Time patience = absl::Now() + absl::Seconds(20);
    while (acknowledged < before + 3 * kWorkers && absl::Now() < patience)
      absl::SleepFor(absl::Milliseconds(1));
    absl::SleepFor(absl::Microseconds(random() % 50000));
    server.Kill(SIGKILL);
    for (std::thread& worker : workers) worker.join();

    auto store = OpenSqliteStore({folder.File("store.db")});
    ASSERT_TRUE(store.ok()) << store.status();
    const StoredSweep sweep = *(*store)->FindSweep("s");
    ExpectCountsAddUp(**store, sweep.id);
    std::set<std::string> succeeded;
    std::string token;
    do {
      auto page = (*store)->ListJobs(sweep.id, v1::JOB_STATE_SUCCEEDED, 1000, token);
      ASSERT_TRUE(page.ok()) << page.status();
      for (const StoredJob& job : page->items) succeeded.insert(job.key);
      token = page->next;
    } while (!token.empty());
    EXPECT_EQ(static_cast<int64_t>(succeeded.size()), sweep.jobs.succeeded);
    for (const std::string& key : keys) {
      EXPECT_EQ(keys.count(key), 1U) << "acknowledged twice: " << key;
      EXPECT_EQ(succeeded.count(key), 1U) << "acknowledged and lost: " << key;
    }
    int64_t records = 0;
    const auto checkpoints = (*store)->Checkpoints(sweep.id);
    for (const StoredCheckpoint& checkpoint : *checkpoints)
      records += static_cast<int64_t>((*store)->Records(checkpoint.id, 0, 1 << 30)->size());
    EXPECT_EQ(records, sweep.jobs.succeeded) << "one sequence a job";
  }
  EXPECT_GE(acknowledged, 5 * 3 * kWorkers);
}

TEST(Process, LeavesOnSigterm) {
  TempFolder folder;
  ServerProcess server(folder);
  ASSERT_FALSE(server.Address().empty()) << server.log();
  const absl::Time start = absl::Now();
  EXPECT_EQ(server.Kill(SIGTERM), 0);
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  EXPECT_NE(access(folder.File("ports").c_str(), F_OK), 0);
}

TEST(Process, ASecondOneOnTheSameStoreIsRefused) {
  TempFolder folder;
  ServerProcess first(folder);
  ASSERT_FALSE(first.Address().empty()) << first.log();
  ServerProcess second(folder);
  EXPECT_EQ(second.Address(), "");
  EXPECT_EQ(second.exit(), 1);
  EXPECT_THAT(second.log(), HasSubstr("is in use by the coordinator with process id"));
}

TEST(Process, FaultyFlagsAreNamed) {
  TempFolder folder;
  ServerProcess server(folder, {"--lease-seconds", "never"});
  EXPECT_EQ(server.Address(), "");
  EXPECT_EQ(server.exit(), 2);
  EXPECT_THAT(server.log(), HasSubstr("--lease-seconds"));
}

TEST(Process, MetricsPassPromtool) {
  TempFolder folder;
  ServerProcess server(folder);
  const std::string address = server.Address(1);
  ASSERT_FALSE(address.empty()) << server.log();
  if (std::system("command -v promtool curl > /dev/null") != 0) GTEST_SKIP() << "no promtool, curl";
  const std::string metrics = folder.File("metrics");
  ASSERT_EQ(std::system(("curl -sf http://" + address + "/metrics > " + metrics).c_str()), 0);
  EXPECT_EQ(std::system(("promtool check metrics < " + metrics).c_str()), 0);
  for (const char* name : {"ondelette_jobs{state=\"queued\"}", "ondelette_job_commits_total",
                           "ondelette_job_failures_total{error_class=",
                           "ondelette_leases_expired_total", "ondelette_workers_connected",
                           "ondelette_records_committed_total", "ondelette_commit_seconds_bucket",
                           "ondelette_lease_seconds_bucket", "ondelette_build_info"}) {
    EXPECT_THAT(ReadFile(metrics), HasSubstr(name));
  }
}

}  // namespace
}  // namespace ondelette::server
