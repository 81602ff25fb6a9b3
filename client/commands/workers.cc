// workers
#include <iostream>

#include "client/commands/commands.h"
#include "client/render/words.h"
#include "common/rpc/rpc_status.h"

namespace ondelette::client {

void AddWorkersCommand(CLI::App& app, Session& session) {
  app.add_subcommand("workers", "The workers that the coordinator knows")->callback([&session] {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ListWorkersResponse response;
    absl::Status status = FromRpcStatus(session.sweeps().ListWorkers(&context, {}, &response));
    if (!status.ok()) return session.Report(status);
    RowWriter rows(session.output,
                   {{"name", "", 0},
                    {"device", "", 0},
                    {"engine_version", "engine", 0},
                    {"connected", "", 0},
                    {"draining", "", 0},
                    {"leases", "", 0},
                    {"last_heard", "last heard", 0},
                    {"id", "", 0}},
                   std::cout);
    for (const v1::Worker& worker : response.workers()) {
      rows.Add({worker.name(), worker.device(), worker.engine_version(), worker.connected(),
                worker.draining(), int64_t{worker.leases()}, TimeText(worker.last_heard()),
                worker.id()});
    }
    rows.Finish();
  });
}

}  // namespace ondelette::client
