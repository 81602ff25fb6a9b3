// Reading the next checkpoint while the engine works on this one.
#ifndef ONDELETTE_WORKER_HUB_PREFETCH_H_
#define ONDELETTE_WORKER_HUB_PREFETCH_H_

#include <atomic>
#include <cstdint>

#include "absl/status/statusor.h"
#include "worker/hub/model_source.h"

namespace ondelette {

// Reads the weight files once, so that the load that follows comes from the page cache. Gives the
// bytes read. Blocks (a thread of the caller's), holds 1 MiB, and looks at `stop` after every one:
// CANCELLED once it is true. UNAVAILABLE or NOT_FOUND naming the file that cannot be read.
absl::StatusOr<int64_t> Prefetch(const ResolvedCheckpoint& checkpoint,
                                 const std::atomic<bool>& stop);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_HUB_PREFETCH_H_
