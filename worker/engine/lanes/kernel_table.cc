// Compiled once for each instruction set, ONDELETTE_LANES being its name.
#include "worker/engine/lanes/kernel_functions.h"
#include "worker/engine/lanes/kernels.h"

#define ONDELETTE_QUOTED(name) #name
#define ONDELETTE_NAME(name) ONDELETTE_QUOTED(name)

namespace ondelette::engine::ONDELETTE_LANES {

extern const LaneKernels kKernels;
const LaneKernels kKernels = {ONDELETTE_NAME(ONDELETTE_LANES),
                              PackKeys,
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
                              MultiplyVectors};

}  // namespace ondelette::engine::ONDELETTE_LANES
