#include "worker/engine/analysis/plan.h"

#include <exception>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/spec/columns.h"
#include "worker/engine/analysis/shortened.h"

namespace ondelette::engine {
namespace {

size_t Index(Sink sink) { return sink == Sink::kKept ? 0 : 1; }

absl::Status CheckDevice(at::Device device) {
  if (device.is_cpu()) return absl::OkStatus();
#ifdef ONDELETTE_CUDA
  if (device.is_cuda()) return absl::OkStatus();
#endif
  return MakeError(absl::StatusCode::kFailedPrecondition, "DEVICE_UNSUPPORTED",
                   absl::StrCat("this engine cannot analyze on device ", device.str()),
                   "use the device cpu, or an engine built with ONDELETTE_CUDA");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const AnalysisPlan>> AnalysisPlan::Create(
    const Spec& spec, at::Device device, bool causal, bool prefix_exact, Method method) {
  if (absl::Status status = ValidateSpec(spec); !status.ok()) return status;
  if (absl::Status status = CheckDevice(device); !status.ok()) return status;
  try {
    return std::shared_ptr<const AnalysisPlan>(
        new AnalysisPlan(spec, device, causal, prefix_exact, method));
  } catch (const c10::Error& error) {
    return MakeError(absl::StatusCode::kResourceExhausted, "ANALYSIS_PLAN",
                     absl::StrCat("the analysis of ", spec.tokens, " tokens on ", device.str(),
                                  " cannot be set up: ", error.what_without_backtrace()),
                     "lower the spec's tokens or fft_length, or use another device");
  } catch (const std::exception& error) {
    return MakeError(absl::StatusCode::kResourceExhausted, "ANALYSIS_PLAN",
                     absl::StrCat("the analysis of ", spec.tokens, " tokens on ", device.str(),
                                  " cannot be set up: ", error.what()),
                     "lower the spec's tokens or fft_length, or use another device");
  }
}

AnalysisPlan::AnalysisPlan(const Spec& spec, at::Device device, bool causal, bool prefix_exact,
                           Method method)
    : spec_(spec),
      device_(device),
      causal_(causal),
      needs_shortened_(!spec.alphas.empty() &&
                       !(causal && prefix_exact && spec.scale_sampling == ScaleSampling::kPrefix)) {
  if (method == Method::kFastest && device.is_cpu() && LanePlan::Serves(spec, causal)) {
    lanes_.emplace(spec, causal, needs_shortened_);
    return;
  }
  MakeVariants();
  MakeWavelets();
  const bool teams = method == Method::kTeams || (method == Method::kFastest && device.is_cuda());
  if (teams && TeamPlan::Serves(spec, device)) {
    teams_.emplace(spec, device, causal, *wavelet_, shortened_wavelets_);
  }
}

void AnalysisPlan::MakeVariants() {
  variants_.push_back({"", spec_.sink, false});
  for (const std::string& suffix : ControlSuffixes(spec_)) {
    bool dropped = spec_.sink == Sink::kDropped || absl::StartsWith(suffix, kSinkDroppedSuffix);
    variants_.push_back({suffix, dropped ? Sink::kDropped : Sink::kKept,
                         absl::EndsWith(suffix, kKeyShuffledSuffix)});
  }
  for (const Variant& variant : variants_) {
    size_t at = Index(variant.sink);
    Spec seen = spec_;
    seen.sink = variant.sink;
    if (!spectra_[at]) spectra_[at].emplace(seen, device_);
    if (!variant.shuffled) continue;
    if (relative()) {
      window_shuffle_.emplace(spec_.tokens, spec_.window_tokens, causal_, device_);
    } else if (!row_shuffles_[at]) {
      row_shuffles_[at].emplace(seen.SignalLength(), causal_, device_);
    }
  }
}

void AnalysisPlan::MakeWavelets() {
  int64_t length = relative() ? spec_.window_tokens : rows(spec_.tokens);
  wavelet_.emplace(length, spec_.level, spec_.boundary, device_);
  if (relative()) return;
  for (size_t alpha = 0; alpha < spec_.alphas.size(); ++alpha) {
    shortened_wavelets_.emplace_back(rows(shortened_tokens(alpha)), spec_.level, spec_.boundary,
                                     device_);
  }
}

int64_t AnalysisPlan::shortened_tokens(size_t alpha_index) const {
  return ShortenedLength(spec_.alphas[alpha_index], spec_.tokens);
}

int64_t AnalysisPlan::signals() const {
  if (relative()) return spec_.tokens - spec_.window_tokens;
  return spec_.signal == Signal::kRows ? rows(spec_.tokens) : 1;
}

const SignalSpectrum& AnalysisPlan::spectrum(Sink sink) const { return *spectra_[Index(sink)]; }

const Wavelet& AnalysisPlan::shortened_wavelet(size_t alpha_index) const {
  return relative() ? *wavelet_ : shortened_wavelets_[alpha_index];
}

const RowShuffle& AnalysisPlan::row_shuffle(Sink sink) const { return *row_shuffles_[Index(sink)]; }

}  // namespace ondelette::engine
