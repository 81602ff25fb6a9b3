// What code needs to be compiled for CPUs and, by nvcc, for GPUs.
#ifndef ONDELETTE_WORKER_ENGINE_TRANSFORMS_PORTABLE_H_
#define ONDELETTE_WORKER_ENGINE_TRANSFORMS_PORTABLE_H_

#ifdef __CUDACC__
// Kernels' sources have nothing else to say to the host's compiler.
#define ONDELETTE_PORTABLE __device__
#define ONDELETTE_UNROLL _Pragma("unroll")
#else
#define ONDELETTE_PORTABLE
#define ONDELETTE_UNROLL _Pragma("GCC unroll 8")
#endif

#endif  // ONDELETTE_WORKER_ENGINE_TRANSFORMS_PORTABLE_H_
