// How a transform of a prime number of points is cut into convolutions of a quarter of its length.
//
// With a generator g of the numbers 1..r-1 modulo r, and numbers and outputs in the order of its
// powers, the r - 1 numbers meet the root exp(-2 pi i g^(a+b) / r) at output g^b: a correlation
// (Rader, "Discrete Fourier transforms when the number of data samples is prime", 1968). With
// h = (r - 1) / 2, g^h = -1: sums x[g^a] + x[g^(a+h)] meet cosines, which repeat after h, and
// differences sines, which change sign after h. Where h = 2 q, each is cut in two:
//
//   cosines   C = sum s[a] c[a+b]: with s+- = s[a] +- s[a+q] and c+- = (c[m] +- c[m+q]) / 2,
//             C[b] = P + N and C[b+q] = P - N, where P = sum s+ c+[a+b], N = sum s- c-[a+b];
//   sines     S[b] = T + U and S[b+q] = T - V (Karatsuba), where T = sum (d[a] + d[a+q]) e[a+b+q],
//             U = sum d[a] (e[a+b] - e[a+b+q]), V = sum d[a+q] (e[a+b] + e[a+b+q]).
//
// Five sums of q x q products instead of eight.
#ifndef ONDELETTE_WORKER_ENGINE_TRANSFORMS_PRIME_SPLIT_H_
#define ONDELETTE_WORKER_ENGINE_TRANSFORMS_PRIME_SPLIT_H_

#include <array>
#include <cstdint>
#include <vector>

namespace ondelette::engine {

// Immutable, thread-safe.
struct PrimeSplit {
  static constexpr int64_t kSums = 5;
  // Outputs are summed so many at a time; those beyond the last are thrown away.
  static constexpr int64_t kTogether = 6;

  // Whether there is one: r - 1 divides by four, and is so large that it pays.
  static bool Pays(int64_t radix);
  // An empty one; or that of a radix for which it pays.
  PrimeSplit() = default;
  explicit PrimeSplit(int64_t radix);

  int64_t quarter = 0;          // q; 0 where there is none
  int64_t rounded = 0;          // q, rounded up to whole kTogether: room for outputs
  std::vector<int64_t> powers;  // g^a modulo r, a < h
  // Of P, N, T, U, V in turn: what number a meets at output b is at a + b, a < q, b < rounded.
  std::array<std::vector<float>, kSums> filters;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TRANSFORMS_PRIME_SPLIT_H_
