// The numbers of a spec's spectra that kernels are given (signal_spectrum.h has what they mean).
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_SPECTRAL_TABLE_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_SPECTRAL_TABLE_H_

#include <vector>

#include "common/spec/spec.h"
#include "worker/engine/lanes/spectral_kernel.h"

namespace ondelette::engine {

// The spec's sinks: its own, and, among its controls, rows without their sink.
std::vector<Sink> SinksOf(const Spec& spec);
Spec WithSink(Spec spec, Sink sink);

// Whether kernels take the spec's signals: rows or windows, tapered (without a taper a single bin
// can hold all power but what float32 rounds away), of lengths whose primes are not too large to be
// summed directly.
bool KernelsServe(const Spec& spec);

SpectralTable MakeSpectralTable(const Spec& spec);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_SPECTRAL_TABLE_H_
