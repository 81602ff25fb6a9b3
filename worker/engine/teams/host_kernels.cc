#include <vector>

#include "worker/engine/teams/kernels.h"
#include "worker/engine/teams/team.h"
#include "worker/engine/teams/team_spectra.h"
#include "worker/engine/teams/team_wavelets.h"

namespace ondelette::engine {
namespace {

struct alignas(16) Unit {
  char bytes[16];
};

// kernel(team, head, row, memory) for every row of the tile.
template <typename Team, typename Kernel>
void ForEachRow(const TeamTile& tile, int64_t bytes, Kernel kernel) {
  std::vector<Unit> memory(static_cast<size_t>(bytes) / sizeof(Unit) + 1);
  for (int head = 0; head < tile.heads; ++head) {
    for (int at = 0; at < tile.queries; ++at) kernel(Team(), head, at, memory.data()->bytes);
  }
}

template <typename Kernel>
void Run(const TeamTile& tile, int length, int64_t bytes, Kernel kernel) {
  switch (TeamSize(length)) {
    case 32:
      return ForEachRow<HostTeam<32>>(tile, bytes, kernel);
    case 128:
      return ForEachRow<HostTeam<128>>(tile, bytes, kernel);
    default:
      return ForEachRow<HostTeam<256>>(tile, bytes, kernel);
  }
}

}  // namespace

void SpectraOnHost(const SpectraArguments& arguments) {
  Run(arguments.tile, SignalLength(arguments.tile), SpectraBytes(arguments),
      [&](const auto& team, int head, int at, char* memory) {
        TeamSpectra(team, arguments, head, at, memory);
      });
}

void WaveletsOnHost(const WaveletArguments& arguments) {
  Run(arguments.tile, arguments.wavelet.length, WaveletBytes(arguments.wavelet),
      [&](const auto& team, int head, int at, char* memory) {
        TeamWavelets(team, arguments, head, at, memory);
      });
}

}  // namespace ondelette::engine
