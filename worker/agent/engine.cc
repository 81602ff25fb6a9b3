#include "worker/agent/engine.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "worker/agent/frame_fields.h"
#include "worker/agent/log.h"
#include "worker/agent/oom_kills.h"

namespace ondelette::agent {
namespace {

constexpr absl::Duration kLongestBackOff = absl::Seconds(30);
// How long a process whose pipe has ended may take to end itself, so that its own exit status is
// seen and not our SIGKILL's.
constexpr absl::Duration kLastGasp = absl::Seconds(2);
constexpr int64_t kLargestLayersOrHeads = 1 << 16;

absl::Status DeathStatus(absl::string_view reason, absl::string_view what, const ProcessEnd& end,
                         absl::string_view remedy) {
  std::string message(what);
  if (!end.last_words.empty()) {
    absl::StrAppend(&message, "; the last lines of its log: ", end.last_words);
  }
  return MakeError(absl::StatusCode::kInternal, reason, message, remedy);
}

absl::Status Interrupted() {
  return MakeError(absl::StatusCode::kCancelled, "ENGINE_INTERRUPTED",
                   "the engine was ended because its work is not wanted any more");
}

// After these the state of the process, or of its device, is unknown.
bool NeedsNewProcess(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInternal ||
         status.code() == absl::StatusCode::kUnknown || ErrorReason(status) == "ENGINE_DEVICE";
}

}  // namespace

bool IsEngineDeath(const absl::Status& status) {
  const std::string reason = ErrorReason(status);
  return reason == "ENGINE_CRASHED" || reason == "ENGINE_OOM_KILLED" || reason == "ENGINE_EXITED" ||
         reason == "ENGINE_HUNG" || reason == "ENGINE_GARBLED";
}

bool IsEngineKilled(const absl::Status& status) { return ErrorReason(status) == "ENGINE_KILLED"; }

bool IsEngineUnavailable(const absl::Status& status) {
  return ErrorReason(status) == "ENGINE_UNAVAILABLE";
}

Engine::Engine(EngineOptions options, Telemetry* telemetry)
    : options_(std::move(options)), telemetry_(telemetry) {}

Engine::~Engine() {
  // At the end of its input an idle engine ends by itself.
  if (std::shared_ptr<EngineProcess> process = Drop()) process->Finish(absl::Seconds(2));
}

std::shared_ptr<EngineProcess> Engine::Drop() {
  info_.reset();
  loaded_digest_.clear();
  std::lock_guard lock(mutex_);
  return std::exchange(process_, nullptr);
}

void Engine::Interrupt() {
  std::lock_guard lock(mutex_);
  if (process_ != nullptr) process_->Kill();
}

void Engine::Stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    if (process_ != nullptr) process_->Kill();
  }
  stopped_.notify_all();
}

absl::Status Engine::BackOff() {
  std::unique_lock lock(mutex_);
  if (deaths_in_a_row_ >= 2) {
    absl::Duration wait = options_.first_back_off;
    for (int i = 2; i < deaths_in_a_row_ && wait < kLongestBackOff; ++i) wait *= 2;
    wait = std::min(wait, kLongestBackOff);
    stopped_.wait_for(lock, absl::ToChronoMilliseconds(wait), [this] { return stop_; });
  }
  return stop_ ? Interrupted() : absl::OkStatus();
}

