#include "worker/agent/job_runner.h"

#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"
#include "common/errors/errors.h"
#include "common/spec/columns.h"
#include "common/spec/spec.h"
#include "worker/agent/frame_fields.h"
#include "worker/agent/utf8.h"
#include "worker/hub/checkpoint_files.h"

namespace ondelette::agent {
namespace {

static_assert(std::endian::native == std::endian::little, "frames and records are little-endian");

// Takes the engine's answers in the order of the sequences.
class RecordCollector {
 public:
  RecordCollector(const PreparedJob& job, const LoadedModel& model, JobControl& control)
      : job_(job),
        model_(model),
        control_(control),
        record_bytes_(int64_t{4} * model.layers * model.heads * job.columns) {}

  int64_t record_bytes() const { return record_bytes_; }

  absl::Status OnFrame(const Frame& frame) {
    const std::string type = frame.Type();
    if (type == "progress") {
      const int64_t done = CountField(frame.header, "sequences_done").value_or(0);
      control_.sequences_done = std::min<int64_t>(done, job_.lease.sequences());
      return absl::OkStatus();
    }
    if (type != "records" && type != "skipped") {
      return absl::InvalidArgumentError(absl::StrCat("an unknown frame of type '", type, "'"));
    }
    if (next_ == job_.sequences.size()) {
      return absl::InvalidArgumentError("more answers than sequences");
    }
    const PreparedSequence& expected = job_.sequences[next_];
    const std::optional<int64_t> index = CountField(frame.header, "sequence");
    if (index != expected.index) {
      return absl::InvalidArgumentError(absl::StrCat("an answer for sequence ", index.value_or(-1),
                                                     " where ", expected.index, " was due"));
    }
    ++next_;
    return type == "records" ? TakeRecords(frame, expected) : TakeSkipped(frame, expected);
  }

  // Whether every sequence was answered.
  absl::Status Complete() const {
    if (next_ == job_.sequences.size()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("done after ", next_, " of ", job_.sequences.size(), " sequences"));
  }

  std::string records;
  v1::JobSucceeded succeeded;

 private:
  absl::Status TakeRecords(const Frame& frame, const PreparedSequence& sequence) {
    const bool fits = CountField(frame.header, "layers") == model_.layers &&
                      CountField(frame.header, "heads") == model_.heads &&
                      CountField(frame.header, "columns") == job_.columns &&
                      static_cast<int64_t>(frame.payload.size()) == record_bytes_;
    if (!fits) {
      return absl::InvalidArgumentError(
          absl::StrCat("the record of sequence ", sequence.index, " has ", frame.payload.size(),
                       " bytes for [", CountField(frame.header, "layers").value_or(-1), ", ",
                       CountField(frame.header, "heads").value_or(-1), ", ",
                       CountField(frame.header, "columns").value_or(-1), "]; [", model_.layers,
                       ", ", model_.heads, ", ", job_.columns, "] was due"));
    }
    v1::MeasuredSequence* measured = succeeded.add_measured();
    measured->set_sequence(sequence.index);
    measured->set_tokens_digest(TokensDigest(sequence.tokens));
    records.append(frame.payload);
    return absl::OkStatus();
  }

  absl::Status TakeSkipped(const Frame& frame, const PreparedSequence& sequence) {
    v1::SkippedSequence* skipped = succeeded.add_skipped();
    skipped->set_sequence(sequence.index);
    const std::string reason = TextField(frame.header, "reason");
    skipped->set_reason(ToUtf8({reason.data(), reason.size()}, kLongestReason));
    return absl::OkStatus();
  }

