#include "worker/engine/transforms/prime_split.h"

#include <cmath>
#include <cstddef>
#include <set>

namespace ondelette::engine {
namespace {

constexpr double kTurn = 6.283185307179586;  // 2 pi

std::vector<int64_t> PowersOf(int64_t g, int64_t r) {
  std::vector<int64_t> powers = {1};
  while (static_cast<int64_t>(powers.size()) < r - 1) powers.push_back(powers.back() * g % r);
  return powers;
}

// The powers of the smallest number that reaches all of 1..r-1.
std::vector<int64_t> PowersOfGenerator(int64_t r) {
  for (int64_t g = 2;; ++g) {
    std::vector<int64_t> powers = PowersOf(g, r);
    if (std::set<int64_t>(powers.begin(), powers.end()).size() == powers.size()) return powers;
  }
}

}  // namespace

// Below 29, what is saved goes into the order.
bool PrimeSplit::Pays(int64_t radix) { return radix >= 29 && radix % 4 == 1; }

PrimeSplit::PrimeSplit(int64_t radix)
    : quarter((radix - 1) / 4), rounded((quarter + kTogether - 1) / kTogether * kTogether) {
  const std::vector<int64_t> all = PowersOfGenerator(radix);
  powers.assign(all.begin(), all.begin() + 2 * quarter);
  auto angle = [&](int64_t m) {
    return -kTurn * static_cast<double>(all[static_cast<size_t>(m % (radix - 1))]) /
           static_cast<double>(radix);
  };
  for (int64_t m = 0; m < quarter + rounded - 1; ++m) {
    const double c = std::cos(angle(m)), c_later = std::cos(angle(m + quarter));
    const double e = std::sin(angle(m)), e_later = std::sin(angle(m + quarter));
    const double met[kSums] = {(c + c_later) / 2, (c - c_later) / 2, e_later, e - e_later,
                               e + e_later};
    for (size_t sum = 0; sum < kSums; ++sum) filters[sum].push_back(static_cast<float>(met[sum]));
  }
}

}  // namespace ondelette::engine
