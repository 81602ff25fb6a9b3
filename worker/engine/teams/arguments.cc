#include "worker/engine/teams/arguments.h"

#include <algorithm>

#include "worker/engine/teams/team_memory.h"

namespace ondelette::engine {

TeamShape ShapeOf(const SpectraArguments& arguments) {
  const TeamTile& tile = arguments.tile;
  int64_t numbers = 0;
  for (int sink = 0; sink < 2; ++sink) {
    if (!arguments.looked_at[sink]) continue;
    const TeamSpectrum& spectrum = arguments.spectrum[sink];
    // The row, or the window and its twin, and twice as many complex numbers as there are points.
    const int64_t row = tile.window > 0 ? 2 * int64_t{tile.window} : tile.tokens + int64_t{1};
    numbers = std::max(numbers, row + int64_t{4} * Spread(spectrum.fft.points));
  }
  return {tile.heads, tile.queries, tile.window > 0 ? tile.window : tile.tokens,
          (numbers + 4) * static_cast<int64_t>(sizeof(float))};
}

TeamShape ShapeOf(const WaveletArguments& arguments) {
  const TeamWavelet& wavelet = arguments.wavelet;
  // The signal, its coefficients, and two approximations.
  const int64_t numbers =
      wavelet.length + wavelet.coefficients + 2 * (static_cast<int64_t>(wavelet.length) + 4);
  return {arguments.tile.heads, arguments.tile.queries, wavelet.length,
          numbers * static_cast<int64_t>(sizeof(float))};
}

TeamShape ShapeOf(const SoftmaxArguments& arguments) {
  const int64_t bytes = arguments.keys * static_cast<int64_t>(sizeof(float));
  return {arguments.heads, arguments.queries, arguments.keys, arguments.in_place ? 0 : bytes};
}

TeamShape ShapeOf(const WindowArguments& arguments) {
  const SoftmaxArguments& rows = arguments.rows;
  return {rows.heads, rows.queries, rows.keys, 0};
}

TeamWavelet MakeTeamWavelet(const WaveletTable& table) {
  TeamWavelet wavelet{};
  wavelet.length = static_cast<int>(table.length);
  wavelet.steps = static_cast<int>(table.steps.size());
  wavelet.coefficients = static_cast<int>(table.coefficients);
  wavelet.periodic = table.periodic;
  wavelet.zeros = table.zeros;
  for (int at = 0; at < wavelet.steps; ++at) {
    const WaveletTable::Step& from = table.steps[at];
    TeamWavelet::Step& step = wavelet.step[at];
    step.length = static_cast<int>(from.length);
    step.half = static_cast<int>(from.half);
    step.left = static_cast<int>(from.left.size());
    step.right = static_cast<int>(from.right.size());
    std::copy(from.left.begin(), from.left.end(), step.from_left);
    std::copy(from.right.begin(), from.right.end(), step.from_right);
  }
  return wavelet;
}

std::vector<float> FftNumbers(const FftPlan& plan) {
  std::vector<float> numbers;
  for (const FftPlan::Pass& pass : plan.passes) {
    numbers.insert(numbers.end(), pass.twiddles.begin(), pass.twiddles.end());
    numbers.insert(numbers.end(), pass.roots.begin(), pass.roots.end());
  }
  return numbers;
}

TeamFft MakeTeamFft(const FftPlan& plan, const float* tables) {
  TeamFft fft{};
  fft.points = static_cast<int>(plan.length);
  for (const FftPlan::Pass& from : plan.passes) {
    TeamFft::Pass& pass = fft.pass[fft.passes++];
    pass = {static_cast<int>(from.radix), static_cast<int>(from.count),
            static_cast<int>(from.stride), tables, tables + from.twiddles.size()};
    tables = pass.roots + from.roots.size();
  }
  return fft;
}

}  // namespace ondelette::engine
