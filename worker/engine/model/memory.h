// How much memory a load may take.
#ifndef ONDELETTE_WORKER_ENGINE_MODEL_MEMORY_H_
#define ONDELETTE_WORKER_ENGINE_MODEL_MEMORY_H_

#include <c10/core/Device.h>

#include <cstdint>

namespace ondelette::engine {

// Bytes that can be allocated on the device now: for the CPU what the kernel calls available and
// the process's control group still allows, for CUDA what the driver reports as free. Where the
// system does not say, the largest int64_t.
int64_t AvailableMemory(c10::Device device);

// Gives memory that was freed, and kept for reuse, back to the system: after a model is dropped and
// before the next one's size is compared with what is available.
void ReleaseFreedMemory(c10::Device device);

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_MODEL_MEMORY_H_
