#include "worker/engine/program/runtime.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <malloc.h>
#include <torch/cuda.h>
#include <torch/version.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace ondelette::engine {
namespace {

constexpr char kReferenceBlas[] = "reference BLAS";

// Attention tiles are large and short-lived. glibc would map each anew and fault in every page
// (measured: attention at 2,048 tokens takes 1.9 to 3.3 times as long), so it keeps what is freed.
void KeepFreedMemory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
}

// One thread a processor this process may use, unless OMP_NUM_THREADS says otherwise: LibTorch's
// own count is 1 on machines whose topology it cannot read.
void ChooseThreads() {
  const char* given = std::getenv("OMP_NUM_THREADS");
  const unsigned processors = std::thread::hardware_concurrency();
  if (given == nullptr && processors > 0) at::set_num_threads(static_cast<int>(processors));
}

std::string ReadMaps() {
  std::ifstream file("/proc/self/maps");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

void SleepWhileWaiting(char** arguments) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  setenv("OMP_WAIT_POLICY", "passive", 1);
  setenv("GOMP_SPINCOUNT", "10000", 0);  // about half a millisecond
  execv("/proc/self/exe", arguments);    // returns only where it fails: then threads spin
}

std::string BlasName(absl::string_view maps, bool libtorch_has_mkl) {
  if (libtorch_has_mkl || absl::StrContains(maps, "libmkl")) return "MKL";
  // Debian's alternatives: LibTorch asks for libblas.so.3, and the path says whose that is.
  if (absl::StrContains(maps, "openblas")) return "OpenBLAS";
  if (absl::StrContains(maps, "blis")) return "BLIS";
  if (absl::StrContains(maps, "atlas")) return "ATLAS";
  return absl::StrContains(maps, "libblas.so") ? kReferenceBlas : "unknown";
}

std::string Runtime::Text() const {
  return absl::StrCat("ondelette-engine ", version, ", LibTorch ", libtorch, ", ", blas, ", ",
                      threads, threads == 1 ? " thread" : " threads");
}

Runtime StartRuntime() {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is a write error like any other
  KeepFreedMemory();
  // Subnormal probabilities cost ten times a normal one and lie far below every tolerance.
  at::globalContext().setFlushDenormal(true);
  ChooseThreads();
  at::globalContext().setAllowTF32CuBLAS(false);
  Runtime runtime;
  runtime.version = ONDELETTE_VERSION;
  runtime.libtorch =
      absl::StrCat(TORCH_VERSION_MAJOR, ".", TORCH_VERSION_MINOR, ".", TORCH_VERSION_PATCH);
  runtime.blas = BlasName(ReadMaps(), at::globalContext().hasMKL());
  runtime.threads = at::get_num_threads();
  if (runtime.blas == kReferenceBlas) {
    std::fprintf(
        stderr,
        "ondelette-engine: LibTorch uses the reference BLAS, which is 30 times slower than "
        "OpenBLAS (apt-get install libopenblas0-openmp)\n");
  }
  return runtime;
}

absl::StatusOr<c10::Device> ChooseDevice(absl::string_view name) {
  const auto count = static_cast<int64_t>(torch::cuda::device_count());
  if (name == "auto") {
    return count > 0 ? c10::Device(c10::DeviceType::CUDA, 0) : c10::Device(c10::DeviceType::CPU);
  }
  if (name == "cpu") return c10::Device(c10::DeviceType::CPU);
  int index = -1;
  if (!absl::StartsWith(name, "cuda:") || !absl::SimpleAtoi(name.substr(5), &index) || index < 0) {
    return MakeError(absl::StatusCode::kInvalidArgument, "DEVICE_INVALID",
                     absl::StrCat("no device is called '", name.substr(0, 80), "'"),
                     "use auto, cpu or cuda:N");
  }
  if (index >= count) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "DEVICE_MISSING",
        absl::StrCat("there is no device ", name, ": this engine sees ", count, " CUDA devices"),
        "use auto or cpu");
  }
  return c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace ondelette::engine
