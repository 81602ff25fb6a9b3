// Where oneDNN is not there, or LibTorch brings one of another version (the CUDA build).
#include "worker/engine/model/packed_matrix.h"

namespace ondelette::engine {

bool PackedMatrix::Available() { return false; }

absl::StatusOr<std::shared_ptr<const PackedMatrix>> PackedMatrix::Make(int64_t /*out*/,
                                                                       int64_t /*in*/,
                                                                       ReadRows /*read*/) {
  return absl::InternalError("this build packs no matrices");
}

}  // namespace ondelette::engine
