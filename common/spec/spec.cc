// Presets, and the rules that the fields of a spec must meet together.
#include "common/spec/spec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/errors/errors.h"
#include "common/spec/spec_words.h"

namespace ondelette {
namespace {

constexpr int kMostLevels = 16;

// What all four presets share.
Spec Base() {
  Spec spec;
  spec.band_edges = {0.25, 0.75};
  spec.alphas = {0.5, 0.25};
  spec.window_sizes = {16, 32, 64};
  spec.nulls = {Null::kKeyShuffled};
  return spec;
}

Spec RelativeWindow() {
  Spec spec = Base();
  spec.tokens = 256;
  spec.signal = Signal::kRelative;
  spec.taper = Taper::kHannCentred;
  spec.boundary = Boundary::kReflect;
  spec.scale_sampling = ScaleSampling::kStride;
  spec.scale_compare = ScaleCompare::kProfileDistance;
  return spec;
}

Spec PaperTable5() {
  Spec spec = Base();
  spec.tokens = 112;
  spec.detrend = Detrend::kConstant;
  spec.taper = Taper::kHannPeriodic;
  return spec;
}

Spec PaperTable1() {
  Spec spec = PaperTable5();
  spec.tokens = 128;
  spec.level = 5;
  spec.scale_compare = ScaleCompare::kLevelCosine;
  return spec;
}

Spec PaperLiteral() {
  Spec spec = PaperTable5();
  spec.detrend = Detrend::kNone;
  spec.fft_length.kind = FftLength::Kind::kNextPow2;
  spec.one_sided = OneSided::kPlain;
  spec.level = 5;
  spec.wavelet_entropy = WaveletEntropy::kRaw;
  return spec;
}

struct Preset {
  absl::string_view name;
  Spec (*make)();
};
constexpr Preset kPresets[] = {
    {"relative-window", RelativeWindow},
    {"paper-table5", PaperTable5},
    {"paper-table1", PaperTable1},
    {"paper-literal", PaperLiteral},
};

absl::Status Invalid(absl::string_view field, absl::string_view problem,
                     absl::string_view remedy = "") {
  return MakeError(absl::StatusCode::kInvalidArgument, "SPEC_INVALID",
                   absl::StrCat("spec field '", field, "': ", problem), remedy);
}

template <typename T>
bool Distinct(const std::vector<T>& list) {
  return std::set<T>(list.begin(), list.end()).size() == list.size();
}

absl::Status ValidateSignal(const Spec& spec) {
  if (spec.tokens < 4) return Invalid("tokens", absl::StrCat(spec.tokens, " is fewer than 4"));
  if (spec.signal == Signal::kRelative) {
    if (spec.window_tokens < 4) {
      return Invalid("window_tokens", absl::StrCat(spec.window_tokens, " is fewer than 4"));
    }
    if (spec.tokens < spec.window_tokens + 2) {
      return Invalid(
          "tokens",
          absl::StrCat("signal 'relative' with window_tokens ", spec.window_tokens,
                       " needs at least ", spec.window_tokens + 2, " tokens, not ", spec.tokens),
          "raise tokens or lower window_tokens");
    }
    if (spec.sink == Sink::kDropped) {
      return Invalid("sink", "'dropped' is for the signals rows, received and last",
                     "leave it 'kept': key 0 is outside every relative window");
    }
  } else if (spec.taper == Taper::kHannCentred) {
    return Invalid("taper", "'hann-centred' is for signal 'relative'",
                   "use hann-periodic or hann-symmetric");
  }
  return absl::OkStatus();
}

absl::Status ValidateSpectrum(const Spec& spec) {
  if (spec.fft_length.kind == FftLength::Kind::kPoints &&
      spec.fft_length.points < spec.SignalLength()) {
    return Invalid("fft_length",
                   absl::StrCat(spec.fft_length.points, " is shorter than the signal, ",
                                spec.SignalLength(), " points"));
  }
  const std::vector<double>& edges = spec.band_edges;
  if (edges.size() != 2 || !(edges[0] > 0) || !(edges[0] < edges[1]) || !(edges[1] < 1)) {
    return Invalid("band_edges",
                   "it takes two rising shares of the Nyquist frequency between 0 and 1",
                   "for example [0.25, 0.75]");
  }
  return absl::OkStatus();
}

absl::Status ValidateWavelet(const Spec& spec) {
  if (spec.wavelet != "db2")
    return Invalid("wavelet",
                   absl::StrCat("'", spec.wavelet.substr(0, 40), "' is unknown: it takes db2"));
  if (spec.level < 1 || spec.level > kMostLevels) {
    return Invalid("level", absl::StrCat(spec.level, " is outside 1 to ", kMostLevels));
  }
  return absl::OkStatus();
}

absl::Status ValidateScales(const Spec& spec) {
  if (!Distinct(spec.alphas)) return Invalid("alphas", "the same number stands twice");
  for (double alpha : spec.alphas) {
    if (!(alpha > 0) || !(alpha < 1)) return Invalid("alphas", "each must lie between 0 and 1");
    if (std::floor(alpha * spec.tokens) < 2) {
      return Invalid("alphas", absl::StrCat(NumberInName(alpha), " of ", spec.tokens,
                                            " tokens leaves fewer than 2"));
    }
  }
  bool profile = spec.scale_compare == ScaleCompare::kProfileDistance;
  if (profile != (spec.signal == Signal::kRelative)) {
    return Invalid(
        "scale_compare",
        absl::StrCat("'", EnumToWord(spec.scale_compare), "' does not go with signal '",
                     EnumToWord(spec.signal), "'"),
        "profile-distance is for relative; concat-truncate and level-cosine are for the others");
  }
  return absl::OkStatus();
}

absl::Status ValidateLists(const Spec& spec) {
  if (!Distinct(spec.window_sizes)) return Invalid("window_sizes", "the same size stands twice");
  for (int size : spec.window_sizes) {
    if (size < 2) return Invalid("window_sizes", absl::StrCat(size, " is smaller than 2"));
  }
  if (!Distinct(spec.nulls)) return Invalid("nulls", "the same null stands twice");
  return absl::OkStatus();
}

}  // namespace

int Spec::SignalLength() const {
  if (signal == Signal::kRelative)
    return taper == Taper::kHannCentred ? 2 * window_tokens : window_tokens;
  return sink == Sink::kDropped ? tokens - 1 : tokens;
}

int Spec::FftPoints() const {
  switch (fft_length.kind) {
    case FftLength::Kind::kPoints:
      return fft_length.points;
    case FftLength::Kind::kNextPow2:
      return static_cast<int>(std::bit_ceil(static_cast<unsigned>(SignalLength())));
    case FftLength::Kind::kSignal:
      break;
  }
  return SignalLength();
}

std::vector<std::string> PresetNames() {
  std::vector<std::string> names;
  for (const Preset& preset : kPresets) names.emplace_back(preset.name);
  return names;
}

absl::StatusOr<Spec> PresetSpec(absl::string_view name) {
  for (const Preset& preset : kPresets) {
    if (preset.name == name) return preset.make();
  }
  return MakeError(absl::StatusCode::kNotFound, "SPEC_UNKNOWN",
                   absl::StrCat("no preset is named '", name.substr(0, 80), "'"),
                   absl::StrCat("the presets are ", absl::StrJoin(PresetNames(), ", ")));
}

absl::Status ValidateSpec(const Spec& spec) {
  for (auto* validate :
       {ValidateSignal, ValidateSpectrum, ValidateWavelet, ValidateScales, ValidateLists}) {
    if (absl::Status status = validate(spec); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::string MatchingPreset(const Spec& spec) {
  std::string json = SpecToJson(spec);
  for (const Preset& preset : kPresets) {
    if (SpecToJson(preset.make()) == json) return std::string(preset.name);
  }
  return "";
}

}  // namespace ondelette
