// The functions between an MLP's matrices, as kernels know them.
#ifndef ONDELETTE_WORKER_ENGINE_LANES_LANE_ACTIVATION_H_
#define ONDELETTE_WORKER_ENGINE_LANES_LANE_ACTIVATION_H_

namespace ondelette::engine {

enum class LaneActivation { kNone, kGelu, kGeluTanh, kQuickGelu, kRelu, kSilu, kTanh };

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_LANES_LANE_ACTIVATION_H_
