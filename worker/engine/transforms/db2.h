// A step of the transform with Daubechies' db2 and of its inverse (analysis/wavelet.cc has the
// equations), on lanes (lanes/lanes.h) or single floats.
#ifndef ONDELETTE_WORKER_ENGINE_TRANSFORMS_DB2_H_
#define ONDELETTE_WORKER_ENGINE_TRANSFORMS_DB2_H_

#include "worker/engine/transforms/portable.h"

namespace ondelette::engine {

template <typename Number>
struct Db2Pair {
  Number low, high;
};

// Coefficient k of both kinds from the continued samples 2k .. 2k + 3. The taps of the high-pass
// filter sum to zero, and so do they weighted by their places: taken as second differences it sees
// nothing of what is constant or linear, of which plain products would leave some by rounding.
template <typename Number>
ONDELETTE_PORTABLE inline Db2Pair<Number> Db2Split(Number e0, Number e1, Number e2, Number e3) {
  constexpr float kLow[4] = {-0.12940952255126037f, 0.2241438680420134f, 0.8365163037378079f,
                             0.48296291314453416f};
  constexpr float kOuter = -0.48296291314453416f, kInner = -0.12940952255126037f;
  const Number first = e1 - e0, second = e2 - e1, third = e3 - e2;
  return {e3 * kLow[0] + e2 * kLow[1] + e1 * kLow[2] + e0 * kLow[3],
          (third - second) * kOuter + (second - first) * kInner};
}

// A sample's share of coefficient k of both kinds: tap 0 to 3 of the filters turned round.
template <int tap, typename Number>
ONDELETTE_PORTABLE inline Number Db2Tap(Number low, Number high) {
  constexpr float kLow[4] = {0.48296291314453416f, 0.8365163037378079f, 0.2241438680420134f,
                             -0.12940952255126037f};
  constexpr float kHigh[4] = {-0.12940952255126037f, -0.2241438680420134f, 0.8365163037378079f,
                              -0.48296291314453416f};
  return low * kLow[tap] + high * kHigh[tap];
}

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TRANSFORMS_DB2_H_
