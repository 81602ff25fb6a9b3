#include "worker/engine/program/analyze.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/errors/errors.h"
#include "common/spec/columns.h"
#include "common/spec/spec.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/fit.h"
#include "worker/engine/model/load.h"
#include "worker/engine/program/attention_dump.h"
#include "worker/engine/program/flags.h"
#include "worker/engine/program/measure.h"
#include "worker/engine/program/output.h"
#include "worker/engine/program/record_line.h"
#include "worker/engine/program/runtime.h"
#include "worker/engine/program/sequence.h"

namespace ondelette::engine {
namespace {

constexpr size_t kLargestSpecFile = 1 << 20;

absl::StatusOr<std::string> ReadSpecFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kLargestSpecFile, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  if (!text.empty()) return text;
  return MakeError(absl::StatusCode::kNotFound, "SPEC_UNREADABLE",
                   absl::StrCat(path, ": there is no spec to read"),
                   "give a preset's name or a file with a spec as JSON");
}

absl::StatusOr<Spec> BaseSpec(const std::string& name) {
  if (!absl::EndsWith(name, ".json")) return PresetSpec(name);
  absl::StatusOr<std::string> text = ReadSpecFile(name);
  if (!text.ok()) return text.status();
  absl::StatusOr<Spec> spec = ParseSpec(*text);
  if (spec.ok()) return spec;
  return MakeError(spec.status().code(), ErrorReason(spec.status()),
                   absl::StrCat(name, ": ", spec.status().message()), ErrorRemedy(spec.status()));
}

absl::StatusOr<Spec> SpecFromFlags(const Flags& flags) {
  absl::StatusOr<Spec> spec = BaseSpec(flags.Get("--spec"));
  if (!spec.ok()) return spec.status();
  for (const std::string& override : flags.All("--set")) {
    const size_t equals = override.find('=');
    if (equals == std::string::npos) {
      return UsageError(absl::StrCat("--set is '", override, "': it takes field=value"));
    }
    absl::Status status =
        SetSpecField(override.substr(0, equals), override.substr(equals + 1), *spec);
    if (!status.ok()) return status;
  }
  if (absl::Status status = ValidateSpec(*spec); !status.ok()) return status;
  return spec;
}

absl::StatusOr<LayerRange> LayersFromFlags(const Flags& flags, int64_t layers) {
  if (!flags.Has("--layers")) return LayerRange{0, layers};
  const std::string text = flags.Get("--layers");
  const std::vector<std::string> ends = absl::StrSplit(text, ':');
  LayerRange range{};
  if (ends.size() == 2 && absl::SimpleAtoi(ends[0], &range.begin) &&
      absl::SimpleAtoi(ends[1], &range.end) && range.begin >= 0 && range.begin < range.end &&
      range.end <= layers) {
    return range;
  }
  return UsageError(absl::StrCat("--layers is '", text, "': it takes A:B with 0 <= A < B <= ",
                                 layers, ", the checkpoint's layers"),
                    "layers A to B-1 are measured");
}

// Everything a run needs, found and checked before anything large is loaded.
struct Job {
  Spec spec;
  c10::Device device{c10::DeviceType::CPU};
  std::shared_ptr<const Checkpoint> checkpoint;
  LayerRange layers{};
  std::vector<Sequence> sequences;
  std::unique_ptr<Output> output;
  std::unique_ptr<AttentionDump> dump;  // nullptr where none is wanted
};

absl::Status ReadJobSequences(const Flags& flags, Job& job) {
  const std::string path = flags.Get("--tokens");
  auto skipped = [](const std::string& sequence, const std::string& reason) {
    std::fprintf(stderr, "ondelette-engine: sequence '%s' is skipped: %s\n", sequence.c_str(),
                 reason.c_str());
  };
  absl::StatusOr<std::vector<Sequence>> sequences =
      ReadSequences(path, job.checkpoint->config().vocab, job.spec.tokens, skipped);
  if (!sequences.ok()) return sequences.status();
  job.sequences = *std::move(sequences);
  if (!job.sequences.empty()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "NO_SEQUENCES",
                   absl::StrCat(path, ": no sequence can be measured"),
                   "the reasons stand above, one a sequence");
}

absl::Status OpenOutputs(const Flags& flags, Job& job) {
  absl::StatusOr<std::unique_ptr<Output>> output = Output::Open(flags.Get("--output"));
  if (!output.ok()) return output.status();
  job.output = *std::move(output);
  if (!flags.Has("--dump-attention")) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<AttentionDump>> dump = AttentionDump::Create(
      flags.Get("--dump-attention"), job.sequences, job.layers, job.checkpoint->config().heads);
  if (!dump.ok()) return dump.status();
  job.dump = *std::move(dump);
  return absl::OkStatus();
}

absl::StatusOr<Job> PrepareJob(const Flags& flags) {
  Job job;
  absl::StatusOr<Spec> spec = SpecFromFlags(flags);
  if (!spec.ok()) return spec.status();
  job.spec = *spec;
  absl::StatusOr<c10::Device> device = ChooseDevice(flags.Get("--device", "auto"));
  if (!device.ok()) return device.status();
  job.device = *device;
  absl::StatusOr<Checkpoint> checkpoint = Checkpoint::Open(flags.Get("--checkpoint"));
  if (!checkpoint.ok()) return checkpoint.status();
  job.checkpoint = std::make_shared<const Checkpoint>(*std::move(checkpoint));
  const ModelConfig& config = job.checkpoint->config();
  if (absl::Status fits = CheckSpecFitsModel(job.spec, config); !fits.ok()) return fits;
  absl::StatusOr<LayerRange> layers = LayersFromFlags(flags, StackLayers(job.spec, config));
  if (!layers.ok()) return layers.status();
  job.layers = *layers;
  if (absl::Status status = ReadJobSequences(flags, job); !status.ok()) return status;
  if (absl::Status status = OpenOutputs(flags, job); !status.ok()) return status;
  return job;
}

// Lines by layer and head of records [layers, heads, columns].
absl::Status WriteRecords(const Job& job, const std::vector<Column>& columns,
                          const Sequence& sequence, const at::Tensor& records) {
  const auto* values = records.data_ptr<float>();
  for (int64_t layer = 0; layer < records.size(0); ++layer) {
    for (int64_t head = 0; head < records.size(1); ++head) {
      const std::span<const float> record(values, columns.size());
      absl::Status status = job.output->Write(
          RecordLine(columns, sequence.id, job.layers.begin + layer, head, record));
      if (!status.ok()) return status;
      values += columns.size();
    }
  }
  return absl::OkStatus();
}

absl::Status Measure(const Job& job, Model& model,
                     const std::shared_ptr<const AnalysisPlan>& plan) {
  const std::vector<Column> columns = Columns(job.spec);
  std::vector<std::span<const int32_t>> tokens;
  for (const Sequence& sequence : job.sequences) tokens.emplace_back(sequence.tokens);
  MeasureSink sink;
  sink.records = [&](size_t sequence, const at::Tensor& records) {
    return WriteRecords(job, columns, job.sequences[sequence], records);
  };
  if (job.dump != nullptr) {
    sink.attention = [&](size_t sequence, int64_t layer, int64_t first, const at::Tensor& tile) {
      return job.dump->Write(job.sequences[sequence].id, layer, first, tile);
    };
  }
  absl::Status status = MeasureSequences(model, plan, tokens, job.layers, sink);
  if (!status.ok()) return status;
  if (job.dump != nullptr) {
    if (status = job.dump->Finish(); !status.ok()) return status;
  }
  return job.output->Finish();
}

absl::StatusOr<Placement> PlacementFromFlags(const Flags& flags) {
  const std::string word = flags.Get("--weights", "auto");
  if (word == "auto") return Placement::kAuto;
  if (word == "held") return Placement::kHeld;
  if (word == "streamed") return Placement::kStreamed;
  return UsageError(absl::StrCat("--weights is '", word, "': it takes auto, held or streamed"));
}

}  // namespace

