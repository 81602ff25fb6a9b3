#include "worker/engine/program/serve.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/errors/errors.h"
#include "worker/engine/frames/frame.h"
#include "worker/engine/model/fit.h"
#include "worker/engine/model/large_memory.h"
#include "worker/engine/model/memory.h"
#include "worker/engine/program/analyze_request.h"
#include "worker/engine/program/controls.h"
#include "worker/engine/program/flags.h"
#include "worker/engine/program/guard.h"
#include "worker/engine/program/loading.h"
#include "worker/engine/program/measure.h"
#include "worker/engine/program/sequence.h"
#include "worker/engine/program/spread_threads.h"

namespace ondelette::engine {
namespace {

using nlohmann::json;

constexpr absl::Duration kLoadProgressEvery = absl::Seconds(1);

absl::string_view Bytes(const at::Tensor& contiguous) {
  return {static_cast<const char*>(contiguous.data_ptr()), contiguous.nbytes()};
}

// Whether a read would not block.
bool HasInput(int in) {
  pollfd entry{in, POLLIN, 0};
  return poll(&entry, 1, 0) == 1;
}

// One engine over one pair of pipes. A status that is not OK from a handler is what `failed` says.
class Server {
 public:
  Server(int in, int out, c10::Device device) : in_(in), out_(out), device_(device) {}

  absl::Status Hello(const Runtime& runtime) {
    return Send({{"type", "hello"},
                 {"version", runtime.version},
                 {"device", device_.str()},
                 {"blas", runtime.blas},
                 {"libtorch", runtime.libtorch},
                 {"threads", runtime.threads},
                 {"memory_bytes", AvailableMemory(device_)}});
  }

  absl::Status Run() {
    while (true) {
      absl::StatusOr<std::optional<Frame>> frame =
          waiting_.has_value() ? *std::exchange(waiting_, std::nullopt) : ReadFrame(in_);
      if (!frame.ok()) return frame.status();
      if (!frame->has_value()) return absl::OkStatus();
      absl::Status status = Guard([&] { return Handle(**frame); });
      if (!written_.ok()) return written_;
      if (status.ok()) continue;
      json header = StatusToHeader(status);
      if (auto job = (*frame)->header.find("job"); job != (*frame)->header.end()) {
        header["job"] = *job;
      }
      if (absl::Status sent = Send(header); !sent.ok()) return sent;
      if (DeviceLost(status)) return status;
    }
  }

 private:
  absl::Status Send(const json& header, absl::string_view payload = "") {
    if (written_.ok()) written_ = WriteFrame(out_, header, payload);
    return written_;
  }

  absl::Status Handle(const Frame& frame) {
    const std::string type = frame.Type();
    if (type == "load") return Load(frame.header);
    if (type == "prepare") {
      Prepare(frame.header);
      return absl::OkStatus();
    }
    if (type == "analyze") return Analyze(frame);
    if (type == "controls") return Controls(frame.header);
    return MakeError(absl::StatusCode::kInvalidArgument, "FRAME_INVALID",
                     absl::StrCat("no frame is of type '", type.substr(0, 80), "'"),
                     "use an engine and a worker of the same version");
  }

  absl::Status Load(const json& header) {
    const absl::Time start = absl::Now();
    absl::StatusOr<LoadRequest> request = ReadLoadRequest(header, device_);
    if (!request.ok()) {
      Drop(device_);
      return request.status();
    }
    absl::StatusOr<LoadedCheckpoint> loaded = TakeOrLoad(*request);
    if (!loaded.ok()) return loaded.status();
    loaded_ = *std::move(loaded);
    next_.Continue(loaded_.request);
    return Send({{"type", "loaded"},
                 {"layers", loaded_.model->layers()},
                 {"heads", loaded_.model->heads()},
                 {"architecture", ArchitectureName(loaded_.config.architecture)},
                 {"bytes", loaded_.bytes},
                 {"prepared", loaded_.prepared},
                 {"seconds", absl::ToDoubleSeconds(absl::Now() - start)}});
  }

