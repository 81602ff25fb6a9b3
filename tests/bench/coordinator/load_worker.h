// A worker that speaks the whole protocol and measures nothing: a job "computes" for a while, then
// its records are sent, acknowledged, and another lease is asked for.
#ifndef ONDELETTE_TESTS_BENCH_COORDINATOR_LOAD_WORKER_H_
#define ONDELETTE_TESTS_BENCH_COORDINATOR_LOAD_WORKER_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>

#include "ondelette/v1/work.grpc.pb.h"
#include "tests/bench/coordinator/latencies.h"
#include "tests/bench/coordinator/timer.h"

namespace ondelette::bench {

// What all workers of a run share. The members that are not atomic are set before the first worker.
struct Load {
  int layers = 0;
  int heads = 0;
  int columns = 0;
  int broken_column = 0;       // the one that counts non-finite rows
  int depth = 2;               // leases at a time: one computes, the next waits, as a worker does
  double compute_seconds = 0;  // of a job; each takes between half and one and a half of it

  std::unique_ptr<Timer> timer = std::make_unique<Timer>();  // gone before the workers are
  Latencies lease;                                           // from asking to having
  Latencies commit;  // from the last byte to the acknowledgement
  std::atomic<int64_t> committed = 0;
  std::atomic<int64_t> refused = 0;
  std::atomic<int64_t> welcomed = 0;
  std::atomic<int64_t> ended = 0;
  std::atomic<int64_t> broken = 0;  // streams that ended with an error
  std::atomic<bool> draining = false;

  // The records of a job of so many sequences, and their digest; made once.
  struct Records {
    std::string bytes;
    std::string digest;
  };
  const Records& RecordsOf(int64_t sequences);

  std::mutex mutex;  // guards the next
  std::map<int64_t, Records> records;
};

// Thread-safe. It lives until its stream has ended: Done() then.
class LoadWorker : public grpc::ClientBidiReactor<v1::WorkerMessage, v1::CoordinatorMessage> {
 public:
  // On a connection of its own.
  LoadWorker(Load& load, const std::string& address, int number);

  // No more leases; the stream ends when those it has are acknowledged.
  void Drain();
  void Cut() { context_.TryCancel(); }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  using Clock = Timer::Clock;

  // All under mutex_.
  void Handle(const v1::CoordinatorMessage& message);
  void Answer(const v1::Task& task);
  void Ask();
  void Compute();
  void Send(v1::WorkerMessage message);
  void Write();
  void Leave();
  void Beat();

  void SendResult();  // takes mutex_

  Load& load_;
  grpc::ClientContext context_;
  std::unique_ptr<v1::WorkService::Stub> stub_;
  const std::string id_;

  std::mutex mutex_;  // guards what follows
  v1::CoordinatorMessage incoming_;
  std::deque<v1::WorkerMessage> unsent_;
  std::deque<Clock::time_point> asked_;                // a lease each that is still to come
  std::deque<v1::Lease> leases_;                       // the first computes
  std::map<std::string, Clock::time_point> finished_;  // by job: sent and not acknowledged
  std::string loaded_;                                 // digest
  std::mt19937 random_;
  bool computing_ = false;
  bool left_ = false;
  bool done_ = false;
};

}  // namespace ondelette::bench

#endif  // ONDELETTE_TESTS_BENCH_COORDINATOR_LOAD_WORKER_H_
