// The constants that figures share.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_CONSTANTS_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_CONSTANTS_H_

#include <limits>

namespace ondelette::engine {

// A figure that is not defined.
inline constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
// What keeps divisions apart from zero, in equations 3, 5 and 10 and in window_entropy.
inline constexpr double kGuard = 1e-10;
// A signal whose power is no more than this share of its energy is flat.
inline constexpr double kFlatShare = 1e-12;
// The floor of p inside spectral_flatness.
inline constexpr double kFlatnessFloor = 1e-10;
// A row without its sink, or a relative window, with no more than this mass is empty.
inline constexpr double kMinimumMass = 1e-6;
// local_mass_16: keys less than this many places from the query.
inline constexpr int kLocalWidth = 16;

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_CONSTANTS_H_
