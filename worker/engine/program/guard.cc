#include "worker/engine/program/guard.h"

#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <exception>
#include <new>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::engine {
namespace {

constexpr absl::string_view kDeviceReason = "CUDA_FAILED";

absl::Status OutOfMemory(absl::string_view what) {
  return MakeError(absl::StatusCode::kResourceExhausted, "ENGINE_OUT_OF_MEMORY",
                   absl::StrCat("the engine ran out of memory: ", what),
                   "use fewer tokens, or a machine or device with more memory");
}

// The first line: LibTorch adds a backtrace below it.
std::string FirstLine(absl::string_view text) {
  return std::string(text.substr(0, std::min(text.find('\n'), text.size())));
}

absl::Status FromLibTorch(const std::string& what) {
  const std::string line = FirstLine(what);
  if (absl::StrContains(what, "can't allocate memory") ||
      absl::StrContains(what, "out of memory")) {
    return OutOfMemory(line);
  }
  if (absl::StrContains(what, "CUDA error") || absl::StrContains(what, "CUFFT")) {
    return MakeError(absl::StatusCode::kUnavailable, kDeviceReason,
                     absl::StrCat("the device failed: ", line), "see the engine's log");
  }
  return MakeError(absl::StatusCode::kInternal, "ENGINE_FAULT",
                   absl::StrCat("LibTorch failed: ", line), "please report this");
}

}  // namespace

absl::Status Guard(absl::FunctionRef<absl::Status()> work) {
  try {
    c10::InferenceMode no_gradients;
    return work();
  } catch (const c10::Error& error) {
    return FromLibTorch(error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return OutOfMemory("an allocation failed");
  } catch (const std::exception& error) {
    return FromLibTorch(error.what());
  }
}

bool DeviceLost(const absl::Status& status) { return ErrorReason(status) == kDeviceReason; }

}  // namespace ondelette::engine