  // What is loaded beside the work, if it is what is asked for, else what is loaded now.
  absl::StatusOr<LoadedCheckpoint> TakeOrLoad(const LoadRequest& request) {
    // A pipe that broke is noticed when the answer is sent.
    if (auto next = next_.Take(request, [this] { Send({{"type", "progress"}}).IgnoreError(); })) {
      return *std::move(next);
    }
    const LargeMemory::Keep keep;  // the next checkpoint of the same model is as large
    Drop(request.device);
    absl::Time next = absl::InfinitePast();
    const LoadProgress progress = [&](int64_t done, int64_t total) {
      if (absl::Now() < next) return;
      next = absl::Now() + kLoadProgressEvery;
      Send({{"type", "progress"}, {"bytes_done", done}, {"bytes_total", total}}).IgnoreError();
    };
    return LoadCheckpoint(request, {.progress = progress});
  }

  void Drop(c10::Device device) {
    loaded_ = {};
    ReleaseFreedMemory(device);
  }

  // Not answered: what is wrong with the request, the `load` that follows will say.
  void Prepare(const json& header) {
    absl::StatusOr<LoadRequest> request = ReadLoadRequest(header, device_);
    if (request.ok() && !request->SameAs(loaded_.request)) next_.Begin(*std::move(request));
  }

  // While a request is under way: takes `prepare` frames, and keeps the first other one for later.
  void LookForPrepare() {
    while (!waiting_.has_value() && HasInput(in_)) {
      absl::StatusOr<std::optional<Frame>> frame = ReadFrame(in_);
      if (frame.ok() && frame->has_value() && (*frame)->Type() == "prepare") {
        Prepare((*frame)->header);
      } else {
        waiting_ = std::move(frame);
      }
    }
  }

