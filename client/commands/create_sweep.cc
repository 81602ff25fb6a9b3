#include "client/commands/create_sweep.h"

#include "client/commands/corpus.h"
#include "common/digest/digest.h"
#include "common/rpc/rpc_status.h"

namespace ondelette::client {

absl::StatusOr<v1::Sweep> CreateSweep(Session& session, const SweepFlags& flags) {
  absl::StatusOr<v1::CreateSweepRequest> request = SweepRequestFromFlags(flags);
  if (!request.ok()) return request.status();
  absl::StatusOr<std::string> corpus = CorpusFromFlag(session, flags.corpus);
  if (!corpus.ok()) return corpus.status();
  request->set_corpus(*corpus);
  if (request->request_id().empty())
    request->set_request_id(Sha256Of(request->SerializeAsString()));
  grpc::ClientContext context;
  SetDeadline(context);
  v1::Sweep sweep;
  absl::Status status = FromRpcStatus(session.sweeps().CreateSweep(&context, *request, &sweep));
  if (!status.ok()) return status;
  return sweep;
}

}  // namespace ondelette::client
