#include "server/coordinator.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <iostream>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "server/aggregate/aggregate_checkpoint.h"
#include "server/service/corpus_service.h"
#include "server/service/dispatcher.h"
#include "server/service/pool.h"
#include "server/service/result_service.h"
#include "server/service/stall_guard.h"
#include "server/service/sweep_service.h"
#include "server/service/watch_hub.h"
#include "server/service/work_service.h"
#include "server/store/sqlite_store.h"
#include "server/telemetry.h"
#include "server/version.h"

namespace ondelette::server {
namespace {

constexpr int kPoolThreads = 8;
constexpr size_t kMostWaitingCalls = 4096;
constexpr size_t kMostWaitingCheckpoints = 1 << 16;
constexpr int kAggregationNiceness = 10;  // statistics can wait, leases cannot
constexpr int kMostMessageBytes = 4 << 20;
constexpr int kMostStreamsPerConnection = 256;
constexpr int kWindowBytes = 256 << 10;  // of a stream, held by gRPC while nobody reads it
constexpr absl::Duration kLastCalls = absl::Seconds(2);

// "host:0" with the port that was taken.
std::string WithPort(const std::string& address, int port) {
  return absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
}

}  // namespace

// In the order in which they are made; each outlives what comes after it.
struct Coordinator::Parts {
  explicit Parts(const CoordinatorOptions& options)
      : telemetry(kVersion), guard(absl::ToChronoMilliseconds(options.stall_time)) {}

  Telemetry telemetry;
  StallGuard guard;
  std::unique_ptr<Store> store;
  std::atomic<bool> leaving = false;
  std::unique_ptr<Pool> aggregation;  // one checkpoint after another
  std::unique_ptr<Pool> pool;
  std::unique_ptr<WatchHub> watch_hub;
  std::unique_ptr<Dispatcher> dispatcher;
  std::unique_ptr<SweepService> sweeps;
  std::unique_ptr<CorpusService> corpora;
  std::unique_ptr<WorkService> work;
  std::unique_ptr<grpc::Service> results;
  std::unique_ptr<grpc::Server> server;
  std::string address;
  std::string metrics_address;
  std::once_flag drained;

  void MakeServices(const CoordinatorOptions& options);
  void Aggregate(int64_t checkpoint);
  absl::Status Serve(const CoordinatorOptions& options);
};

void Coordinator::Parts::MakeServices(const CoordinatorOptions& options) {
  dispatcher = std::make_unique<Dispatcher>(
      *store, telemetry, DispatcherOptions{options.lease_time, options.drain_time});
  dispatcher->SetTick([this] { guard.CutStalled(); });
  aggregation = std::make_unique<Pool>(1, kMostWaitingCheckpoints, kAggregationNiceness);
  pool = std::make_unique<Pool>(kPoolThreads, kMostWaitingCalls);
  watch_hub = std::make_unique<WatchHub>(*store, *pool, guard);
  sweeps = std::make_unique<SweepService>(
      SweepService::Parts{store.get(), pool.get(), dispatcher.get(), watch_hub.get(), &telemetry});
  corpora = std::make_unique<CorpusService>(
      CorpusService::Parts{store.get(), pool.get(), &guard, &telemetry});
  work = std::make_unique<WorkService>(*dispatcher);
  results = MakeResultService(*store, *pool, guard);
  store->SetListener([this](const StoreNotice& notice) {
    if (notice.work) dispatcher->WorkAppeared();
    watch_hub->Notify(notice.sweeps);
    for (int64_t checkpoint : notice.completed) Aggregate(checkpoint);
  });
}

// Where this is cut short, the first query for them computes them.
void Coordinator::Parts::Aggregate(int64_t checkpoint) {
  (void)aggregation->Run([this, checkpoint] {
    if (leaving) return;
    if (absl::Status status = AggregateCheckpoint(*store, checkpoint); !status.ok()) {
      std::cerr << "cannot aggregate a checkpoint: " << ErrorText(status) << "\n";
    }
  });
}

absl::Status Coordinator::Parts::Serve(const CoordinatorOptions& options) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(options.listen, grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(kMostMessageBytes);
  builder.SetMaxSendMessageSize(kMostMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMostStreamsPerConnection);
  // Workers say little and often: what measures their line's bandwidth by pings costs more than it
  // gains. A fixed window is enough for a record's pieces.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kWindowBytes);
  // Two coordinators on one port would share its connections between them.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Workers ping every few seconds; the default takes that for an attack.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  for (grpc::Service* service :
       {static_cast<grpc::Service*>(sweeps.get()), static_cast<grpc::Service*>(corpora.get()),
        static_cast<grpc::Service*>(work.get()), results.get()}) {
    builder.RegisterService(service);
  }
  server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "LISTEN_ADDRESS",
                     absl::StrCat("cannot listen on ", options.listen),
                     "name a free address with --listen");
  }
  address = WithPort(options.listen, port);
  for (const char* service : {"ondelette.v1.SweepService", "ondelette.v1.CorpusService",
                              "ondelette.v1.WorkService", "ondelette.v1.ResultService"}) {
    server->GetHealthCheckService()->SetServingStatus(service, true);
  }
  return absl::OkStatus();
}

Coordinator::Coordinator(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Start(const CoordinatorOptions& options) {
  auto parts = std::make_unique<Parts>(options);
  auto store = OpenSqliteStore({options.store, options.store_max_bytes});
  if (!store.ok()) return store.status();
  parts->store = *std::move(store);
  if (!options.metrics_listen.empty()) {
    auto port = parts->telemetry.Serve(options.metrics_listen);
    if (!port.ok()) return port.status();
    parts->metrics_address = WithPort(options.metrics_listen, *port);
  }
  parts->MakeServices(options);
  if (absl::Status status = parts->dispatcher->Start(); !status.ok()) return status;
  if (absl::Status status = parts->Serve(options); !status.ok()) return status;
  return std::unique_ptr<Coordinator>(new Coordinator(std::move(parts)));
}

Coordinator::~Coordinator() {
  parts_->leaving = true;
  parts_->watch_hub->Close();
  parts_->server->Shutdown(std::chrono::system_clock::now());
  parts_->store->SetListener(nullptr);
  // The calls have ended, but the last lines of the tasks that answered them may not have.
  parts_->pool.reset();
}

const std::string& Coordinator::address() const { return parts_->address; }

const std::string& Coordinator::metrics_address() const { return parts_->metrics_address; }

void Coordinator::Drain() {
  std::call_once(parts_->drained, [this] {
    parts_->leaving = true;
    parts_->server->GetHealthCheckService()->SetServingStatus(false);
    parts_->watch_hub->Close();
    parts_->dispatcher->Drain();
    parts_->server->Shutdown(std::chrono::system_clock::now() +
                             absl::ToChronoMilliseconds(kLastCalls));
  });
}

}  // namespace ondelette::server
