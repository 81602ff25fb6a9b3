// ondelette-query-load: the aggregates of every head of a sweep over gRPC, again and again: when
// the first answer came and when the last. One JSON object a repetition.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "absl/synchronization/mutex.h"
#include "common/spec/columns.h"
#include "common/spec/spec.h"
#include "ondelette/v1/results.grpc.pb.h"

namespace ondelette::bench {
namespace {

struct Flags {
  std::string server;
  std::string sweep;
  std::string spec = "{}";
  int metrics = 0;
  int revisions = 0;
  int repeat = 5;
  bool packed = false;
};

double Since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

v1::AggregateQuery QueryOf(const Flags& flags) {
  v1::AggregateQuery query;
  query.mutable_filter()->set_sweep(flags.sweep);
  query.set_level(v1::AGGREGATE_LEVEL_HEAD);
  query.set_packed(flags.packed);
  for (int i = 0; i < flags.revisions; ++i)
    query.mutable_filter()->add_revisions("step" + std::to_string(i));
  const auto spec = ParseSpec(flags.spec);
  for (const Column& column : Columns(*spec)) {
    if (query.filter().metrics_size() < flags.metrics)
      query.mutable_filter()->add_metrics(column.Label());
  }
  return query;
}

int Ask(v1::ResultService::Stub& stub, const Flags& flags) {
  const v1::AggregateQuery query = QueryOf(flags);
  grpc::ClientContext context;
  const auto start = std::chrono::steady_clock::now();
  auto reader = stub.QueryAggregates(&context, query);
  v1::AggregateRows rows;
  double first = 0;
  int64_t figures = 0;
  int64_t bytes = 0;
  while (reader->Read(&rows)) {
    if (figures == 0) first = Since(start);
    figures += rows.rows_size();
    for (const v1::AggregateBlock& block : rows.blocks())
      figures += int64_t{block.heads_size()} * block.metrics_size();
    bytes += static_cast<int64_t>(rows.ByteSizeLong());
  }
  const double last = Since(start);
  const grpc::Status status = reader->Finish();
  if (!status.ok()) {
    std::cerr << "ondelette-query-load: " << status.error_message() << "\n";
    return 1;
  }
  const nlohmann::json report = {{"packed", flags.packed},
                                 {"first_ms", first * 1e3},
                                 {"last_ms", last * 1e3},
                                 {"rows", figures},
                                 {"bytes", bytes}};
  std::cout << report.dump() << "\n";
  return 0;
}

int Main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  Flags flags;
  CLI::App app("Queries for aggregates against a coordinator.", "ondelette-query-load");
  app.add_option("--server", flags.server, "address of the coordinator")->required();
  app.add_option("--sweep", flags.sweep)->required();
  app.add_option("--spec", flags.spec, "of the sweep, JSON");
  app.add_option("--metrics", flags.metrics, "the first so many; 0: all");
  app.add_option("--revisions", flags.revisions, "the first so many; 0: all");
  app.add_option("--repeat", flags.repeat);
  app.add_flag("--packed", flags.packed, "blocks instead of rows");
  CLI11_PARSE(app, argc, argv);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(8 << 20);
  auto stub = v1::ResultService::NewStub(
      grpc::CreateCustomChannel(flags.server, grpc::InsecureChannelCredentials(), arguments));
  for (int i = 0; i < flags.repeat; ++i) {
    if (int status = Ask(*stub, flags); status != 0) return status;
  }
  return 0;
}

}  // namespace
}  // namespace ondelette::bench

int main(int argc, char** argv) { return ondelette::bench::Main(argc, argv); }
