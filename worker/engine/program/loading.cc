#include "worker/engine/program/loading.h"

#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/model/fit.h"
#include "worker/engine/model/load.h"
#include "worker/engine/model/own_stream.h"
#include "worker/engine/program/analyze_request.h"
#include "worker/engine/program/guard.h"
#include "worker/engine/program/runtime.h"
#include "worker/engine/program/spread_threads.h"

namespace ondelette::engine {
namespace {

constexpr std::chrono::seconds kSignOfLife(1);
// Left free beside two checkpoints: the work under way may still grow.
constexpr int64_t kSpare = int64_t{2} << 30;

// On a thread of its own: nothing may be thrown out of it.
absl::StatusOr<LoadedCheckpoint> LoadBeside(const LoadRequest& request) {
  absl::StatusOr<LoadedCheckpoint> loaded = absl::UnknownError("not loaded");
  RoamFreely();
  const absl::Status status = Guard([&] {
    const OwnStream stream(request.device);
    loaded = LoadCheckpoint(request, {.placement = Placement::kHeld, .work_space = kSpare});
    return loaded.status();
  });
  if (!status.ok()) return status;
  return loaded;
}

}  // namespace

bool LoadRequest::SameAs(const LoadRequest& other) const {
  return !digest.empty() && digest == other.digest && folder == other.folder &&
         device == other.device && ModelVariant(spec) == ModelVariant(other.spec);
}

absl::StatusOr<c10::Device> DeviceOf(const nlohmann::json& header, c10::Device device) {
  auto name = header.find("device");
  if (name == header.end() || !name->is_string()) return device;
  return ChooseDevice(name->get<std::string>());
}

absl::StatusOr<LoadRequest> ReadLoadRequest(const nlohmann::json& header, c10::Device device) {
  absl::StatusOr<c10::Device> chosen = DeviceOf(header, device);
  if (!chosen.ok()) return chosen.status();
  auto folder = header.find("checkpoint");
  if (folder == header.end() || !folder->is_string()) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "FRAME_INVALID",
        absl::StrCat("a ", header.value("type", ""), " frame's field 'checkpoint' is no string"));
  }
  absl::StatusOr<Spec> spec = SpecOf(header);
  if (!spec.ok()) return spec.status();
  LoadRequest request{folder->get<std::string>(), "", *std::move(spec), *chosen};
  if (auto digest = header.find("digest"); digest != header.end() && digest->is_string()) {
    request.digest = digest->get<std::string>();
  }
  return request;
}

absl::StatusOr<LoadedCheckpoint> LoadCheckpoint(const LoadRequest& request, LoadOptions options) {
  absl::StatusOr<Checkpoint> opened = Checkpoint::Open(request.folder);
  if (!opened.ok()) return opened.status();
  auto checkpoint = std::make_shared<const Checkpoint>(*std::move(opened));
  LoadedCheckpoint loaded;
  loaded.request = request;
  loaded.config = checkpoint->config();
  if (absl::Status fits = CheckSpecFitsModel(request.spec, loaded.config); !fits.ok()) return fits;
  options.device = request.device;
  options.progress = [&loaded, progress = options.progress](int64_t done, int64_t total) {
    loaded.bytes = total;
    if (progress) progress(done, total);
  };
  absl::StatusOr<std::unique_ptr<Model>> model =
      LoadModel(std::move(checkpoint), request.spec, options);
  if (!model.ok()) return model.status();
  loaded.model = *std::move(model);
  return loaded;
}

void NextCheckpoint::Begin(LoadRequest request) {
  if (!loading_.valid()) return Start(std::move(request));
  // The one before may not have been asked for yet: its `load` frame comes later than this.
  if (!request_.SameAs(request)) after_ = std::move(request);
}

void NextCheckpoint::Start(LoadRequest request) {
  request_ = std::move(request);
  loading_ = std::async(std::launch::async, LoadBeside, request_);
}

std::optional<LoadedCheckpoint> NextCheckpoint::Take(const LoadRequest& request,
                                                     absl::FunctionRef<void()> waiting) {
  if (!loading_.valid()) return std::nullopt;
  while (loading_.wait_for(kSignOfLife) != std::future_status::ready) waiting();
  absl::StatusOr<LoadedCheckpoint> loaded = loading_.get();
  const bool taken = loaded.ok() && request_.SameAs(request);
  keep_.reset();  // nobody asked for what is kept still
  if (!taken) return std::nullopt;
  keep_.emplace();
  loaded->prepared = true;
  return *std::move(loaded);
}

void NextCheckpoint::Continue(const LoadRequest& loaded) {
  const std::optional<LoadRequest> after = std::exchange(after_, std::nullopt);
  if (after && !loading_.valid() && !after->SameAs(loaded)) Start(*after);
}

void NextCheckpoint::Rest() {
  if (!loading_.valid()) keep_.reset();
}

}  // namespace ondelette::engine