const char kAnalyzeHelp[] =
    R"(usage: ondelette-engine analyze --checkpoint DIR --tokens FILE.jsonl --spec SPEC [options]

Runs every sequence through the checkpoint and writes a line of JSON for each layer and head.

  --checkpoint DIR        folder with config.json and weights (safetensors or PyTorch .bin)
  --tokens FILE.jsonl     lines {"id": "...", "tokens": [int, ...]}; longer sequences are cut to the
                          spec's tokens, shorter or invalid ones named on stderr and left out
  --spec SPEC             relative-window, paper-table5, paper-table1, paper-literal, or a FILE.json
  --set FIELD=VALUE       changes a field of the spec; may be given again
  --device auto|cpu|cuda:N
  --layers A:B            measure layers A to B-1 only
  --weights auto|held|streamed
                          all in memory, or a layer's at a time; auto holds them where they fit
  --dump-attention FILE.safetensors
                          also write the attention, tensors SEQUENCE/LAYER of [heads, n, n]
  --output FILE.jsonl     instead of standard output; appears when the run succeeds

exit status: 0 done, 1 a fault (one message on stderr says where), 2 a wrong command line

examples:
  ondelette-engine analyze --checkpoint pythia-70m --tokens corpus.jsonl --spec paper-table5
  ondelette-engine analyze --checkpoint pythia-70m --tokens corpus.jsonl --spec relative-window \
    --set tokens=512 --set 'alphas=[0.5]' --layers 2:4 --output records.jsonl
)";

absl::Status AnalyzeCommand(std::span<const std::string> arguments) {
  static constexpr FlagDefinition kFlags[] = {
      {"--checkpoint", true}, {"--tokens", true},   {"--spec", true},
      {"--set", false, true}, {"--device"},         {"--layers"},
      {"--weights"},          {"--dump-attention"}, {"--output"},
  };
  absl::StatusOr<Flags> flags = Flags::Parse(arguments, kFlags);
  if (!flags.ok()) return flags.status();
  absl::StatusOr<Placement> placement = PlacementFromFlags(*flags);
  if (!placement.ok()) return placement.status();
  absl::StatusOr<Job> job = PrepareJob(*flags);
  if (!job.ok()) return job.status();
  absl::StatusOr<std::unique_ptr<Model>> model =
      LoadModel(job->checkpoint, job->spec,
                {.device = job->device, .layers = job->layers.end, .placement = *placement});
  if (!model.ok()) return model.status();
  absl::StatusOr<std::shared_ptr<const AnalysisPlan>> plan =
      AnalysisPlan::Create(job->spec, job->device, (*model)->causal(), (*model)->prefix_exact());
  if (!plan.ok()) return plan.status();
  return Measure(*job, **model, *plan);
}

}  // namespace ondelette::engine