absl::Status Engine::Start() {
  if (absl::Status status = BackOff(); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<EngineProcess>> started =
      EngineProcess::Start({options_.program, "serve", "--device", options_.device});
  if (!started.ok()) {
    ++deaths_in_a_row_;
    return started.status();
  }
  oom_kills_at_start_ = OomKills();
  std::lock_guard lock(mutex_);
  process_ = std::move(*started);
  if (stop_) process_->Kill();
  return absl::OkStatus();
}

absl::StatusOr<EngineInfo> Engine::ReadHello() {
  process_->KillAfter(options_.start_silence);
  absl::StatusOr<std::optional<Frame>> frame = ReadFrame(process_->output());
  process_->KillAfter(absl::InfiniteDuration());
  const bool hello = frame.ok() && frame->has_value() && (*frame)->Type() == "hello";
  if (!hello) {
    absl::Status death = Death("starting", "its first frame was not hello");
    if (ErrorReason(death) == "ENGINE_INTERRUPTED") return death;
    return MakeError(absl::StatusCode::kUnavailable, "ENGINE_UNAVAILABLE",
                     absl::StrCat(options_.program, " does not start: ", death.message()),
                     "run it by hand with the argument `serve` to see what is missing");
  }
  const nlohmann::json& header = (*frame)->header;
  EngineInfo info;
  info.version = TextField(header, "version");
  info.device = TextField(header, "device");
  info.memory_bytes = CountField(header, "memory_bytes").value_or(0);
  return info;
}

absl::StatusOr<EngineInfo> Engine::EnsureRunning() {
  if (process_ != nullptr && !process_->Running()) {
    // It died while it had nothing to do: no job is to blame.
    absl::Status death = Death("waiting for work");
    Log(death.message());
  }
  if (process_ == nullptr) {
    if (absl::Status status = Start(); !status.ok()) return status;
    absl::StatusOr<EngineInfo> info = ReadHello();
    if (!info.ok()) return info.status();
    info_ = *info;
  }
  return *info_;
}

nlohmann::json Engine::LoadHeader(absl::string_view type, absl::string_view digest,
                                  const std::string& folder, const Spec& spec) const {
  return {{"type", std::string(type)},
          {"checkpoint", folder},
          {"digest", std::string(digest)},
          {"spec", nlohmann::json::parse(SpecToJson(spec))},
          {"device", options_.device}};
}

void Engine::Prepare(absl::string_view digest, const std::string& folder, const Spec& spec) {
  std::shared_ptr<EngineProcess> process;
  {
    std::lock_guard lock(mutex_);
    process = process_;
  }
  // Where the engine is gone, the request under way says so.
  if (process != nullptr) process->Write(LoadHeader("prepare", digest, folder, spec)).IgnoreError();
}

absl::StatusOr<LoadedModel> Engine::Load(absl::string_view digest, const std::string& folder,
                                         const Spec& spec) {
  if (absl::StatusOr<EngineInfo> info = EnsureRunning(); !info.ok()) return info.status();
  const std::string variant = ModelVariant(spec);
  if (!digest.empty() && digest == loaded_digest_ && variant == loaded_variant_) {
    LoadedModel held = loaded_;
    held.seconds = 0;
    return held;
  }
  loaded_digest_.clear();
  const absl::Time start = absl::Now();
  absl::StatusOr<Frame> answer = Exchange(LoadHeader("load", digest, folder, spec), "", "loaded",
                                          [](const Frame&) { return absl::OkStatus(); });
  if (!answer.ok()) return answer.status();
  const int64_t layers = CountField(answer->header, "layers").value_or(0);
  const int64_t heads = CountField(answer->header, "heads").value_or(0);
  if (layers < 1 || heads < 1 || layers > kLargestLayersOrHeads || heads > kLargestLayersOrHeads) {
    return Nonsense("loading a checkpoint",
                    absl::StrCat("it says it loaded ", layers, " layers of ", heads, " heads"));
  }
  loaded_ = {static_cast<int>(layers), static_cast<int>(heads),
             TextField(answer->header, "architecture"), absl::ToDoubleSeconds(absl::Now() - start)};
  loaded_digest_ = std::string(digest);
  loaded_variant_ = variant;
  telemetry_->CountLoad(loaded_.seconds, CountField(answer->header, "bytes").value_or(0),
                        FlagField(answer->header, "prepared"));
  return loaded_;
}

absl::StatusOr<double> Engine::Analyze(const nlohmann::json& header, absl::string_view payload,
                                       OnFrame on_frame) {
  absl::StatusOr<Frame> answer = Exchange(header, payload, "done", on_frame);
  if (!answer.ok()) return answer.status();
  return NumberField(answer->header, "seconds");
}

absl::StatusOr<Frame> Engine::Controls(const nlohmann::json& spec) {
  if (absl::StatusOr<EngineInfo> info = EnsureRunning(); !info.ok()) return info.status();
  return Exchange({{"type", "controls"}, {"spec", spec}, {"device", options_.device}}, "",
                  "controls", [](const Frame&) { return absl::OkStatus(); });
}

absl::StatusOr<Frame> Engine::Exchange(const nlohmann::json& header, absl::string_view payload,
                                       absl::string_view answer, OnFrame on_frame) {
  if (process_ == nullptr) {
    return MakeError(absl::StatusCode::kInternal, "ENGINE_UNAVAILABLE", "no engine runs");
  }
  const absl::Time start = absl::Now();
  const std::string doing = absl::StrCat("handling a frame of type ", TextField(header, "type"));
  process_->KillAfter(options_.silence);
  absl::StatusOr<Frame> result = Frame();
  if (absl::Status written = process_->Write(header, payload); written.ok()) {
    result = ReadAnswer(doing, answer, on_frame);
  } else if (written.code() == absl::StatusCode::kAborted) {
    result = Death(doing);
  } else {
    result = written;  // too large a frame: nothing was sent
  }
  if (process_ != nullptr) process_->KillAfter(absl::InfiniteDuration());
  telemetry_->CountBusy(absl::ToDoubleSeconds(absl::Now() - start));
  if (result.ok()) deaths_in_a_row_ = 0;
  return result;
}

absl::StatusOr<Frame> Engine::ReadAnswer(absl::string_view doing, absl::string_view answer,
                                         OnFrame on_frame) {
  while (true) {
    process_->KillAfter(options_.silence);
    absl::StatusOr<std::optional<Frame>> frame = ReadFrame(process_->output());
    if (!frame.ok()) return Death(doing, frame.status().message());
    if (!frame->has_value()) return Death(doing);
    const std::string type = (*frame)->Type();
    if (type == answer) return std::move(**frame);
    if (type == "failed") return OnFailed(**frame);
    if (absl::Status status = on_frame(**frame); !status.ok()) {
      return Nonsense(doing, status.message());
    }
  }
}

absl::Status Engine::OnFailed(const Frame& frame) {
  absl::Status failed = StatusFromHeader(frame.header);
  if (!NeedsNewProcess(failed)) return failed;
  Log(absl::StrCat("the engine is started anew after: ", failed.message()));
  if (std::shared_ptr<EngineProcess> process = Drop()) process->Finish(absl::ZeroDuration());
  telemetry_->CountRestart("internal_error");
  return failed;
}

absl::Status Engine::Nonsense(absl::string_view doing, absl::string_view what) {
  std::shared_ptr<EngineProcess> process = Drop();
  const ProcessEnd end = process->Finish(absl::ZeroDuration());
  ++deaths_in_a_row_;
  telemetry_->CountRestart("garbled");
  return DeathStatus("ENGINE_GARBLED",
                     absl::StrCat("the engine (process ", process->pid(),
                                  ") sent what makes no sense while ", doing, ": ", what),
                     end, "use an engine and a worker of the same version");
}

absl::Status Engine::Killed(const std::string& subject, absl::string_view doing,
                            const ProcessEnd& end) {
  const std::optional<int64_t> oom_kills = OomKills();
  if (oom_kills.has_value() && oom_kills == oom_kills_at_start_) {
    telemetry_->CountRestart("killed");
    return DeathStatus("ENGINE_KILLED",
                       absl::StrCat(subject, "was killed from outside (SIGKILL) while ", doing,
                                    "; the kernel did not run out of memory"),
                       end, "nothing: the job is given out again");
  }
  telemetry_->CountRestart("out_of_memory");
  return DeathStatus("ENGINE_OOM_KILLED",
                     absl::StrCat(subject, "was killed (SIGKILL) while ", doing,
                                  ", most likely because memory ran out"),
                     end, "see the kernel's log; use a machine with more memory");
}

absl::Status Engine::Death(absl::string_view doing, absl::string_view detail) {
  std::shared_ptr<EngineProcess> process = Drop();
  const ProcessEnd end = process->Finish(kLastGasp);
  if (!end.by_us) ++deaths_in_a_row_;
  const std::string subject = absl::StrCat("the engine (process ", process->pid(), ") ");
  if (end.by_watchdog) {
    telemetry_->CountRestart("hang");
    return DeathStatus(
        "ENGINE_HUNG",
        absl::StrCat(subject, "was silent for too long while ", doing, " and was ended"), end,
        "raise --engine-timeout-seconds if the device is that slow");
  }
  if (end.by_us) {
    telemetry_->CountRestart("interrupted");
    return Interrupted();
  }
  if (end.overdue || (end.signal == 0 && end.exit_status == 0 && !detail.empty())) {
    telemetry_->CountRestart("garbled");
    return DeathStatus(
        "ENGINE_GARBLED",
        absl::StrCat(subject, "broke its pipe while ", doing, detail.empty() ? "" : ": ", detail),
        end, "use an engine and a worker of the same version");
  }
  if (end.signal == SIGKILL) return Killed(subject, doing, end);
  const bool crashed = end.signal != 0;
  telemetry_->CountRestart(crashed ? "crash" : "exit");
  return DeathStatus(crashed ? "ENGINE_CRASHED" : "ENGINE_EXITED",
                     absl::StrCat(subject, end.Text(), " while ", doing), end,
                     "see the last lines of its log in the message, or the worker's whole log");
}

}  // namespace ondelette::agent
