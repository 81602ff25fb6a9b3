// The process's settings, and what it runs on.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_RUNTIME_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_RUNTIME_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette::engine {

struct Runtime {
  std::string version;   // of Ondelette: "0.1.0"
  std::string libtorch;  // "1.13.0"
  std::string blas;      // "OpenBLAS", "MKL", "reference BLAS", ... or "unknown"
  int threads = 0;

  // "ondelette-engine 0.1.0, LibTorch 1.13.0, OpenBLAS, 2 threads"
  std::string Text() const;
};

// Makes threads that wait for each other spin for half a millisecond at the most and then
// sleep, which the OpenMP library reads from the environment when it is loaded: unless
// OMP_WAIT_POLICY says something already, sets it and runs this program anew in the same process,
// with the same arguments and files. Measured on 2 busy processors: 64 sequences through a network of
// 1 M parameters took 54 s spinning without a limit and 4 s sleeping; the short spin is a tenth
// faster than none on quiet processors, and a third on busy ones.
void SleepWhileWaiting(char** arguments);

// Settings that hold for the whole process. Call it once, first, from main, before any thread
// exists: threads inherit the treatment of subnormals from their creator. Warns on stderr where the
// BLAS is the reference one, which is 30 times slower.
Runtime StartRuntime();

// "auto" (the first CUDA device, else the CPU), "cpu" or "cuda:N". INVALID_ARGUMENT DEVICE_INVALID
// for anything else; FAILED_PRECONDITION DEVICE_MISSING where there is no such device.
absl::StatusOr<c10::Device> ChooseDevice(absl::string_view name);

// Which BLAS a process with these mapped files (the text of /proc/self/maps) calls.
std::string BlasName(absl::string_view maps, bool libtorch_has_mkl);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_RUNTIME_H_
