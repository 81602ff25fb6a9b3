// The published figures of "Beyond Position: the emergence of wavelet-like properties in
// Transformers" (Ruscio, Nanni, Silvestri, arXiv 2410.18067v4), as printed, and which of our
// checkpoints they speak of.
#ifndef ONDELETTE_CLIENT_PAPER_PUBLISHED_H_
#define ONDELETTE_CLIENT_PAPER_PUBLISHED_H_

#include <string>

#include "absl/strings/string_view.h"

namespace ondelette::client {

// One row of table 5 (Pythia 6.9B over training).
struct Table5Row {
  int training_step;
  double spectral_entropy;
  double frequency_selectivity;
  double low_frequency_power_percent;
  double scale_sensitivity_half;     // alpha 0.5
  double scale_sensitivity_quarter;  // alpha 0.25
};

// The published row of table 5 for a model ("EleutherAI/pythia-6.9b", or a folder of that name) and
// a revision
// ("step512"; "main" is step 143000); null where the paper prints none.
const Table5Row* PublishedTable5(absl::string_view model, absl::string_view revision);

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_PAPER_PUBLISHED_H_
