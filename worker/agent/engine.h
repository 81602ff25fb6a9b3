// The engine as the agent sees it: a process that may crash, hang, babble or run out of memory, and
// is started again each time. The agent lives.
#ifndef ONDELETTE_WORKER_AGENT_ENGINE_H_
#define ONDELETTE_WORKER_AGENT_ENGINE_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/spec/spec.h"
#include "worker/agent/engine_process.h"
#include "worker/agent/telemetry.h"
#include "worker/engine/frames/frame.h"

namespace ondelette::agent {

struct EngineOptions {
  std::string program;                                      // path of ondelette-engine
  std::string device = "auto";                              // "auto", "cpu" or "cuda:N"
  absl::Duration silence = absl::Minutes(10);               // longer without a frame is a hang
  absl::Duration start_silence = absl::Minutes(2);          // the same for the first frame
  absl::Duration first_back_off = absl::Milliseconds(200);  // before a restart after two deaths
};

// What the engine's hello says.
struct EngineInfo {
  std::string version;
  std::string device;
  int64_t memory_bytes = 0;
};

struct LoadedModel {
  int layers = 0;
  int heads = 0;
  std::string architecture;
  double seconds = 0;  // of the load that this call did; 0 where the checkpoint was held already
};

// Whether a status says that the engine died, hung or stopped making sense under the request.
bool IsEngineDeath(const absl::Status& status);
// Whether it says that somebody killed a sound engine: an accident of this machine, not the job's.
bool IsEngineKilled(const absl::Status& status);
// Whether it says that no engine could be started: nobody's job is to blame.
bool IsEngineUnavailable(const absl::Status& status);

// One engine. Everything but Prepare, Interrupt and Stop belongs to one thread, which must live as
// long as the engine is wanted (see EngineProcess).
//
// Errors of a request: what the engine's `failed` frame says; or, with IsEngineDeath,
//   ENGINE_CRASHED (a signal), ENGINE_OOM_KILLED (SIGKILL, and the kernel ran out of memory),
//   ENGINE_EXITED, ENGINE_HUNG (silent for longer than `silence`), ENGINE_GARBLED (what it sent is
//   not an answer), each with the last lines of its stderr; ENGINE_KILLED where somebody sent it a
//   SIGKILL while there was memory; ENGINE_UNAVAILABLE where it cannot be started;
//   ENGINE_INTERRUPTED after Interrupt or Stop.
// After a death the next request starts a new engine; from the second death in a row on after a
// wait that doubles up to 30 seconds.
class Engine {
 public:
  // Called with each records, skipped and progress frame of an analysis. An error it returns means
  // that the frame makes no sense: the engine is ended and the request is ENGINE_GARBLED.
  using OnFrame = absl::FunctionRef<absl::Status(const Frame&)>;

  Engine(EngineOptions options, Telemetry* telemetry);  // does not own telemetry
  ~Engine();

  // Starts the engine if it does not run, and waits for its hello.
  absl::StatusOr<EngineInfo> EnsureRunning();

  // Makes the engine hold the checkpoint in `folder`, read as the spec wants it (ModelVariant).
  // `digest` names the checkpoint: the one already held is not read again.
  absl::StatusOr<LoadedModel> Load(absl::string_view digest, const std::string& folder,
                                   const Spec& spec);
  // Digest of the checkpoint it holds, or "".
  const std::string& loaded() const { return loaded_digest_; }

  // The next Load reads the files again.
  void Forget() { loaded_digest_.clear(); }

  // Sends an `analyze` frame and passes on what comes before `done`; the time from there.
  absl::StatusOr<double> Analyze(const nlohmann::json& header, absl::string_view payload,
                                 OnFrame on_frame);
  // Sends a `controls` frame; the answer.
  absl::StatusOr<Frame> Controls(const nlohmann::json& spec);

  // The answer to the last request made no sense as a whole: ends the engine; an ENGINE_GARBLED.
  absl::Status Refuse(absl::string_view what) { return Nonsense("answering", what); }

  // Thread-safe: tells the engine which checkpoint comes next, so that it loads it beside its work
  // where there is memory for both. Nothing comes back; Load says how it went.
  void Prepare(absl::string_view digest, const std::string& folder, const Spec& spec);

  // Thread-safe: ends the engine's process; the request under way fails with ENGINE_INTERRUPTED.
  void Interrupt();
  // Thread-safe: as Interrupt, and no engine is started any more.
  void Stop();

 private:
  nlohmann::json LoadHeader(absl::string_view type, absl::string_view digest,
                            const std::string& folder, const Spec& spec) const;
  absl::Status Start();
  absl::Status BackOff();
  absl::StatusOr<EngineInfo> ReadHello();
  absl::StatusOr<Frame> Exchange(const nlohmann::json& header, absl::string_view payload,
                                 absl::string_view answer, OnFrame on_frame);
  absl::StatusOr<Frame> ReadAnswer(absl::string_view doing, absl::string_view answer,
                                   OnFrame on_frame);
  absl::Status OnFailed(const Frame& frame);
  // The pipe has ended, or what comes is no frame: waits for the process's end and says why.
  absl::Status Death(absl::string_view doing, absl::string_view detail = "");
  // Of a process that SIGKILL ended, which was not ours.
  absl::Status Killed(const std::string& subject, absl::string_view doing, const ProcessEnd& end);
  // A frame made no sense: ends the process.
  absl::Status Nonsense(absl::string_view doing, absl::string_view what);
  std::shared_ptr<EngineProcess> Drop();

  const EngineOptions options_;
  Telemetry* const telemetry_;
  std::optional<EngineInfo> info_;
  std::string loaded_digest_;
  std::string loaded_variant_;
  LoadedModel loaded_;
  int deaths_in_a_row_ = 0;
  std::optional<int64_t> oom_kills_at_start_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable stopped_;
  std::shared_ptr<EngineProcess> process_;  // null where none runs
  bool stop_ = false;
};

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_ENGINE_H_
