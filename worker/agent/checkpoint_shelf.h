// The checkpoints that this worker has resolved: what it holds, and what it can compare with.
#ifndef ONDELETTE_WORKER_AGENT_CHECKPOINT_SHELF_H_
#define ONDELETTE_WORKER_AGENT_CHECKPOINT_SHELF_H_

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ondelette/v1/work.pb.h"
#include "worker/hub/digest_cache.h"
#include "worker/hub/model_source.h"

namespace ondelette::agent {

// Thread-safe; Resolve blocks for as long as the files take to hash.
class CheckpointShelf {
 public:
  static constexpr size_t kMostKept = 256;

  // Owns neither.
  CheckpointShelf(ModelSource* source, DigestCache* digests);

  // The source's answer; what it learned about files is saved for the next start.
  absl::StatusOr<std::shared_ptr<const ResolvedCheckpoint>> Resolve(const std::string& model,
                                                                    const std::string& revision);
  // As Resolve, and the digest must be `digest`: FAILED_PRECONDITION CHECKPOINT_CHANGED naming the
  // files otherwise (just the one that changed, where this worker saw it before).
  absl::StatusOr<std::shared_ptr<const ResolvedCheckpoint>> ResolveExpected(
      const std::string& model, const std::string& revision, const std::string& digest);

  // Digests of what was resolved, the last first.
  std::vector<std::string> Digests() const;

 private:
  void Remember(const std::shared_ptr<const ResolvedCheckpoint>& checkpoint);
  std::shared_ptr<const ResolvedCheckpoint> Find(absl::string_view digest) const;

  ModelSource* const source_;
  DigestCache* const digests_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<const ResolvedCheckpoint>> kept_;  // newest first
};

// A checkpoint as the coordinator keeps it.
v1::ResolvedCheckpoint CheckpointMessage(const ResolvedCheckpoint& checkpoint);

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_CHECKPOINT_SHELF_H_
