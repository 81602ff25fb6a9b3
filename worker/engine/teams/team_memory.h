// How a team's kernels lay out the memory that its threads share.
#ifndef ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_MEMORY_H_
#define ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_MEMORY_H_

#include "worker/engine/transforms/portable.h"

namespace ondelette::engine {

// One place in sixteen stays empty: complex numbers that lie a power of two apart, as the passes of
// a Fourier transform write them, would all be in the same few banks of a GPU's shared memory.
ONDELETTE_PORTABLE constexpr int Spread(int place) { return place + (place >> 4); }

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_MEMORY_H_
