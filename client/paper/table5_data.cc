#include "client/paper/table5_data.h"

#include "common/rpc/rpc_status.h"

namespace ondelette::client {
namespace {

absl::Status ReadSweep(Session& session, const std::string& name, v1::Sweep& sweep) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::GetSweepRequest request;
  request.set_sweep(name);
  return FromRpcStatus(session.sweeps().GetSweep(&context, request, &sweep));
}

absl::Status ReadMeans(Session& session, Table5Data& table) {
  grpc::ClientContext context;
  v1::AggregateQuery request;
  request.mutable_filter()->set_sweep(table.sweep.id());
  request.set_level(v1::AGGREGATE_LEVEL_MODEL);
  auto reader = session.results().QueryAggregates(&context, request);
  v1::AggregateRows batch;
  while (reader->Read(&batch)) {
    for (const v1::AggregateRow& row : batch.rows()) {
      CheckpointFigures& figures = table.figures[{row.model(), row.revision()}];
      figures.means[row.metric()] = row.statistics().mean();
      figures.complete = row.complete();
    }
  }
  return FromRpcStatus(reader->Finish());
}

absl::Status ReadRhos(Session& session, Table5Data& table) {
  grpc::ClientContext context;
  v1::CorrelationQuery request;
  request.mutable_filter()->set_sweep(table.sweep.id());
  auto reader = session.results().QueryCorrelations(&context, request);
  v1::CorrelationRows batch;
  while (reader->Read(&batch)) {
    for (const v1::CorrelationRow& row : batch.rows()) {
      if (row.layer() >= 0) continue;
      std::map<std::string, double>& rhos = table.figures[{row.model(), row.revision()}].rhos;
      std::string name = row.sink_dropped() ? "rho_sink_dropped" : "rho";
      rhos[name] = row.rho();
      rhos[name + "_key_shuffled"] = row.rho_key_shuffled();
    }
  }
  return FromRpcStatus(reader->Finish());
}

absl::Status ReadPatterns(Session& session, Table5Data& table) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ControlQuery request;
  request.set_sweep(table.sweep.id());
  return FromRpcStatus(session.results().QueryControls(&context, request, &table.patterns));
}

}  // namespace

absl::StatusOr<Table5Data> ReadTable5(Session& session, const std::string& sweep) {
  Table5Data table;
  absl::Status status = ReadSweep(session, sweep, table.sweep);
  if (status.ok()) status = ReadMeans(session, table);
  if (status.ok()) status = ReadRhos(session, table);
  if (status.ok()) status = ReadPatterns(session, table);
  if (!status.ok()) return status;
  return table;
}

}  // namespace ondelette::client
