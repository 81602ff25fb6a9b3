// The kernels as functions of the namespace ONDELETTE_LANES, that of one instruction set. Included by
// kernels only.
#ifndef ONDELETTE_WORKER_ENGINE_LANES_KERNEL_FUNCTIONS_H_
#define ONDELETTE_WORKER_ENGINE_LANES_KERNEL_FUNCTIONS_H_

#include "worker/engine/lanes/attention_kernel.h"
#include "worker/engine/lanes/bfloat16_product.h"
#include "worker/engine/lanes/signal_kernel.h"
#include "worker/engine/lanes/spectral_kernel.h"
#include "worker/engine/lanes/wavelet_kernel.h"

namespace ondelette::engine::ONDELETTE_LANES {

lane_kernels::HeadSpace HeadSpace;
lane_kernels::AttentionSpace AttentionSpace;
lane_kernels::PackHead PackHead;
lane_kernels::Probabilities Probabilities;
lane_kernels::MixValues MixValues;
lane_kernels::MeasureSignals MeasureSignals;
lane_kernels::SumSignals SumSignals;
lane_kernels::LocalMass LocalMass;
lane_kernels::CutWindows CutWindows;
lane_kernels::GatherRows GatherRows;
lane_kernels::GatherWindows GatherWindows;
lane_kernels::AddReceived AddReceived;
lane_kernels::AddSpectra AddSpectra;
lane_kernels::TransformWavelets TransformWavelets;
lane_kernels::AddWaveletFigures AddWaveletFigures;
lane_kernels::AddReconstruction AddReconstruction;
lane_kernels::StoreRows StoreRows;
lane_kernels::AddCosines AddCosines;
lane_kernels::MultiplyVectors MultiplyVectors;
#ifdef __AMX_BF16__
lane_kernels::PackWeight PackWeight;
lane_kernels::MultiplyWeight MultiplyWeight;
#endif

}  // namespace ondelette::engine::ONDELETTE_LANES

#endif  // ONDELETTE_WORKER_ENGINE_LANES_KERNEL_FUNCTIONS_H_
