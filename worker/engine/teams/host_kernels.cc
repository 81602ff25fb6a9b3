#include <vector>

#include "worker/engine/teams/kernels.h"
#include "worker/engine/teams/team.h"
#include "worker/engine/teams/team_softmax.h"
#include "worker/engine/teams/team_spectra.h"
#include "worker/engine/teams/team_wavelets.h"

namespace ondelette::engine {
namespace {

struct alignas(16) Unit {
  char bytes[16];
};

template <int size, typename Arguments>
void ForEachRow(const Arguments& arguments, const TeamShape& shape) {
  std::vector<Unit> memory(static_cast<size_t>(shape.bytes) / sizeof(Unit) + 1);
  for (int head = 0; head < shape.heads; ++head) {
    for (int row = 0; row < shape.rows; ++row) {
      RunTeam(HostTeam<size>(), arguments, head, row, memory.data()->bytes);
    }
  }
}

template <typename Arguments>
void Run(const Arguments& arguments) {
  const TeamShape shape = ShapeOf(arguments);
  switch (TeamSize(shape.length)) {
    case 32:
      return ForEachRow<32>(arguments, shape);
    case 128:
      return ForEachRow<128>(arguments, shape);
    default:
      return ForEachRow<256>(arguments, shape);
  }
}

}  // namespace

void RunOnHost(const SpectraArguments& arguments) { Run(arguments); }
void RunOnHost(const WaveletArguments& arguments) { Run(arguments); }
void RunOnHost(const SoftmaxArguments& arguments) { Run(arguments); }
void RunOnHost(const WindowArguments& arguments) { Run(arguments); }

}  // namespace ondelette::engine
