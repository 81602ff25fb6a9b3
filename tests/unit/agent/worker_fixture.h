// What the agent's tests share: a model folder, a corpus, leases, and the work loop around them.
#ifndef ONDELETTE_TESTS_UNIT_AGENT_WORKER_FIXTURE_H_
#define ONDELETTE_TESTS_UNIT_AGENT_WORKER_FIXTURE_H_

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/spec/spec.h"
#include "tests/unit/agent/scripted_coordinator.h"
#include "worker/agent/work_loop.h"
#include "worker/hub/digest_cache.h"
#include "worker/hub/local_folders.h"

namespace ondelette::agent {

// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string path = testing::TempDir() + "/agent.XXXXXX";
    path_ = mkdtemp(path.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline void WriteFile(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

// Sequences of token ids; sequence i begins with the token 100 + i and has `length` of them.
inline std::string TokenCorpus(int sequences, int length) {
  std::string text;
  for (int i = 0; i < sequences; ++i) {
    absl::StrAppend(&text, "{\"id\": \"s", i, "\", \"tokens\": [", 100 + i);
    for (int t = 1; t < length; ++t) absl::StrAppend(&text, ", ", t);
    absl::StrAppend(&text, "]}\n");
  }
  return text;
}

// A work loop in this process, against a scripted coordinator and the engine that misbehaves.
class WorkerFixture : public testing::Test {
 protected:
  WorkerFixture() {
    signal(SIGPIPE, SIG_IGN);
    for (const char* revision : {"step0", "step1"}) {
      WriteFile(folder_ / absl::StrCat("models/m/", revision, "/config.json"), "{}");
      WriteFile(folder_ / absl::StrCat("models/m/", revision, "/model.safetensors"), revision);
    }
    engine_options_.program = ONDELETTE_TEST_ENGINE;
    engine_options_.device = "well";
    engine_options_.silence = absl::Seconds(20);
    engine_options_.first_back_off = absl::Milliseconds(20);
    options_.worker_id = "worker-1";
    options_.name = "test worker";
    options_.version = "1.2.3";
    options_.revoked_time = absl::Milliseconds(100);
    options_.longest_back_off = absl::Milliseconds(200);
    corpus_ = coordinator_.AddCorpus(TokenCorpus(8, 112));
    digests_ = std::make_unique<DigestCache>(folder_ / "cache");
    source_ = std::make_unique<LocalFolders>(folder_ / "models", digests_.get());
  }
  ~WorkerFixture() override { StopWorker(); }

  // Models come from the fixture's folder, or from `source`, which outlives the worker.
  void StartWorker(const std::string& device = "well", ModelSource* source = nullptr) {
    engine_options_.device = device;
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
    std::shared_ptr<grpc::Channel> channel = grpc::CreateCustomChannel(
        coordinator_.address(), grpc::InsecureChannelCredentials(), arguments);
    engine_ = std::make_unique<Engine>(engine_options_, &telemetry_);
    shelf_ = std::make_unique<CheckpointShelf>(source == nullptr ? source_.get() : source,
                                               digests_.get());
    preparer_ = std::make_unique<JobPreparer>(shelf_.get(),
                                              CorpusCache(folder_ / "cache/corpora", channel));
    loop_ = std::make_unique<WorkLoop>(
        options_, channel,
        WorkLoop::Parts{engine_.get(), shelf_.get(), preparer_.get(), &telemetry_});
    thread_ = std::thread([this] { result_ = loop_->Run(); });
  }

  // Waits for the end of Run.
  absl::Status JoinWorker() {
    if (thread_.joinable()) thread_.join();
    loop_.reset();
    return result_;
  }

  void StopWorker() {
    if (!thread_.joinable()) return;
    coordinator_.Stop();  // so that it does not wait for acknowledgements
    loop_->Drain();
    loop_->Drain();
    JoinWorker().IgnoreError();
    coordinator_.Start();
  }

  // The next stream, after its Hello and our Welcome.
  std::shared_ptr<Session> Greet(const std::vector<v1::LeaseId>& kept = {}) {
    std::shared_ptr<Session> session = coordinator_.NextSession();
    if (session == nullptr) {
      ADD_FAILURE() << "no stream was opened";
      return std::make_shared<Session>();
    }
    std::optional<v1::WorkerMessage> hello = session->Take(Session::Kind::kHello);
    EXPECT_TRUE(hello.has_value());
    if (hello.has_value()) hello_ = hello->hello();
    session->Welcome(kept);
    return session;
  }

  // Waits until a heartbeat says that the worker has the lease and has done so many sequences.
  static void WaitForProgress(Session& session, const std::string& job, int64_t sequences = 0) {
    while (auto heartbeat = session.Take(Session::Kind::kHeartbeat)) {
      for (const v1::LeaseProgress& lease : heartbeat->heartbeat().leases()) {
        if (lease.lease().job() == job && lease.sequences_done() >= sequences) return;
      }
    }
    ADD_FAILURE() << "no heartbeat lists " << job;
  }

  std::string DigestOf(const std::string& revision) {
    absl::StatusOr<ResolvedCheckpoint> checkpoint = source_->Resolve("m", revision);
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
    return checkpoint.ok() ? checkpoint->digest : "";
  }

  v1::CoordinatorMessage LeaseOf(const std::string& job, int first = 0, int count = 4,
                                 uint64_t epoch = 1, const std::string& revision = "step0") {
    v1::CoordinatorMessage message;
    v1::Lease* lease = message.mutable_lease();
    lease->mutable_id()->set_job(job);
    lease->mutable_id()->set_epoch(epoch);
    lease->set_model("m");
    lease->set_revision(revision);
    lease->set_checkpoint_digest(DigestOf(revision));
    lease->set_corpus_digest(corpus_);
    lease->set_first_sequence(first);
    lease->set_sequences(count);
    lease->set_spec_json(SpecToJson(*PresetSpec("paper-table5")));
    return message;
  }

  TemporaryFolder folder_;
  ScriptedCoordinator coordinator_;
  std::string corpus_;
  EngineOptions engine_options_;
  WorkLoopOptions options_;
  Telemetry telemetry_;
  std::unique_ptr<DigestCache> digests_;
  std::unique_ptr<LocalFolders> source_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<CheckpointShelf> shelf_;
  std::unique_ptr<JobPreparer> preparer_;
  std::unique_ptr<WorkLoop> loop_;
  v1::Hello hello_;
  absl::Status result_;
  std::thread thread_;
};

inline v1::LeaseId IdOf(const v1::CoordinatorMessage& lease) { return lease.lease().id(); }

}  // namespace ondelette::agent

#endif  // ONDELETTE_TESTS_UNIT_AGENT_WORKER_FIXTURE_H_
