// Corpora by digest: fetched from the coordinator once, verified, kept in a folder.
#ifndef ONDELETTE_WORKER_AGENT_CORPUS_CACHE_H_
#define ONDELETTE_WORKER_AGENT_CORPUS_CACHE_H_

#include <grpcpp/channel.h>

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ondelette/v1/corpus.grpc.pb.h"
#include "worker/agent/corpus.h"

namespace ondelette::agent {

// The folder may be shared by several workers: files appear whole (rename), and an open corpus
// outlives its file. The least recently used files beyond kMostFiles are removed. One thread at a
// time.
class CorpusCache {
 public:
  static constexpr size_t kMostFiles = 32;
  static constexpr size_t kMostOpen = 4;
  static constexpr int64_t kLargestCorpus = int64_t{16} << 30;  // bytes

  CorpusCache(std::string folder, const std::shared_ptr<grpc::Channel>& channel);

  // The corpus, from memory, the folder or the coordinator. While the coordinator is away it is
  // asked again and again, until `cancelled`: that its corpus cannot be had is nobody's error.
  //   DATA_LOSS CORPUS_CORRUPT   what the coordinator sent does not have the digest
  //   RESOURCE_EXHAUSTED CORPUS_TOO_LARGE, or CORPUS_UNWRITABLE where the folder takes no more
  //   CANCELLED                  after `cancelled`
  //   and what the coordinator answers (NOT_FOUND).
  absl::StatusOr<std::shared_ptr<const Corpus>> Get(const std::string& digest,
                                                    const std::atomic<bool>& cancelled);

 private:
  absl::Status Fetch(const std::string& digest, const std::string& path,
                     const std::atomic<bool>& cancelled);
  absl::Status Download(const std::string& digest, int file, const std::atomic<bool>& cancelled);
  void Evict(const std::string& keep) const;

  const std::string folder_;
  std::unique_ptr<v1::CorpusService::Stub> stub_;
  std::deque<std::pair<std::string, std::shared_ptr<const Corpus>>> open_;  // newest first
};

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_CORPUS_CACHE_H_
