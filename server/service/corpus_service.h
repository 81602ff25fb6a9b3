// CorpusService: uploads, looks up and reads corpora.
#ifndef ONDELETTE_SERVER_SERVICE_CORPUS_SERVICE_H_
#define ONDELETTE_SERVER_SERVICE_CORPUS_SERVICE_H_

#include <atomic>

#include "ondelette/v1/corpus.grpc.pb.h"
#include "server/service/pool.h"
#include "server/service/stall_guard.h"
#include "server/store/store.h"
#include "server/telemetry.h"

namespace ondelette::server {

// Thread-safe. What it is given outlives the gRPC server.
class CorpusService final : public v1::CorpusService::CallbackService {
 public:
  // Uploads at once: each holds at most kMostCorpusBytes.
  static constexpr int kMostUploads = 4;

  struct Parts {
    Store* store;
    Pool* pool;
    StallGuard* guard;
    Telemetry* telemetry;
  };
  explicit CorpusService(const Parts& parts) : parts_(parts) {}

  grpc::ServerReadReactor<v1::UploadCorpusRequest>* UploadCorpus(
      grpc::CallbackServerContext* context, v1::Corpus* response) override;
  grpc::ServerUnaryReactor* GetCorpus(grpc::CallbackServerContext* context,
                                      const v1::GetCorpusRequest* request,
                                      v1::Corpus* response) override;
  grpc::ServerUnaryReactor* ListCorpora(grpc::CallbackServerContext* context,
                                        const v1::ListCorporaRequest* request,
                                        v1::ListCorporaResponse* response) override;
  grpc::ServerWriteReactor<v1::ReadCorpusResponse>* ReadCorpus(
      grpc::CallbackServerContext* context, const v1::ReadCorpusRequest* request) override;

 private:
  const Parts parts_;
  std::atomic<int> uploads_ = 0;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_SERVICE_CORPUS_SERVICE_H_
