// A coordinator that does what a test says: real gRPC on loopback, no queue behind it.
#ifndef ONDELETTE_TESTS_UNIT_AGENT_SCRIPTED_COORDINATOR_H_
#define ONDELETTE_TESTS_UNIT_AGENT_SCRIPTED_COORDINATOR_H_

#include <grpcpp/server.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "ondelette/v1/corpus.grpc.pb.h"
#include "ondelette/v1/work.grpc.pb.h"

namespace ondelette::agent {

// One Work stream as the coordinator sees it. Thread-safe.
class Session {
 public:
  using Kind = v1::WorkerMessage::MessageCase;

  // The next message of a kind, taken out of those that came; nothing after `wait`, or at once when
  // the stream has ended without one.
  std::optional<v1::WorkerMessage> Take(Kind kind, absl::Duration wait = absl::Seconds(20));
  // Waits for the stream's end.
  bool Ended(absl::Duration wait = absl::Seconds(20));
  void Send(const v1::CoordinatorMessage& message);
  void Welcome(const std::vector<v1::LeaseId>& kept = {});
  // Takes the pieces and JobSucceeded of the next result; checks offsets, sizes and the digest.
  v1::JobSucceeded TakeResult(std::string* records = nullptr);
  void Acknowledge(const v1::LeaseId& lease, bool committed = true);
  // Breaks the stream, as a lost connection does.
  void Cut();

 private:
  friend class ScriptedCoordinator;
  using Stream = grpc::ServerReaderWriter<v1::CoordinatorMessage, v1::WorkerMessage>;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<v1::WorkerMessage> messages_;
  bool ended_ = false;
  Stream* stream_ = nullptr;  // null when ended
  grpc::ServerContext* context_ = nullptr;
};

class ScriptedCoordinator : public v1::WorkService::Service, public v1::CorpusService::Service {
 public:
  ScriptedCoordinator();
  ~ScriptedCoordinator() override;

  std::string address() const;
  // Ends every stream and listens no more, until Start, which takes the same port.
  void Stop();
  void Start();

  // The next stream that was opened; null after `wait`.
  std::shared_ptr<Session> NextSession(absl::Duration wait = absl::Seconds(20));

  // What ReadCorpus answers for a digest. The digest of honest bytes.
  std::string AddCorpus(const std::string& bytes);
  void SetCorpus(const std::string& digest, const std::string& bytes);
  int corpus_reads();

  grpc::Status Work(grpc::ServerContext* context, Session::Stream* stream) override;
  grpc::Status ReadCorpus(grpc::ServerContext* context, const v1::ReadCorpusRequest* request,
                          grpc::ServerWriter<v1::ReadCorpusResponse>* writer) override;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Session>> opened_;
  std::vector<std::weak_ptr<Session>> sessions_;
  std::map<std::string, std::string> corpora_;
  int corpus_reads_ = 0;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace ondelette::agent

#endif  // ONDELETTE_TESTS_UNIT_AGENT_SCRIPTED_COORDINATOR_H_