  const PreparedJob& job_;
  const LoadedModel model_;
  JobControl& control_;
  const int64_t record_bytes_;
  size_t next_ = 0;
};

nlohmann::json AnalyzeHeader(const PreparedJob& job) {
  nlohmann::json sequences = nlohmann::json::array();
  for (const PreparedSequence& sequence : job.sequences) {
    sequences.push_back({{"sequence", sequence.index}, {"tokens", sequence.tokens.size()}});
  }
  return {{"type", "analyze"},
          {"job", job.lease.id().job()},
          {"spec", nlohmann::json::parse(job.spec_json)},
          {"sequences", std::move(sequences)}};
}

std::string TokenBytes(const PreparedJob& job) {
  std::string bytes;
  for (const PreparedSequence& sequence : job.sequences) {
    bytes.append(reinterpret_cast<const char*>(sequence.tokens.data()),
                 sequence.tokens.size() * sizeof(int32_t));
  }
  return bytes;
}

absl::Status TooLarge(int64_t bytes) {
  return MakeError(absl::StatusCode::kInvalidArgument, "JOB_TOO_LARGE",
                   absl::StrCat("the job's records would have ", bytes, " bytes, ", kLargestResult,
                                " are allowed"),
                   "submit the sweep with fewer sequences a job");
}

absl::Status NothingMeasured(const v1::JobSucceeded& result) {
  return MakeError(absl::StatusCode::kInvalidArgument, "SEQUENCES_UNUSABLE",
                   absl::StrCat("none of the job's ", result.skipped_size(),
                                " sequences can be measured; the first, sequence ",
                                result.skipped(0).sequence(), ": ", result.skipped(0).reason()),
                   "correct the corpus, or choose the model that its tokens are of");
}

absl::StatusOr<std::shared_ptr<const FinishedJob>> Run(const PreparedJob& job, JobControl& control,
                                                       Engine& engine) {
  const absl::Time start = absl::Now();
  if (control.cancelled) return absl::CancelledError("the job is not wanted any more");
  absl::StatusOr<Spec> spec = ParseSpec(job.spec_json);
  if (!spec.ok()) return spec.status();
  absl::StatusOr<LoadedModel> model =
      engine.Load(job.checkpoint->digest, job.checkpoint->folder, *spec);
  if (!model.ok()) return model.status();
  absl::StatusOr<EngineInfo> info = engine.EnsureRunning();
  if (!info.ok()) return info.status();
  if (control.cancelled) return absl::CancelledError("the job is not wanted any more");
  RecordCollector collector(job, *model, control);
  const int64_t bytes = collector.record_bytes() * static_cast<int64_t>(job.sequences.size());
  if (collector.record_bytes() > kLargestResult || bytes > kLargestResult) return TooLarge(bytes);
  absl::StatusOr<double> seconds =
      engine.Analyze(AnalyzeHeader(job), TokenBytes(job),
                     [&collector](const Frame& frame) { return collector.OnFrame(frame); });
  if (!seconds.ok()) return seconds.status();
  if (absl::Status status = collector.Complete(); !status.ok()) {
    return engine.Refuse(status.message());
  }
  // The engine maps the files: what changed before now may be in the records.
  if (absl::Status status = VerifyUnchanged(*job.checkpoint); !status.ok()) {
    engine.Forget();
    return status;
  }
  auto finished = std::make_shared<FinishedJob>();
  finished->kind = FinishedJob::Kind::kSucceeded;
  finished->lease = job.lease.id();
  finished->records = std::move(collector.records);
  v1::JobSucceeded& result = finished->succeeded;
  result = std::move(collector.succeeded);
  for (const v1::SkippedSequence& skipped : job.skipped) *result.add_skipped() = skipped;
  if (result.measured_size() == 0) return NothingMeasured(result);
  *result.mutable_lease() = job.lease.id();
  result.set_layers(model->layers);
  result.set_heads(model->heads);
  result.set_columns(job.columns);
  result.set_record_bytes(static_cast<int64_t>(finished->records.size()));
  result.set_record_digest(Sha256Of(finished->records));
  result.set_architecture(model->architecture);
  result.set_engine_version(info->version);
  result.set_device(info->device);
  result.set_dtype("float32");
  result.set_load_seconds(model->seconds);
  result.set_compute_seconds(absl::ToDoubleSeconds(absl::Now() - start) - model->seconds);
  return std::shared_ptr<const FinishedJob>(std::move(finished));
}

}  // namespace

std::shared_ptr<const FinishedJob> RunJob(const PreparedJob& job, JobControl& control,
                                          Engine& engine) {
  absl::StatusOr<std::shared_ptr<const FinishedJob>> finished = Run(job, control, engine);
  return finished.ok() ? *finished : JobWithoutResult(job.lease.id(), finished.status());
}

absl::StatusOr<v1::Controls> RunControls(absl::string_view spec_json, Engine& engine) {
  absl::StatusOr<Spec> spec = ParseSpec(spec_json);
  if (!spec.ok()) return spec.status();
  const size_t columns = Columns(*spec).size();
  absl::StatusOr<Frame> answer = engine.Controls(nlohmann::json::parse(SpecToJson(*spec)));
  if (!answer.ok()) return answer.status();
  const auto names = answer->header.find("patterns");
  const bool fits = names != answer->header.end() && names->is_array() && names->size() <= 64 &&
                    answer->payload.size() == names->size() * columns * sizeof(float);
  if (!fits) {
    return engine.Refuse(absl::StrCat("controls of ", answer->payload.size(),
                                      " bytes where every pattern has ", columns, " columns"));
  }
  v1::Controls controls;
  size_t offset = 0;
  for (const nlohmann::json& name : *names) {
    v1::ControlPattern* pattern = controls.add_patterns();
    pattern->set_name(name.is_string() ? name.get<std::string>() : "");
    pattern->mutable_values()->Resize(static_cast<int>(columns), 0.0F);
    std::memcpy(pattern->mutable_values()->mutable_data(), answer->payload.data() + offset,
                columns * sizeof(float));
    offset += columns * sizeof(float);
  }
  return controls;
}

}  // namespace ondelette::agent
