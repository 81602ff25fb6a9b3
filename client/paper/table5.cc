#include "client/paper/table5.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/paper/published.h"
#include "client/paper/table5_data.h"

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
    {"frequency_selectivity", "select.", "frequency_selectivity", 1, 3},
    {"low_frequency_power_percent", "low %", "band_low", 100, 1},
    {"scale_sensitivity_0.5", "scale 0.5", "scale_sensitivity_0.5", 1, 3},
    {"scale_sensitivity_0.25", "scale 0.25", "scale_sensitivity_0.25", 1, 3},
};
constexpr Figure kControls[] = {
    {"spectral_entropy_key_shuffled", "~entropy", "spectral_entropy_key_shuffled", 1, 3},
    {"frequency_selectivity_key_shuffled", "~select.", "frequency_selectivity_key_shuffled", 1, 3},
    {"low_frequency_power_percent_key_shuffled", "~low %", "band_low_key_shuffled", 100, 1},
    {"sink_mass", "sink", "sink_mass", 1, 3},
    {"coverage", "cover", "coverage", 1, 3},
    {"reconstruction_error", "reconstr.", "reconstruction_error", 1, 8},
};
struct Rho {
  const char* name;
  const char* title;
};
constexpr Rho kRhos[] = {
    {"rho", "rho"},
    {"rho_key_shuffled", "~rho"},
    {"rho_sink_dropped", "rho*"},
    {"rho_sink_dropped_key_shuffled", "~rho*"},
};

double ValueOf(const std::map<std::string, double>& values, const std::string& name) {
  auto found = values.find(name);
  return found == values.end() ? kUndefined : found->second;
}

// What stands before the figures of a row. A table for people has one model, so its rows need only
// the checkpoint; JSON and CSV name everything.
struct RowName {
  std::string model;
  std::string checkpoint;
  std::string alias_of;
  bool complete = true;
};

class Table5Writer {
 public:
  Table5Writer(Output output, bool published, std::ostream& out)
      : whole_(output != Output::kTable),
        published_(published),
        rows_(output, ColumnsOf(output != Output::kTable, published), out) {}

  void Add(const RowName& name, const Table5Row* published,
           const std::map<std::string, double>& means, const std::map<std::string, double>& rhos) {
    std::vector<Cell> cells = NameCells(name);
    for (const Figure& figure : kFigures)
      cells.emplace_back(figure.factor * ValueOf(means, figure.column));
    if (published_) AddPublished(published, cells);
    for (const Figure& figure : kControls)
      cells.emplace_back(figure.factor * ValueOf(means, figure.column));
    for (const Rho& rho : kRhos) cells.emplace_back(ValueOf(rhos, rho.name));
    rows_.Add(cells);
  }
  void AddSeparator() { rows_.AddSeparator(); }
  void Finish() { rows_.Finish(); }

 private:
  static std::vector<RowColumn> ColumnsOf(bool whole, bool published) {
    std::vector<RowColumn> columns{{"checkpoint", "", 0}};
    if (whole)
      columns = {{"model", "", 0}, {"checkpoint", "", 0}, {"alias_of", "", 0}, {"complete", "", 0}};
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
    return columns;
  }

  std::vector<Cell> NameCells(const RowName& name) const {
    if (whole_) return {name.model, name.checkpoint, name.alias_of, name.complete};
    std::string text = name.checkpoint;
    if (!name.alias_of.empty())
      absl::StrAppend(&text, " = ", name.alias_of.substr(name.alias_of.rfind('@') + 1));
    if (!name.complete) absl::StrAppend(&text, " (incomplete)");
    return {text};
  }

  static void AddPublished(const Table5Row* published, std::vector<Cell>& cells) {
    if (published == nullptr) {
      cells.resize(cells.size() + std::size(kFigures));
      return;
    }
    for (double value : {published->spectral_entropy, published->frequency_selectivity,
                         published->low_frequency_power_percent, published->scale_sensitivity_half,
                         published->scale_sensitivity_quarter}) {
      cells.emplace_back(value);
    }
  }

  const bool whole_;
  const bool published_;
  RowWriter rows_;
};

void AddCheckpoints(Table5Data& table, const std::string& model, Table5Writer& writer) {
  for (const v1::Checkpoint& checkpoint : table.sweep.checkpoints()) {
    if (checkpoint.model() != model) continue;
    const CheckpointFigures& figures = table.figures[{model, checkpoint.revision()}];
    writer.Add({model, checkpoint.revision(), checkpoint.alias_of(), figures.complete},
               PublishedTable5(model, checkpoint.revision()), figures.means, figures.rhos);
  }
}

void AddPatterns(const v1::ControlRows& patterns, Table5Writer& writer) {
  for (const v1::ControlRow& pattern : patterns.rows()) {
    std::map<std::string, double> values;
    for (int i = 0; i < std::min(pattern.values_size(), patterns.columns_size()); ++i) {
      values[patterns.columns(i)] = static_cast<double>(pattern.values(i));
    }
    writer.Add({"(pattern)", pattern.pattern(), "", true}, nullptr, values, {});
  }
}

bool HasPublished(const v1::Sweep& sweep, const std::string& model) {
  return std::any_of(sweep.checkpoints().begin(), sweep.checkpoints().end(),
                     [&](const v1::Checkpoint& checkpoint) {
                       return checkpoint.model() == model &&
                              PublishedTable5(model, checkpoint.revision()) != nullptr;
                     });
}

constexpr const char* kLegend =
    "\nlow %       power up to a quarter of the Nyquist frequency; scale a: sensitivity to "
    "shortening to a of the tokens\n"
    "~           the same with the keys of every row shuffled: what the figure would be without "
    "position\n"
    "sink        attention on the first token; cover: share of rows that have a spectrum\n"
    "reconstr.   float32 rounding of the wavelet transform; says nothing about the model\n"
    "rho         correlation over heads of positional and spectral entropy, mean over layers; "
    "rho*: without the sink\n"
    "below       fixed attention patterns of the same length through the same analysis, no model "
    "involved\n";

// A table a model, for people.
void PrintForPeople(Table5Data& table, std::ostream& out) {
  const v1::Sweep& sweep = table.sweep;
  for (const std::string& model : sweep.models()) {
    const bool published = HasPublished(sweep, model);
    out << "Table 5: " << model << ", " << sweep.sequences() << " sequences of "
        << sweep.corpus_name() << ", spec "
        << (sweep.spec().preset().empty() ? "of your own" : sweep.spec().preset()) << ' '
        << sweep.spec().digest().substr(0, 12) << "; means over heads\n";
    if (!published)
      out << "(the paper prints table 5 for Pythia 6.9B: no published figures to set beside "
             "these)\n";
    out << '\n';
    Table5Writer writer(Output::kTable, published, out);
    AddCheckpoints(table, model, writer);
    writer.AddSeparator();
    AddPatterns(table.patterns, writer);
    writer.Finish();
    out << kLegend;
  }
}

}  // namespace

absl::Status PrintTable5(Session& session, const std::string& sweep, std::ostream& out) {
  absl::StatusOr<Table5Data> table = ReadTable5(session, sweep);
  if (!table.ok()) return table.status();
  if (session.output == Output::kTable) {
    PrintForPeople(*table, out);
    return absl::OkStatus();
  }
  Table5Writer writer(session.output, /*published=*/true, out);
  for (const std::string& model : table->sweep.models()) AddCheckpoints(*table, model, writer);
  AddPatterns(table->patterns, writer);
  writer.Finish();
  return absl::OkStatus();
}

}  // namespace ondelette::client
