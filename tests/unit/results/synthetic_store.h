// A real SQLite store filled with made-up records through the store's own state machine.
#ifndef ONDELETTE_TESTS_UNIT_RESULTS_SYNTHETIC_STORE_H_
#define ONDELETTE_TESTS_UNIT_RESULTS_SYNTHETIC_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/spec/spec.h"
#include "server/store/store.h"

namespace ondelette::server {

// The value of a record's column; NaN for undefined.
using Figure =
    std::function<float(int64_t sequence, int layer, int head, const std::string& label)>;

// Some figure that differs with everything it depends on, positive and finite; every tenth or so is
// NaN.
float SomeFigure(int64_t sequence, int layer, int head, const std::string& label);

struct SyntheticSweep {
  std::string name = "sweep";
  std::vector<std::string> models = {"model-a"};
  std::vector<std::string> revisions = {"step0", "step1", "step2"};
  // Digest of each checkpoint in listing order; equal ones are aliases, "" stays unresolved, "!"
  // fails.
  std::vector<std::string> digests = {"d0", "d0", "d2"};
  std::string spec_json = R"({"preset": "paper-table5"})";
  int64_t sequences = 10;
  int64_t sequences_per_job = 3;
  int layers = 3;
  int heads = 4;
  Figure figure = SomeFigure;
  // Which jobs (by digest and first sequence) succeed; the others stay queued.
  std::function<bool(const std::string& digest, int64_t first)> succeeds =
      [](const std::string&, int64_t) { return true; };
  unsigned order = 0;             // seed of the order in which jobs commit
  int64_t skipped_sequence = -1;  // is skipped by every job that has it
};

class SyntheticStore {
 public:
  // In a file of its own, removed with this object.
  SyntheticStore();
  ~SyntheticStore();

  Store& store() { return *store_; }
  // Answers the sweep as stored.
  StoredSweep Add(const SyntheticSweep& sweep);
  std::vector<StoredCheckpoint> Checkpoints(const StoredSweep& sweep);

 private:
  void Resolve(const StoredSweep& stored, const SyntheticSweep& sweep);
  void CommitJobs(const SyntheticSweep& sweep);

  std::string folder_;
  std::unique_ptr<Store> store_;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_TESTS_UNIT_RESULTS_SYNTHETIC_STORE_H_