  absl::Status Analyze(const Frame& frame) {
    const absl::Time start = absl::Now();
    if (loaded_.model == nullptr) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "NOTHING_LOADED",
                       "an analyze frame came before a checkpoint was loaded");
    }
    absl::StatusOr<AnalyzeRequest> request = ReadAnalyzeRequest(frame);
    if (!request.ok()) return request.status();
    const std::string variant = ModelVariant(loaded_.request.spec);
    if (ModelVariant(request->spec) != variant) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "NOTHING_LOADED",
                       absl::StrCat("an analyze frame asks for ", ModelVariant(request->spec),
                                    ", and what is loaded has ", variant));
    }
    if (absl::Status fits = CheckSpecFitsModel(request->spec, loaded_.config); !fits.ok())
      return fits;
    absl::StatusOr<std::shared_ptr<const AnalysisPlan>> plan =
        AnalysisPlan::Create(request->spec, loaded_.model->device(), loaded_.model->causal(),
                             loaded_.model->prefix_exact());
    if (!plan.ok()) return plan.status();
    const absl::Status status = [&] {
      const SpreadThreads spread;
      return Measure(*request, *plan);
    }();
    next_.Rest();
    if (!status.ok()) return status;
    return Send({{"type", "done"},
                 {"job", request->job},
                 {"seconds", absl::ToDoubleSeconds(absl::Now() - start)}});
  }

  // Measures what can be measured of the request, and answers for its sequences in their order.
  absl::Status Measure(const AnalyzeRequest& request,
                       const std::shared_ptr<const AnalysisPlan>& plan) {
    std::vector<std::span<const int32_t>> tokens;
    std::vector<size_t> places;  // of the measured ones among all
    for (size_t at = 0; at < request.sequences.size(); ++at) {
      const RequestSequence& sequence = request.sequences[at];
      if (!Problem(request, sequence).empty()) continue;
      tokens.push_back(sequence.tokens.first(static_cast<size_t>(request.spec.tokens)));
      places.push_back(at);
    }
    size_t answered = 0;
    MeasureSink sink;
    sink.progress = [&](size_t, int64_t layer) {
      LookForPrepare();
      return Send({{"type", "progress"},
                   {"job", request.job},
                   {"sequences_done", answered},
                   {"layers_done", layer + 1}});
    };
    sink.records = [&](size_t sequence, const at::Tensor& records) {
      absl::Status status = SendSkipped(request, answered, places[sequence]);
      if (status.ok()) status = SendRecords(request, places[sequence], records);
      answered = places[sequence] + 1;
      return status;
    };
    absl::Status status =
        MeasureSequences(*loaded_.model, plan, tokens, {0, loaded_.model->layers()}, sink);
    if (!status.ok()) return status;
    return SendSkipped(request, answered, request.sequences.size());
  }

  std::string Problem(const AnalyzeRequest& request, const RequestSequence& sequence) const {
    return SequenceProblem(sequence.tokens, loaded_.model->vocabulary(), request.spec.tokens);
  }

  // Of sequences first..end-1, none of which can be measured.
  absl::Status SendSkipped(const AnalyzeRequest& request, size_t first, size_t end) {
    for (size_t at = first; at < end; ++at) {
      const RequestSequence& sequence = request.sequences[at];
      absl::Status status = Send({{"type", "skipped"},
                                  {"job", request.job},
                                  {"sequence", sequence.index},
                                  {"reason", Problem(request, sequence)}});
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status SendRecords(const AnalyzeRequest& request, size_t at, const at::Tensor& records) {
    return Send({{"type", "records"},
                 {"job", request.job},
                 {"sequence", request.sequences[at].index},
                 {"layers", records.size(0)},
                 {"heads", records.size(1)},
                 {"columns", records.size(2)}},
                Bytes(records));
  }

  absl::Status Controls(const json& header) {
    absl::StatusOr<c10::Device> device = DeviceOf(header, device_);
    if (!device.ok()) return device.status();
    absl::StatusOr<Spec> spec = SpecOf(header);
    if (!spec.ok()) return spec.status();
    absl::StatusOr<at::Tensor> figures = MeasureControls(*spec, *device);
    if (!figures.ok()) return figures.status();
    return Send({{"type", "controls"}, {"patterns", ControlNames()}, {"columns", figures->size(1)}},
                Bytes(*figures));
  }

  const int in_, out_;
  const c10::Device device_;
  LoadedCheckpoint loaded_;  // without a model before the first load, and after one that failed
  NextCheckpoint next_;
  std::optional<absl::StatusOr<std::optional<Frame>>> waiting_;  // read ahead, for Run
  absl::Status written_;  // the first error of the pipe: nothing is sent after it
};

// Keeps the pipe for frames alone: what else is printed to standard output goes to standard error.
absl::StatusOr<int> TakeStandardOutput() {
  const int frames = dup(STDOUT_FILENO);
  if (frames >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) return frames;
  return absl::InternalError(absl::StrCat("cannot set up the pipe: ", std::strerror(errno)));
}

}  // namespace

const char kServeHelp[] =
    R"(usage: ondelette-engine serve [--device auto|cpu|cuda:N]

Measures for ondelette-worker, which starts it: frames on standard input and output
(worker/engine/frames/frame.h has the protocol). Ends with its input.
)";

absl::Status ServeCommand(std::span<const std::string> arguments, const Runtime& runtime) {
  static constexpr FlagDefinition kFlags[] = {{"--device"}};
  absl::StatusOr<Flags> flags = Flags::Parse(arguments, kFlags);
  if (!flags.ok()) return flags.status();
  absl::StatusOr<c10::Device> device = ChooseDevice(flags->Get("--device", "auto"));
  if (!device.ok()) return device.status();
  absl::StatusOr<int> out = TakeStandardOutput();
  if (!out.ok()) return out.status();
  Server server(STDIN_FILENO, *out, *device);
  if (absl::Status status = server.Hello(runtime); !status.ok()) return status;
  return server.Run();
}

}  // namespace ondelette::engine
