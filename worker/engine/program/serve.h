// `ondelette-engine serve`: the engine's side of the frames of worker/engine/frames/frame.h.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_SERVE_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_SERVE_H_

#include <span>
#include <string>

#include "absl/status/status.h"
#include "worker/engine/program/runtime.h"

namespace ondelette::engine {

// Answers frames from standard input on standard output until its end. Anything else that would be
// printed to standard output goes to standard error instead, so that nothing can break a frame.
// Requests that fail are answered with `failed` and the engine lives on, but for a lost device. An
// error here is a broken pipe, in either direction, or a lost device.
absl::Status ServeCommand(std::span<const std::string> arguments, const Runtime& runtime);
extern const char kServeHelp[];

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_SERVE_H_
