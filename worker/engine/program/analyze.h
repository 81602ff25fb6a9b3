// `ondelette-engine analyze`: sequences of a file through a checkpoint, records out as lines of
// JSON.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_ANALYZE_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_ANALYZE_H_

#include <span>
#include <string>

#include "absl/status/status.h"

namespace ondelette::engine {

// The command. Its arguments are those after "analyze". Errors name the flag, field, file or tensor
// at fault; a sequence that cannot be measured is no error (it is named on stderr) unless none was
// left: INVALID_ARGUMENT NO_SEQUENCES.
absl::Status AnalyzeCommand(std::span<const std::string> arguments);
extern const char kAnalyzeHelp[];

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_ANALYZE_H_
