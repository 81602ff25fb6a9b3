// What the coordinator's tests share: stores in fresh folders, sweeps, results, and a worker that
// does what its test tells it over the real stream.
#ifndef ONDELETTE_TESTS_UNIT_SERVER_SUPPORT_H_
#define ONDELETTE_TESTS_UNIT_SERVER_SUPPORT_H_

#include <grpcpp/channel.h>

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "ondelette/v1/corpus.grpc.pb.h"
#include "ondelette/v1/sweep.grpc.pb.h"
#include "ondelette/v1/work.grpc.pb.h"
#include "server/coordinator.h"
#include "server/store/sqlite_store.h"
#include "server/store/store.h"

namespace ondelette::server {

// A fresh folder, removed at the end.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline constexpr int kLayers = 2;
inline constexpr int kHeads = 3;

// Of the default spec.
int TestColumns();

// {"id":"s0","tokens":[0]}, ...
std::string CorpusText(int sequences);

// A corpus of that many sequences under the name "corpus".
void AddCorpus(Store& store, int sequences, const std::string& name = "corpus");

// A valid sweep over that corpus; the request id is its name.
NewSweep MakeSweep(Store& store, const std::string& name, std::vector<std::string> revisions,
                   int64_t per_job = 2);

Resolution ResolutionOf(const std::string& digest);

// What a worker would measure: numbers that follow from the lease alone.
JobResult ResultOf(const GrantedLease& lease);

// The same as the messages of a worker.
v1::JobSucceeded SuccessOf(const v1::Lease& lease, std::string& records);

v1::Error MakeTestError(v1::ErrorClass error_class, const std::string& message = "broken");

// queued + leased + succeeded + failed + cancelled = total, of the sweep and of its checkpoints
// together.
void ExpectCountsAddUp(Store& store, const std::string& sweep_id);

// A worker on a real stream. Calls block; Next fails the test after ten seconds.
class ScriptedWorker {
 public:
  ScriptedWorker(const std::shared_ptr<grpc::Channel>& channel, std::string id);
  ~ScriptedWorker();

  // Says Hello and takes the Welcome.
  v1::Welcome Hello(const std::vector<v1::LeaseId>& leases = {});
  bool Send(const v1::WorkerMessage& message) { return stream_->Write(message); }
  // `loaded`: the digest of the checkpoint it has loaded.
  void Ask(int leases, const std::string& loaded = "");
  // The next message that is no task; tasks are answered on the way: checkpoint MODEL@REVISION has
  // the digest "digest-REVISION", a revision that begins with "missing" is NOT_FOUND.
  v1::CoordinatorMessage Next();
  v1::Lease NextLease();
  // The records of the lease and JobSucceeded.
  void SendResult(const v1::Lease& lease);
  // As Next, but false where the stream ended.
  bool Read(v1::CoordinatorMessage& message);
  v1::Acknowledgement Succeed(const v1::Lease& lease);
  void Fail(const v1::Lease& lease, const v1::Error& error);
  void Heartbeat(const std::vector<v1::LeaseId>& leases = {});
  // The status with which the coordinator ended the stream; reads what was still coming.
  grpc::Status End();
  // Cuts the stream as a dying process does.
  void Cut();

  // What tasks of controls are answered with, one after another; then with controls.
  std::deque<v1::Error> controls_errors;
  std::atomic<int> controls_answered = 0;

 private:
  void Answer(const v1::Task& task);

  std::unique_ptr<v1::WorkService::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::WorkerMessage, v1::CoordinatorMessage>> stream_;
  std::string id_;
  bool ended_ = false;
};

// A coordinator on loopback with its clients.
class TestCoordinator {
 public:
  explicit TestCoordinator(const std::string& store, absl::Duration lease_time = absl::Seconds(30),
                           int64_t store_max_bytes = 0,
                           absl::Duration stall_time = absl::Seconds(60));

  std::shared_ptr<grpc::Channel> channel() const { return channel_; }
  v1::SweepService::Stub& sweeps() { return *sweeps_; }
  v1::CorpusService::Stub& corpora() { return *corpora_; }
  Coordinator& coordinator() { return *coordinator_; }

  grpc::Status Upload(const std::string& name, const std::string& bytes, v1::Corpus& corpus);
  // A sweep of one model over "corpus".
  grpc::Status Create(const std::string& request_id, const std::vector<std::string>& revisions,
                      int per_job, v1::Sweep& sweep);
  v1::Sweep Get(const std::string& sweep);
  // Waits until the sweep has ended.
  v1::Sweep Ended(const std::string& sweep);

 private:
  std::unique_ptr<Coordinator> coordinator_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::SweepService::Stub> sweeps_;
  std::unique_ptr<v1::CorpusService::Stub> corpora_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_TESTS_UNIT_SERVER_SUPPORT_H_
