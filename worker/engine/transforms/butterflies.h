// The arithmetic of an FftPlan's passes: transforms of 2, 4, 8 or an odd number of complex numbers,
// whose parts are lanes (lanes/lanes.h) or single floats, wherever they lie: in(j) is number j, and
// out(k, value) takes number k. `w` are the pass's twiddles for this transform; `turned` is false
// where all of them are 1.
#ifndef ONDELETTE_WORKER_ENGINE_TRANSFORMS_BUTTERFLIES_H_
#define ONDELETTE_WORKER_ENGINE_TRANSFORMS_BUTTERFLIES_H_

#include "worker/engine/transforms/portable.h"

namespace ondelette::engine {

template <typename Number>
struct ComplexOf {
  Number re, im;
};

template <typename Number>
ONDELETTE_PORTABLE inline ComplexOf<Number> operator+(ComplexOf<Number> a, ComplexOf<Number> b) {
  return {a.re + b.re, a.im + b.im};
}
template <typename Number>
ONDELETTE_PORTABLE inline ComplexOf<Number> operator-(ComplexOf<Number> a, ComplexOf<Number> b) {
  return {a.re - b.re, a.im - b.im};
}
template <typename Number>
ONDELETTE_PORTABLE inline ComplexOf<Number> Turned(ComplexOf<Number> a, const float* root) {
  return {a.re * root[0] - a.im * root[1], a.re * root[1] + a.im * root[0]};
}
template <bool turned, typename Number>
ONDELETTE_PORTABLE inline ComplexOf<Number> TurnedIf(ComplexOf<Number> a, const float* root) {
  return turned ? Turned(a, root) : a;
}
template <typename Number>
ONDELETTE_PORTABLE inline ComplexOf<Number> TimesMinusI(ComplexOf<Number> a) {
  return {a.im, -a.re};
}

// The transform of in(first), in(first + apart), ...
template <typename Number, typename In>
ONDELETTE_PORTABLE inline void Four(In in, int first, int apart, ComplexOf<Number>* out) {
  const ComplexOf<Number> a = in(first), b = in(first + apart), c = in(first + 2 * apart),
                          d = in(first + 3 * apart);
  const ComplexOf<Number> ac = a + c, bd = b + d, a_c = a - c, b_d = TimesMinusI(b - d);
  out[0] = ac + bd;
  out[1] = a_c + b_d;
  out[2] = ac - bd;
  out[3] = a_c - b_d;
}

template <typename Number, typename In, typename Out>
ONDELETTE_PORTABLE inline void Butterfly2(In in, const float* w, Out out) {
  const ComplexOf<Number> a = in(0), b = in(1);
  out(0, a + b);
  out(1, Turned(a - b, w + 2));
}

template <bool turned, typename Number, typename In, typename Out>
ONDELETTE_PORTABLE inline void Butterfly4(In in, const float* w, Out out) {
  ComplexOf<Number> four[4];
  Four(in, 0, 1, four);
  out(0, four[0]);
  ONDELETTE_UNROLL
  for (int k = 1; k < 4; ++k) out(k, TurnedIf<turned>(four[k], w + 2 * k));
}

// Two transforms of four, over the even and over the odd inputs, and four of two between them.
template <bool turned, typename Number, typename In, typename Out>
ONDELETTE_PORTABLE inline void Butterfly8(In in, const float* w, Out out) {
  ComplexOf<Number> even[4], odd[4];
  Four(in, 0, 2, even);
  Four(in, 1, 2, odd);
  constexpr float kDiagonal = 0.70710678118654752f;
  odd[1] = {(odd[1].re + odd[1].im) * kDiagonal, (odd[1].im - odd[1].re) * kDiagonal};
  odd[2] = TimesMinusI(odd[2]);
  odd[3] = {(odd[3].im - odd[3].re) * kDiagonal, (odd[3].re + odd[3].im) * -kDiagonal};
  out(0, even[0] + odd[0]);
  out(4, TurnedIf<turned>(even[0] - odd[0], w + 8));
  ONDELETTE_UNROLL
  for (int k = 1; k < 4; ++k) {
    out(k, TurnedIf<turned>(even[k] + odd[k], w + 2 * k));
    out(k + 4, TurnedIf<turned>(even[k] - odd[k], w + 2 * (k + 4)));
  }
}

// Outputs k0..k0 + count - 1, 1 <= k0, of an odd radix and those opposite to them, from number 0 and
// from pair(j): sum and difference of numbers j + 1 and radix - j - 1, which meet the same cosine and
// opposite sines. `roots` as FftPlan has them.
template <int count, typename Number, typename Pair, typename Out>
ONDELETTE_PORTABLE inline void OddOutputs(int radix, const float* roots, ComplexOf<Number> first,
                                          Pair pair, int k0, const float* w, Out out) {
  const int half = radix / 2;
  ComplexOf<Number> even[count], odd[count];
  ONDELETTE_UNROLL
  for (int k = 0; k < count; ++k) {
    even[k] = first;
    odd[k] = ComplexOf<Number>{};
  }
  const float* root = roots + 2 * (k0 - 1);
  const float* end = root + 2 * half * half;
  for (; root != end; root += 2 * half, pair.Next()) {
    const ComplexOf<Number>&sum = pair.Sum(), &difference = pair.Difference();
    ONDELETTE_UNROLL
    for (int k = 0; k < count; ++k) {
      even[k] = {even[k].re + sum.re * root[2 * k], even[k].im + sum.im * root[2 * k]};
      odd[k] = {odd[k].re + difference.re * root[2 * k + 1],
                odd[k].im + difference.im * root[2 * k + 1]};
    }
  }
  ONDELETTE_UNROLL
  for (int k = 0; k < count; ++k) {
    const ComplexOf<Number> turned = {-odd[k].im, odd[k].re};  // i times
    const int at = k0 + k;
    out(at, Turned(even[k] + turned, w + 2 * at));
    out(radix - at, Turned(even[k] - turned, w + 2 * (radix - at)));
  }
}

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TRANSFORMS_BUTTERFLIES_H_
