// Compiled once for each instruction set, ONDELETTE_LANES being its name.
#include "worker/engine/lanes/kernel_functions.h"
#include "worker/engine/lanes/kernels.h"

#define ONDELETTE_QUOTED(name) #name
#define ONDELETTE_NAME(name) ONDELETTE_QUOTED(name)

namespace ondelette::engine::ONDELETTE_LANES {

extern const LaneKernels kKernels;
const LaneKernels kKernels = {ONDELETTE_NAME(ONDELETTE_LANES),
                              HeadSpace,
                              AttentionSpace,
                              PackHead,
                              Probabilities,
                              MixValues,
                              MeasureSignals,
                              SumSignals,
                              LocalMass,
                              CutWindows,
                              GatherRows,
                              GatherWindows,
                              AddReceived,
                              AddSpectra,
                              TransformWavelets,
                              AddWaveletFigures,
                              AddReconstruction,
                              StoreRows,
                              AddCosines,
                              MultiplyVectors,
#ifdef __AMX_BF16__
                              PackWeight,
                              MultiplyWeight};
#else
                              nullptr,
                              nullptr};
#endif

}  // namespace ondelette::engine::ONDELETTE_LANES
