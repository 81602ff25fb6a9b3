// Checkpoints into memory for `serve`: at once, or beside the work under way.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_LOADING_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_LOADING_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "common/spec/spec.h"
#include "worker/engine/checkpoint/model_config.h"
#include "worker/engine/model/large_memory.h"
#include "worker/engine/model/model.h"
#include "worker/engine/model/placement.h"

namespace ondelette::engine {

// What a `load` or `prepare` frame asks for.
struct LoadRequest {
  std::string folder;
  std::string digest;  // which files the agent means; "" where it does not say
  Spec spec;
  c10::Device device = at::kCPU;

  // Whether a checkpoint loaded for the other serves this one too.
  bool SameAs(const LoadRequest& other) const;
};

struct LoadedCheckpoint {
  LoadRequest request;  // what was asked for
  std::unique_ptr<Model> model;
  ModelConfig config;
  int64_t bytes = 0;      // of its weights in memory
  bool prepared = false;  // it came from NextCheckpoint
};

// The device a frame names, or `device` where it names none. Errors are ChooseDevice's.
absl::StatusOr<c10::Device> DeviceOf(const nlohmann::json& header, c10::Device device);

// INVALID_ARGUMENT FRAME_INVALID naming the field; SPEC_INVALID; DeviceOf's errors.
absl::StatusOr<LoadRequest> ReadLoadRequest(const nlohmann::json& header, c10::Device device);

// Errors are Checkpoint::Open's, CheckSpecFitsModel's and LoadModel's.
// Of the options the device is the request's.
absl::StatusOr<LoadedCheckpoint> LoadCheckpoint(const LoadRequest& request, LoadOptions options);

// The next checkpoint, loaded by a thread of its own while the engine computes with another. Used
// by one thread.
class NextCheckpoint {
 public:
  // Begins; where another is begun and was not taken yet, once it has been. Only memory that is free
  // by then is taken: where the weights do not fit beside what is there, nothing comes of it.
  void Begin(LoadRequest request);
  // What was begun, if it is what `request` asks for and came to something: waits for its end and
  // calls `waiting` about once a second meanwhile. Anything else is dropped, once it has ended;
  // whoever loads the checkpoint then is told what is wrong with it.
  std::optional<LoadedCheckpoint> Take(const LoadRequest& request,
                                       absl::FunctionRef<void()> waiting);
  // `loaded` has taken its place: begins what was asked for meanwhile.
  void Continue(const LoadRequest& loaded);
  // The work is done: where nothing was begun meanwhile, gives back what is kept for it.
  void Rest();

 private:
  void Start(LoadRequest request);

  LoadRequest request_;
  std::future<absl::StatusOr<LoadedCheckpoint>> loading_;  // invalid where nothing was begun
  std::optional<LoadRequest> after_;                       // what is begun then
  // From a checkpoint that was taken on: the memory of the one before it serves the next.
  std::optional<LargeMemory::Keep> keep_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_LOADING_H_
