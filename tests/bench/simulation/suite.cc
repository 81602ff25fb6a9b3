#include "tests/bench/simulation/suite.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"

namespace ondelette::simulation {
namespace {

// Products with weights, and scores and values, as full squares (docs/performance.md).
double PassFlops(const Shape& shape, double tokens) {
  const double hidden = shape.hidden;
  return shape.layers * (24 * tokens * hidden * hidden + 4 * tokens * tokens * hidden);
}

double SequenceSeconds(const Shape& shape, const Spec& spec, const Assumptions& assumptions) {
  double flops = PassFlops(shape, spec.tokens);
  for (double alpha : spec.alphas) flops += PassFlops(shape, std::floor(alpha * spec.tokens));
  const double passes = 1.0 + static_cast<double>(spec.alphas.size());
  return flops / assumptions.flops + passes * shape.layers * assumptions.layer_seconds;
}

}  // namespace

const std::vector<Shape>& PythiaShapes() {
  static const std::vector<Shape> shapes = {
      {"EleutherAI/pythia-14m", 6, 128, 14'067'712},
      {"EleutherAI/pythia-31m", 6, 256, 30'494'720},
      {"EleutherAI/pythia-70m", 6, 512, 70'426'624},
      {"EleutherAI/pythia-160m", 12, 768, 162'322'944},
      {"EleutherAI/pythia-410m", 24, 1024, 405'334'016},
      {"EleutherAI/pythia-1b", 16, 2048, 1'011'781'632},
      {"EleutherAI/pythia-1.4b", 24, 2048, 1'414'647'808},
      {"EleutherAI/pythia-2.8b", 32, 2560, 2'775'208'960},
      {"EleutherAI/pythia-6.9b", 32, 4096, 6'857'302'016},
      {"EleutherAI/pythia-12b", 36, 5120, 11'846'072'320},
  };
  return shapes;
}

std::vector<std::string> PythiaRevisions() {
  std::vector<std::string> revisions = {"step0"};
  for (int step = 1; step <= 512; step *= 2) revisions.push_back(absl::StrCat("step", step));
  for (int step = 1000; step <= 143000; step += 1000)
    revisions.push_back(absl::StrCat("step", step));
  return revisions;
}

Suite::Suite(const Assumptions& assumptions, const Spec& spec) {
  std::vector<const Shape*> shapes;
  for (int i = 0; i < assumptions.models; ++i) shapes.push_back(&PythiaShapes()[i]);
  if (assumptions.largest_first) std::reverse(shapes.begin(), shapes.end());
  std::vector<std::string> revisions = PythiaRevisions();
  revisions.resize(assumptions.checkpoints);
  for (const Shape* shape : shapes) {
    const double seconds = SequenceSeconds(*shape, spec, assumptions);
    for (const std::string& revision : revisions) {
      index_[{shape->model, revision}] = static_cast<int>(checkpoints_.size());
      checkpoints_.push_back({shape, revision, Sha256Of(absl::StrCat(shape->model, "@", revision)),
                              2.0 * static_cast<double>(shape->parameters), seconds});
    }
  }
}

int Suite::Find(const std::string& model, const std::string& revision) const {
  return index_.at({model, revision});
}

std::vector<std::string> Suite::Models() const {
  std::vector<std::string> models;
  for (const Checkpoint& checkpoint : checkpoints_) {
    if (models.empty() || models.back() != checkpoint.shape->model)
      models.emplace_back(checkpoint.shape->model);
  }
  return models;
}

std::vector<std::string> Suite::Revisions() const {
  std::vector<std::string> revisions;
  for (const Checkpoint& checkpoint : checkpoints_) {
    if (checkpoint.shape == checkpoints_.front().shape) revisions.push_back(checkpoint.revision);
  }
  return revisions;
}

double Suite::TotalBytes() const {
  double total = 0;
  for (const Checkpoint& checkpoint : checkpoints_) total += checkpoint.bytes;
  return total;
}

double Suite::ComputeSeconds(int sequences) const {
  double total = 0;
  for (const Checkpoint& checkpoint : checkpoints_)
    total += sequences * checkpoint.sequence_seconds;
  return total;
}

}  // namespace ondelette::simulation
