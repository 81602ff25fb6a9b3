#include "client/paper/table5.h"

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/paper/published.h"
#include "common/rpc/rpc_status.h"

namespace ondelette::client {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

// One column: what is shown, and how it is made of the aggregates.
struct Figure {
  const char* name;    // in JSON and CSV
  const char* title;   // in the table
  const char* column;  // the aggregate's metric
  double factor;       // percent
  int decimals;
};

// The paper's five columns, in its order.
constexpr Figure kFigures[] = {
    {"spectral_entropy", "entropy", "spectral_entropy", 1, 3},
    {"frequency_selectivity", "selectivity", "frequency_selectivity", 1, 3},
    {"low_frequency_power_percent", "low %", "band_low", 100, 1},
    {"scale_sensitivity_0.5", "scale 0.5", "scale_sensitivity_0.5", 1, 3},
    {"scale_sensitivity_0.25", "scale 0.25", "scale_sensitivity_0.25", 1, 3},
};
constexpr Figure kControls[] = {
    {"spectral_entropy_key_shuffled", "~entropy", "spectral_entropy_key_shuffled", 1, 3},
    {"frequency_selectivity_key_shuffled", "~selectivity", "frequency_selectivity_key_shuffled", 1,
     3},
    {"low_frequency_power_percent_key_shuffled", "~low %", "band_low_key_shuffled", 100, 1},
    {"sink_mass", "sink mass", "sink_mass", 1, 3},
    {"coverage", "coverage", "coverage", 1, 3},
    {"reconstruction_error", "reconstr.", "reconstruction_error", 1, 8},
};
struct Rho {
  const char* name;
  const char* title;
};
constexpr Rho kRhos[] = {
    {"rho", "rho"},
    {"rho_key_shuffled", "~rho"},
    {"rho_sink_dropped", "rho, no sink"},
    {"rho_sink_dropped_key_shuffled", "~rho, no sink"},
};

using CheckpointName = std::pair<std::string, std::string>;  // model, revision

struct CheckpointFigures {
  std::map<std::string, double> means;  // by metric
  std::map<std::string, double> rhos;   // by Rho::name
  bool complete = false;
};

struct Table5 {
  v1::Sweep sweep;
  std::map<CheckpointName, CheckpointFigures> figures;
  v1::ControlRows patterns;
};

absl::Status ReadSweep(Session& session, const std::string& name, v1::Sweep& sweep) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::GetSweepRequest request;
  request.set_sweep(name);
  return FromRpcStatus(session.sweeps().GetSweep(&context, request, &sweep));
}

