// The Pythia suite as a sweep sees it: checkpoints, their bytes, and what a sequence costs.
#ifndef ONDELETTE_TESTS_BENCH_SIMULATION_SUITE_H_
#define ONDELETTE_TESTS_BENCH_SIMULATION_SUITE_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/spec/spec.h"

namespace ondelette::simulation {

// What the figures rest on; docs/scale.md says where each comes from.
struct Assumptions {
  int workers = 8;
  int tokens = 2048;            // of a sequence
  double flops = 40e12;         // a second, sustained by one device
  double layer_seconds = 1e-4;  // of a layer of a pass, besides its flops
  double link = 2e9;            // bytes a second that one worker reads and digests
  double uplink = 100e9;        // bytes a second that the shared storage gives all workers
  double device_link = 4e9;     // bytes a second from a worker's memory into its engine
  double load_seconds = 0.2;    // of a load, besides its bytes
  double cache_bytes = 128e9;   // of checkpoints that a worker's memory keeps
  double latency = 0.002;       // of a message, and of what the coordinator does about it
  double lease_seconds = 30;
  double absence_seconds = 120;  // of a worker that dies
  double slow_share = 0;         // of the workers, that compute at half speed
  double death_share = 0;        // of the workers, that die once
  bool digests_known = true;     // or every checkpoint has to be read once to be resolved
  int sequences = 500;
  int sequences_per_job = 0;   // 0: the coordinator's default
  bool largest_first = false;  // how the sweep lists its models
  int models = 10;             // the smallest so many
  int checkpoints = 154;       // of each model, the first so many
};

struct Shape {
  const char* model;
  int layers;
  int hidden;
  int64_t parameters;
};

// Smallest first.
const std::vector<Shape>& PythiaShapes();
// step0, the powers of two to 512, every 1,000 to 143,000.
std::vector<std::string> PythiaRevisions();

struct Checkpoint {
  const Shape* shape;
  std::string revision;
  std::string digest;
  double bytes;             // float16
  double sequence_seconds;  // to compute, on a device of full speed
};

// Immutable.
class Suite {
 public:
  Suite(const Assumptions& assumptions, const Spec& spec);

  const std::vector<Checkpoint>& checkpoints() const { return checkpoints_; }
  int Find(const std::string& model, const std::string& revision) const;
  std::vector<std::string> Models() const;
  std::vector<std::string> Revisions() const;
  double TotalBytes() const;
  double ComputeSeconds(int sequences) const;

 private:
  std::vector<Checkpoint> checkpoints_;  // in listing order
  std::map<std::pair<std::string, std::string>, int> index_;
};

}  // namespace ondelette::simulation

#endif  // ONDELETTE_TESTS_BENCH_SIMULATION_SUITE_H_
