// query records|heads|layers|models
#include <iostream>
#include <memory>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/commands/aggregate_block.h"
#include "client/commands/commands.h"
#include "common/errors/errors.h"
#include "common/rpc/rpc_status.h"

namespace ondelette::client {
namespace {

struct QueryFlags {
  std::string sweep;
  std::string models;
  std::string checkpoints;
  std::string layers;
  std::string heads;
  std::string metrics;
  std::string sequences;
};

absl::Status SplitNumbers(absl::string_view flag, const std::string& list,
                          google::protobuf::RepeatedField<int32_t>& out) {
  for (absl::string_view part : absl::StrSplit(list, ',', absl::SkipEmpty())) {
    int32_t number;
    if (!absl::SimpleAtoi(part, &number) || number < 0) {
      return MakeError(absl::StatusCode::kInvalidArgument, "FILTER_INVALID",
                       absl::StrCat(flag, ": '", part, "' is not a number from 0"));
    }
    out.Add(number);
  }
  return absl::OkStatus();
}

absl::Status FilterFromFlags(const QueryFlags& flags, v1::Filter& filter) {
  filter.set_sweep(flags.sweep);
  auto split = [](const std::string& list, auto& out) {
    for (absl::string_view part : absl::StrSplit(list, ',', absl::SkipEmpty()))
      out.Add(std::string(part));
  };
  split(flags.models, *filter.mutable_models());
  split(flags.checkpoints, *filter.mutable_revisions());
  split(flags.metrics, *filter.mutable_metrics());
  if (absl::Status status = SplitNumbers("--layers", flags.layers, *filter.mutable_layers());
      !status.ok()) {
    return status;
  }
  return SplitNumbers("--heads", flags.heads, *filter.mutable_heads());
}

void QueryRecords(Session& session, const QueryFlags& flags) {
  v1::RecordQuery request;
  absl::Status status = FilterFromFlags(flags, *request.mutable_filter());
  if (!status.ok()) return session.Report(status);
  google::protobuf::RepeatedField<int32_t> sequences;
  status = SplitNumbers("--sequences", flags.sequences, sequences);
  if (!status.ok()) return session.Report(status);
  request.mutable_sequences()->Add(sequences.begin(), sequences.end());
  grpc::ClientContext context;
  auto reader = session.results().QueryRecords(&context, request);
  std::unique_ptr<RowWriter> rows;
  v1::RecordRows batch;
  while (reader->Read(&batch)) {
    if (rows == nullptr) {
      std::vector<RowColumn> columns{{"model", "", 0},    {"checkpoint", "", 0},
                                     {"sequence", "", 0}, {"sequence_id", "", 0},
                                     {"layer", "", 0},    {"head", "", 0}};
      for (const std::string& column : batch.columns()) columns.push_back({column, "", 4});
      rows = std::make_unique<RowWriter>(session.output, columns, std::cout);
    }
    for (const v1::RecordRow& row : batch.rows()) {
      std::vector<Cell> cells{row.model(),       row.revision(),       row.sequence(),
                              row.sequence_id(), int64_t{row.layer()}, int64_t{row.head()}};
      for (float value : row.values()) cells.emplace_back(static_cast<double>(value));
      rows->Add(cells);
    }
  }
  status = FromRpcStatus(reader->Finish());
  if (rows != nullptr) rows->Finish();
  session.Report(status);
}

void QueryAggregates(Session& session, const QueryFlags& flags, v1::AggregateLevel level) {
  v1::AggregateQuery request;
  request.set_level(level);
  request.set_packed(level == v1::AGGREGATE_LEVEL_HEAD);  // whole sweeps have millions of rows
  absl::Status status = FilterFromFlags(flags, *request.mutable_filter());
  if (!status.ok()) return session.Report(status);
  RowWriter rows(session.output,
                 {{"model", "", 0},
                  {"checkpoint", "", 0},
                  {"layer", "", 0},
                  {"head", "", 0},
                  {"metric", "", 0},
                  {"count", "", 0},
                  {"undefined", "", 0},
                  {"mean", "", 4},
                  {"standard_deviation", "sd", 4},
                  {"minimum", "min", 4},
                  {"first_quartile", "q1", 4},
                  {"median", "", 4},
                  {"third_quartile", "q3", 4},
                  {"maximum", "max", 4},
                  {"complete", "", 0},
                  {"alias_of", "", 0}},
                 std::cout);
  grpc::ClientContext context;
  auto reader = session.results().QueryAggregates(&context, request);
  auto add = [&rows](const v1::AggregateRow& row) {
    const v1::Statistics& s = row.statistics();
    auto index = [](int32_t value) { return value < 0 ? Cell() : Cell(int64_t{value}); };
    rows.Add({row.model(), row.revision(), index(row.layer()), index(row.head()), row.metric(),
              s.count(), s.undefined(), s.mean(), s.standard_deviation(), s.minimum(),
              s.first_quartile(), s.median(), s.third_quartile(), s.maximum(), row.complete(),
              row.alias_of()});
  };
  v1::AggregateRows batch;
  while (status.ok() && reader->Read(&batch)) {
    for (const v1::AggregateRow& row : batch.rows()) add(row);
    for (const v1::AggregateBlock& block : batch.blocks()) {
      if (status.ok()) status = ForEachRow(block, add);
    }
  }
  if (!status.ok()) context.TryCancel();
  const absl::Status finished = FromRpcStatus(reader->Finish());
  rows.Finish();
  session.Report(status.ok() ? finished : status);
}

std::shared_ptr<QueryFlags> AddFilterFlags(CLI::App& command) {
  auto flags = std::make_shared<QueryFlags>();
  command.add_option("sweep", flags->sweep, "An id, the beginning of one, or a name")->required();
  command.add_option("--models", flags->models, "Only these, separated by commas");
  command.add_option("--checkpoints", flags->checkpoints, "Only these");
  command.add_option("--layers", flags->layers, "Only these");
  command.add_option("--heads", flags->heads, "Only these");
  command.add_option(
      "--metrics", flags->metrics,
      "Only these: spectral_entropy, wavelet_entropy (all levels), scale_sensitivity_0.5, ...");
  return flags;
}

}  // namespace

void AddQueryCommands(CLI::App& app, Session& session) {
  CLI::App* query = app.add_subcommand("query", "Results, while the sweep runs and afterwards");
  query->require_subcommand(1);
  CLI::App* records = query->add_subcommand("records", "One row a sequence, layer and head");
  auto record_flags = AddFilterFlags(*records);
  records->add_option("--sequences", record_flags->sequences,
                      "Only these, by their index in the corpus");
  records->callback([record_flags, &session] { QueryRecords(session, *record_flags); });

  struct Level {
    const char* name;
    const char* help;
    v1::AggregateLevel level;
  };
  const Level levels[] = {
      {"heads", "Statistics of every head over sequences", v1::AGGREGATE_LEVEL_HEAD},
      {"layers", "Statistics of every layer over its heads' means", v1::AGGREGATE_LEVEL_LAYER},
      {"models", "Statistics of every checkpoint over all heads' means", v1::AGGREGATE_LEVEL_MODEL},
  };
  for (const Level& level : levels) {
    CLI::App* command = query->add_subcommand(level.name, level.help);
    auto flags = AddFilterFlags(*command);
    command->callback(
        [flags, &session, which = level.level] { QueryAggregates(session, *flags, which); });
  }
  query->footer(
      "Example:\n  ondelette --output csv query heads SWEEP --metrics spectral_entropy,sink_mass > "
      "heads.csv");
}

}  // namespace ondelette::client
