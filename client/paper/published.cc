#include "client/paper/published.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace ondelette::client {
namespace {

constexpr int kLastStep = 143000;

constexpr Table5Row kTable5[] = {
    {0, 2.277, 0.757, 77.0, 0.523, 0.539},      {128, 2.291, 0.760, 76.0, 0.522, 0.539},
    {512, 3.169, 0.369, 54.4, 0.533, 0.549},    {1000, 3.522, 0.230, 43.4, 0.617, 0.633},
    {5000, 3.381, 0.294, 48.6, 0.742, 0.762},   {10000, 3.293, 0.330, 51.7, 0.748, 0.767},
    {143000, 3.010, 0.454, 59.7, 0.740, 0.756},
};

}  // namespace

const Table5Row* PublishedTable5(absl::string_view model, absl::string_view revision) {
  size_t slash = model.rfind('/');
  absl::string_view base = slash == absl::string_view::npos ? model : model.substr(slash + 1);
  if (!absl::EqualsIgnoreCase(base, "pythia-6.9b")) return nullptr;
  int step = -1;
  if (revision == "main") {
    step = kLastStep;
  } else if (!absl::ConsumePrefix(&revision, "step") || !absl::SimpleAtoi(revision, &step)) {
    return nullptr;
  }
  for (const Table5Row& row : kTable5) {
    if (row.training_step == step) return &row;
  }
  return nullptr;
}

}  // namespace ondelette::client