absl::Status ReadMeans(Session& session, Table5& table) {
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

absl::Status ReadRhos(Session& session, Table5& table) {
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

absl::Status ReadPatterns(Session& session, Table5& table) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ControlQuery request;
  request.set_sweep(table.sweep.id());
  return FromRpcStatus(session.results().QueryControls(&context, request, &table.patterns));
}

double ValueOf(const std::map<std::string, double>& values, const std::string& name) {
  auto found = values.find(name);
  return found == values.end() ? kUndefined : found->second;
}

// The figures of one row in column order: the paper's, then the controls'.
std::vector<Cell> FigureCells(const std::map<std::string, double>& means) {
  std::vector<Cell> cells;
  for (const Figure& figure : kFigures)
    cells.emplace_back(figure.factor * ValueOf(means, figure.column));
  for (const Figure& figure : kControls)
    cells.emplace_back(figure.factor * ValueOf(means, figure.column));
  return cells;
}

std::vector<Cell> PublishedCells(const Table5Row* published) {
  if (published == nullptr) return std::vector<Cell>(std::size(kFigures));
  return {published->spectral_entropy, published->frequency_selectivity,
          published->low_frequency_power_percent, published->scale_sensitivity_half,
          published->scale_sensitivity_quarter};
}

std::vector<RowColumn> ColumnsOf(bool published) {
  std::vector<RowColumn> columns{{"model", "", 0}, {"checkpoint", "", 0}, {"alias_of", "", 0}};
  for (const Figure& figure : kFigures)
    columns.push_back({figure.name, figure.title, figure.decimals});
  if (published) {
    for (const Figure& figure : kFigures) {
      columns.push_back({absl::StrCat("published_", figure.name),
                         absl::StrCat("paper ", figure.title), figure.decimals});
    }
  }
  for (const Figure& figure : kControls)
    columns.push_back({figure.name, figure.title, figure.decimals});
  for (const Rho& rho : kRhos) columns.push_back({rho.name, rho.title, 2});
  columns.push_back({"complete", "", 0});
  return columns;
}

void Append(std::vector<Cell>& to, const std::vector<Cell>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void AddCheckpoint(const v1::Checkpoint& checkpoint, const CheckpointFigures& figures,
                   bool published, RowWriter& rows) {
  std::vector<Cell> cells{checkpoint.model(), checkpoint.revision(), checkpoint.alias_of()};
  std::vector<Cell> values = FigureCells(figures.means);
  cells.insert(cells.end(), values.begin(), values.begin() + std::size(kFigures));
  if (published)
    Append(cells, PublishedCells(PublishedTable5(checkpoint.model(), checkpoint.revision())));
  cells.insert(cells.end(), values.begin() + std::size(kFigures), values.end());
  for (const Rho& rho : kRhos) cells.emplace_back(ValueOf(figures.rhos, rho.name));
  cells.emplace_back(figures.complete);
  rows.Add(cells);
}

void AddPattern(const v1::ControlRows& patterns, const v1::ControlRow& pattern, bool published,
                RowWriter& rows) {
  std::map<std::string, double> values;
  for (int i = 0; i < pattern.values_size() && i < patterns.columns_size(); ++i) {
    values[patterns.columns(i)] = static_cast<double>(pattern.values(i));
  }
  std::vector<Cell> figures = FigureCells(values);
  std::vector<Cell> cells{std::string("(pattern)"), pattern.pattern(), std::string()};
  cells.insert(cells.end(), figures.begin(), figures.begin() + std::size(kFigures));
  if (published) Append(cells, PublishedCells(nullptr));
  cells.insert(cells.end(), figures.begin() + std::size(kFigures), figures.end());
  cells.resize(cells.size() + std::size(kRhos) + 1);
  rows.Add(cells);
}

void PrintHeading(const v1::Sweep& sweep, std::ostream& out) {
  out << "Table 5 (spec " << (sweep.spec().preset().empty() ? "of your own" : sweep.spec().preset())
      << ", " << sweep.sequences() << " sequences of " << sweep.corpus_name()
      << "; means over heads)\n\n";
}

void PrintLegend(bool published, std::ostream& out) {
  out << "\n~            the same with the keys of every row shuffled: what the figure would be "
         "without position\n"
         "rho          correlation over heads of positional and spectral entropy, mean over "
         "layers\n"
         "(pattern)    fixed attention of the same length through the same analysis, no model "
         "involved\n"
         "reconstr.    float32 rounding of the wavelet transform; says nothing about the model\n";
  if (!published)
    out << "The paper prints table 5 for Pythia 6.9B only: no published figures stand beside "
           "these.\n";
}

}  // namespace

absl::Status PrintTable5(Session& session, const std::string& sweep, std::ostream& out) {
  Table5 table;
  for (absl::Status status : {ReadSweep(session, sweep, table.sweep), ReadMeans(session, table),
                              ReadRhos(session, table), ReadPatterns(session, table)}) {
    if (!status.ok()) return status;
  }
  bool published = session.output != Output::kTable;
  for (const v1::Checkpoint& checkpoint : table.sweep.checkpoints()) {
    published = published || PublishedTable5(checkpoint.model(), checkpoint.revision()) != nullptr;
  }
  if (session.output == Output::kTable) PrintHeading(table.sweep, out);
  RowWriter rows(session.output, ColumnsOf(published), out);
  for (const v1::Checkpoint& checkpoint : table.sweep.checkpoints()) {
    AddCheckpoint(checkpoint, table.figures[{checkpoint.model(), checkpoint.revision()}], published,
                  rows);
  }
  rows.AddSeparator();
  for (const v1::ControlRow& pattern : table.patterns.rows())
    AddPattern(table.patterns, pattern, published, rows);
  rows.Finish();
  if (session.output == Output::kTable) PrintLegend(published, out);
  return absl::OkStatus();
}

}  // namespace ondelette::client
