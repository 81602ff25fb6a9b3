#include "worker/engine/program/serve.h"

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
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/frames/frame.h"
#include "worker/engine/model/fit.h"
#include "worker/engine/model/large_memory.h"
#include "worker/engine/model/load.h"
#include "worker/engine/model/memory.h"
#include "worker/engine/program/analyze_request.h"
#include "worker/engine/program/controls.h"
#include "worker/engine/program/flags.h"
#include "worker/engine/program/guard.h"
#include "worker/engine/program/measure.h"
#include "worker/engine/program/sequence.h"

namespace ondelette::engine {
namespace {

using nlohmann::json;

constexpr absl::Duration kLoadProgressEvery = absl::Seconds(1);

absl::string_view Bytes(const at::Tensor& contiguous) {
  return {static_cast<const char*>(contiguous.data_ptr()), contiguous.nbytes()};
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
      absl::StatusOr<std::optional<Frame>> frame = ReadFrame(in_);
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
    if (type == "analyze") return Analyze(frame);
    if (type == "controls") return Controls(frame.header);
    return MakeError(absl::StatusCode::kInvalidArgument, "FRAME_INVALID",
                     absl::StrCat("no frame is of type '", type.substr(0, 80), "'"),
                     "use an engine and a worker of the same version");
  }

  // The device a frame names, or the one from the command line.
  absl::StatusOr<c10::Device> DeviceOf(const json& header) const {
    auto name = header.find("device");
    if (name == header.end() || !name->is_string()) return device_;
    return ChooseDevice(name->get<std::string>());
  }

  absl::Status Load(const json& header) {
    const absl::Time start = absl::Now();
    const LargeMemory::Keep keep;  // the next checkpoint of the same model is as large
    model_.reset();
    absl::StatusOr<c10::Device> device = DeviceOf(header);
    if (!device.ok()) return device.status();
    ReleaseFreedMemory(*device);
    auto folder = header.find("checkpoint");
    if (folder == header.end() || !folder->is_string()) {
      return MakeError(absl::StatusCode::kInvalidArgument, "FRAME_INVALID",
                       "a load frame's field 'checkpoint' is not a string");
    }
    absl::StatusOr<Spec> spec = SpecOf(header);
    if (!spec.ok()) return spec.status();
    absl::StatusOr<Checkpoint> opened = Checkpoint::Open(folder->get<std::string>());
    if (!opened.ok()) return opened.status();
    auto checkpoint = std::make_shared<const Checkpoint>(*std::move(opened));
    config_ = checkpoint->config();
    if (absl::Status fits = CheckSpecFitsModel(*spec, config_); !fits.ok()) return fits;
    int64_t bytes = 0;
    absl::Time next = absl::InfinitePast();
    const LoadProgress progress = [&](int64_t done, int64_t total) {
      bytes = total;
      if (absl::Now() < next) return;
      next = absl::Now() + kLoadProgressEvery;
      // A pipe that broke is noticed when the answer is sent.
      Send({{"type", "progress"}, {"bytes_done", done}, {"bytes_total", total}}).IgnoreError();
    };
    absl::StatusOr<std::unique_ptr<Model>> model =
        LoadModel(checkpoint, *spec, {.device = *device, .progress = progress});
    if (!model.ok()) return model.status();
    model_ = *std::move(model);
    variant_ = ModelVariant(*spec);
    return Send({{"type", "loaded"},
                 {"layers", model_->layers()},
                 {"heads", model_->heads()},
                 {"architecture", ArchitectureName(config_.architecture)},
                 {"bytes", bytes},
                 {"seconds", absl::ToDoubleSeconds(absl::Now() - start)}});
  }

  absl::Status Analyze(const Frame& frame) {
    const absl::Time start = absl::Now();
    if (model_ == nullptr) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "NOTHING_LOADED",
                       "an analyze frame came before a checkpoint was loaded");
    }
    absl::StatusOr<AnalyzeRequest> request = ReadAnalyzeRequest(frame);
    if (!request.ok()) return request.status();
    if (ModelVariant(request->spec) != variant_) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "NOTHING_LOADED",
                       absl::StrCat("an analyze frame asks for ", ModelVariant(request->spec),
                                    ", and what is loaded has ", variant_));
    }
    if (absl::Status fits = CheckSpecFitsModel(request->spec, config_); !fits.ok()) return fits;
    absl::StatusOr<std::shared_ptr<const AnalysisPlan>> plan = AnalysisPlan::Create(
        request->spec, model_->device(), model_->causal(), model_->prefix_exact());
    if (!plan.ok()) return plan.status();
    if (absl::Status status = Measure(*request, *plan); !status.ok()) return status;
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
    absl::Status status = MeasureSequences(*model_, plan, tokens, {0, model_->layers()}, sink);
    if (!status.ok()) return status;
    return SendSkipped(request, answered, request.sequences.size());
  }

  std::string Problem(const AnalyzeRequest& request, const RequestSequence& sequence) const {
    return SequenceProblem(sequence.tokens, model_->vocabulary(), request.spec.tokens);
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
    absl::StatusOr<c10::Device> device = DeviceOf(header);
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
  std::unique_ptr<Model> model_;  // nullptr before the first load, and after one that failed
  std::string variant_;           // of the spec it was loaded for
  ModelConfig config_;            // of the checkpoint
  absl::Status written_;          // the first error of the pipe: nothing is sent after it
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
