// Every kernel, as compiled for one instruction set.
#ifndef ONDELETTE_WORKER_ENGINE_LANES_KERNELS_H_
#define ONDELETTE_WORKER_ENGINE_LANES_KERNELS_H_

#include <vector>

#include "worker/engine/lanes/attention_kernel.h"
#include "worker/engine/lanes/bfloat16_product.h"
#include "worker/engine/lanes/signal_kernel.h"
#include "worker/engine/lanes/spectral_kernel.h"
#include "worker/engine/lanes/wavelet_kernel.h"

namespace ondelette::engine {

struct LaneKernels {
  const char* instruction_set;
  lane_kernels::HeadSpace* head_space;
  lane_kernels::AttentionSpace* attention_space;
  lane_kernels::PackHead* pack_head;
  lane_kernels::Probabilities* probabilities;
  lane_kernels::MixValues* mix_values;
  lane_kernels::MeasureSignals* measure_signals;
  lane_kernels::SumSignals* sum_signals;
  lane_kernels::LocalMass* local_mass;
  lane_kernels::CutWindows* cut_windows;
  lane_kernels::GatherRows* gather_rows;
  lane_kernels::GatherWindows* gather_windows;
  lane_kernels::AddReceived* add_received;
  lane_kernels::AddSpectra* add_spectra;
  lane_kernels::TransformWavelets* transform_wavelets;
  lane_kernels::AddWaveletFigures* add_wavelet_figures;
  lane_kernels::AddReconstruction* add_reconstruction;
  lane_kernels::StoreRows* store_rows;
  lane_kernels::AddCosines* add_cosines;
  lane_kernels::MultiplyVectors* multiply_vectors;
  // nullptr without tile registers.
  lane_kernels::PackWeight* pack_weight;
  lane_kernels::MultiplyWeight* multiply_weight;
};

// Those that this processor runs, the fastest last.
const std::vector<LaneKernels>& RunnableKernels();

// The fastest. Thread-safe.
const LaneKernels& Kernels();

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_KERNELS_H_
