// A GPU's team against its reference on the CPU: the same bits.

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "block.h"
#include "worker/engine/teams/kernels.h"
#include "worker/engine/teams/team_softmax.h"
#include "worker/engine/teams/team_spectra.h"
#include "worker/engine/teams/team_wavelets.h"

namespace ondelette::engine {
namespace {

std::vector<float> Numbers(size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform;
  std::vector<float> numbers(count);
  for (float& number : numbers) number = uniform(generator);
  return numbers;
}

struct alignas(16) Unit {
  char bytes[16];
};

template <typename Team>
float SumOf(const Team& team, const std::vector<float>& numbers) {
  return team.Reduce(
      static_cast<int>(numbers.size()), 0.0F, [&](float& part, int i) { part += numbers[i]; },
      [](float& part, float other) { part += other; });
}

template <int size>
void ExpectSameSums() {
  for (size_t count : {0, 1, 31, 32, 33, 100, 1000}) {
    const std::vector<float> numbers = Numbers(count, 1);
    const float expected = SumOf(HostTeam<size>(), numbers);
    std::vector<Unit> memory(DeviceTeam<size>::kBytes / sizeof(Unit));
    std::vector<float> sums(size);
    Block::Run(size, [&] {
      const DeviceTeam<size> team(memory.data()->bytes);
      // Twice, so that the second would meet what the first left behind.
      SumOf(team, numbers);
      sums[threadIdx.x] = SumOf(team, numbers);
    });
    for (float sum : sums) EXPECT_EQ(sum, expected) << size << " threads, " << count;
  }
}

TEST(DeviceTeam, SumsInTheSameOrder) {
  ExpectSameSums<32>();
  ExpectSameSums<128>();
  ExpectSameSums<256>();
}

TEST(DeviceTeam, DoesEverythingOnce) {
  std::vector<int> done(1000);
  std::vector<Unit> memory(DeviceTeam<128>::kBytes / sizeof(Unit));
  int seen = 0;
  Block::Run(128, [&] {
    const DeviceTeam<128> team(memory.data()->bytes);
    team.For(1000, [&](int i) { ++done[i]; });
    team.For(1, [&](int) {
      for (int one : done) seen += one;
    });
  });
  EXPECT_EQ(done, std::vector<int>(1000, 1));
  EXPECT_EQ(seen, 1000);
}

// Causal attention of one head, and a permutation of every row's keys.
struct Rows {
  explicit Rows(int n) : tokens(n), attention(Numbers(static_cast<size_t>(n) * n, 2)) {
    for (int row = 0; row < n; ++row) {
      float sum = 0;
      for (int key = 0; key < n; ++key) sum += key <= row ? attention[row * n + key] : 0;
      for (int key = 0; key < n; ++key) {
        float& number = attention[row * n + key];
        number = key <= row ? number / sum : 0;
      }
    }
  }
  TeamTile Tile(int window) const {
    return {attention.data(), 0, tokens, 1, tokens, tokens, 0, tokens, window, true, false};
  }
  // Every signal's numbers back to front.
  static std::vector<int32_t> BackToFront(int signals, int length) {
    std::vector<int32_t> keys;
    for (int i = 0; i < signals * length; ++i) keys.push_back(length - 1 - i % length);
    return keys;
  }
  int tokens;
  std::vector<float> attention;
};

struct Spectrum {
  Spectrum(int length, int points, bool centred)
      : plan(points), numbers(FftNumbers(plan)), weights(Numbers(length, 3)) {
    table = {MakeTeamFft(plan, numbers.data()),
             length,
             weights.data(),
             centred,
             true,
             true,
             0,
             {points / 8, points / 4, points / 2 + 1 - points / 8 - points / 4}};
  }
  FftPlan plan;
  std::vector<float> numbers, weights;
  TeamSpectrum table;
};

// `kernel(team, row, memory)` of the rows, by HostTeam and by threads, into results of the same kind.
template <int size, typename Result, typename Kernel>
void ExpectSameResults(const std::vector<int>& rows, int64_t bytes, size_t results, Kernel kernel) {
  std::vector<Result> expected(results), found(results);
  std::vector<Unit> memory(static_cast<size_t>(bytes) / sizeof(Unit) + 1);
  std::vector<Unit> parts(DeviceTeam<size>::kBytes / sizeof(Unit));
  for (int row : rows) kernel(HostTeam<size>(), expected.data(), row, memory.data()->bytes);
  Block::Run(size, [&] {
    const DeviceTeam<size> team(parts.data()->bytes);
    for (int row : rows) kernel(team, found.data(), row, memory.data()->bytes);
  });
  EXPECT_EQ(std::memcmp(expected.data(), found.data(), results * sizeof(Result)), 0);
}

TEST(DeviceTeam, SpectraOfRowsAreTheReferences) {
  const Rows rows(112);  // 8 x 2 x 7, and without the sink 3 x 37
  const Spectrum kept(112, 112, false), dropped(111, 111, false);
  const std::vector<int32_t> whole = Rows::BackToFront(112, 112),
                             rest = Rows::BackToFront(111, 111);
  SpectraArguments arguments{};
  arguments.tile = rows.Tile(0);
  arguments.looked_at[0] = arguments.looked_at[1] = true;
  arguments.spectrum[0] = kept.table;
  arguments.spectrum[1] = dropped.table;
  arguments.shuffle[0] = {whole.data(), 0};
  arguments.shuffle[1] = {rest.data(), 0};
  arguments.local_width = 16;
  const std::vector<int> some = {0, 1, 15, 111};
  ExpectSameResults<128, RowFigures>(some, ShapeOf(arguments).bytes, 112,
                                     [&](auto team, RowFigures* out, int row, char* memory) {
                                       SpectraArguments mine = arguments;
                                       mine.figures = out;
                                       RunTeam(team, mine, 0, row, memory);
                                     });
}

TEST(DeviceTeam, SpectraOfWindowsAreTheReferences) {
  const Rows rows(70);
  const Spectrum spectrum(64, 128, true);
  const std::vector<int32_t> keys = Rows::BackToFront(6, 64);
  SpectraArguments arguments{};
  arguments.tile = rows.Tile(64);
  arguments.looked_at[0] = true;
  arguments.spectrum[0] = spectrum.table;
  arguments.shuffle[0] = {keys.data(), 0};
  arguments.local_width = 16;
  ExpectSameResults<32, RowFigures>({3, 64, 69}, ShapeOf(arguments).bytes, 70,
                                    [&](auto team, RowFigures* out, int row, char* memory) {
                                      SpectraArguments mine = arguments;
                                      mine.figures = out;
                                      RunTeam(team, mine, 0, row, memory);
                                    });
}

TEST(DeviceTeam, WaveletsAreTheReferences) {
  const Rows rows(111);
  WaveletTable table;
  table.length = 111;
  for (int64_t length : {111, 57, 30}) {
    const int64_t half = (length + 3) / 2;
    std::vector<int64_t> right;
    for (int64_t t = length; t < 2 * half; ++t) right.push_back(2 * length - 1 - t);
    table.steps.push_back({length, half, {1, 0}, right});
    table.coefficients += half;
  }
  table.coefficients += table.steps.back().half;
  WaveletArguments arguments{};
  arguments.tile = rows.Tile(0);
  arguments.wavelet = MakeTeamWavelet(table);
  arguments.within_scale = arguments.reconstructed = true;
  const auto width = static_cast<size_t>(WaveletFigures(arguments.wavelet));
  const auto coefficients = static_cast<size_t>(table.coefficients);
  ExpectSameResults<128, float>({0, 3, 110}, ShapeOf(arguments).bytes, 111 * (width + coefficients),
                                [&](auto team, float* out, int row, char* memory) {
                                  WaveletArguments mine = arguments;
                                  mine.figures = out;
                                  mine.coefficients = out + 111 * width;
                                  RunTeam(team, mine, 0, row, memory);
                                });
}

TEST(DeviceTeam, WindowsAreTheReferences) {
  constexpr int kQueries = 40, kKeys = 60, kWindow = 24, kSignals = kQueries - 4;
  std::vector<float> scores = Numbers(kQueries * kKeys, 6);
  const std::vector<int32_t> keys = Rows::BackToFront(kSignals, kWindow);
  WindowArguments arguments{};
  arguments.rows = {scores.data(), 1, kQueries, kKeys, 20, 0, 10, 0, true, 0, nullptr, 0, false};
  arguments.window = kWindow;
  arguments.local_width = 16;
  arguments.shuffle = {keys.data(), 0};
  constexpr size_t kNumbers = 2 * kSignals * kWindow;
  ExpectSameResults<32, float>({0, 9, 39}, ShapeOf(arguments).bytes, kNumbers + 3 * kQueries,
                               [&](auto team, float* out, int row, char* memory) {
                                 WindowArguments mine = arguments;
                                 mine.windows = out;
                                 mine.twins = out + kNumbers / 2;
                                 mine.masses = reinterpret_cast<WindowMasses*>(out + kNumbers);
                                 RunTeam(team, mine, 0, row, memory);
                               });
}

TEST(DeviceTeam, SoftmaxIsTheReference) {
  constexpr int kKeys = 300;
  const std::vector<float> scores = Numbers(8 * kKeys, 4), bias = Numbers(2 * kKeys - 1, 5);
  SoftmaxArguments arguments{nullptr, 1,    8,   kKeys,       kKeys - 8, 0,    10,
                             50,      true, 200, bias.data(), kKeys,     false};
  for (bool in_place : {false, true}) {
    arguments.in_place = in_place;
    ExpectSameResults<128, float>(
        {0, 3, 7}, kKeys * sizeof(float), scores.size(),
        [&](auto team, float* out, int row, char* memory) {
          SoftmaxArguments mine = arguments;
          mine.scores = out;
          const int begin = row * kKeys;
          team.For(kKeys, [&](int k) { out[begin + k] = scores[static_cast<size_t>(begin) + k]; });
          RunTeam(team, mine, 0, row, memory);
        });
  }
}

}  // namespace
}  // namespace ondelette::engine
