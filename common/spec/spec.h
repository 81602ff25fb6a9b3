// A spec: the full description of how attention becomes numbers. Every figure is made under one
// spec, and a spec's digest travels with every figure. Engine, coordinator and CLI share this one
// definition; a spec crosses every border as the JSON object below (fields and words are those of
// docs/metrics.md).
//
// Values of this type are plain data: copy them freely; const access is thread-safe.
#ifndef ONDELETTE_COMMON_SPEC_SPEC_H_
#define ONDELETTE_COMMON_SPEC_SPEC_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette {

// What one signal is, for attention A of shape [queries, keys].
enum class Signal {
  kRows,      // each query row A[i, 0..n-1]
  kRelative,  // x_i[d] = A[i, i-d], d = 0..T-1, queries i >= T, renormalised to sum 1
  kReceived,  // the mean over i of A[i, j]: one signal a head
  kLast,      // the last row: one signal a head
};
enum class Sink { kKept, kDropped };  // dropped: key 0 and query 0 left out, rows renormalised
enum class Detrend { kNone, kConstant };
enum class Taper { kNone, kHannPeriodic, kHannSymmetric, kHannCentred };
enum class OneSided { kDoubled, kPlain };
enum class Dc { kKept, kDropped };
enum class Boundary { kSymmetric, kReflect, kZero, kPeriodization };
enum class WaveletEntropy { kWithinScale, kRaw };
enum class ScaleSampling { kPrefix, kStride, kRandom };
enum class ScaleCompare { kConcatTruncate, kLevelCosine, kProfileDistance };
enum class Null { kKeyShuffled };
enum class Stack { kEncoder, kDecoder };         // which half of an encoder-decoder network
enum class PositionEmbeddings { kKept, kZero };  // learned ones (GPT-2, BERT)

// fft_length: the signal's own length ("n"), the next power of two, or a number of points.
struct FftLength {
  enum class Kind { kSignal, kNextPow2, kPoints } kind = Kind::kSignal;
  int points = 0;  // for kPoints
};

struct Spec {
  int tokens = 0;
  Signal signal = Signal::kRows;
  int window_tokens = 64;  // T, used by kRelative
  Sink sink = Sink::kKept;
  Detrend detrend = Detrend::kNone;
  Taper taper = Taper::kNone;
  FftLength fft_length;
  OneSided one_sided = OneSided::kDoubled;
  Dc dc = Dc::kKept;
  std::vector<double> band_edges;  // two, as shares of the Nyquist frequency, rising
  std::string wavelet = "db2";     // the only one so far
  Boundary boundary = Boundary::kSymmetric;
  int level = 4;
  WaveletEntropy wavelet_entropy = WaveletEntropy::kWithinScale;
  std::vector<double> alphas;
  ScaleSampling scale_sampling = ScaleSampling::kPrefix;
  ScaleCompare scale_compare = ScaleCompare::kConcatTruncate;
  std::vector<int> window_sizes;
  std::vector<Null> nulls;
  Stack stack = Stack::kEncoder;
  PositionEmbeddings position_embeddings = PositionEmbeddings::kKept;

  // Length of one signal before padding: tokens, tokens - 1 without the sink, T, or 2 T on the even
  // extension.
  int SignalLength() const;
  // Points of the real DFT.
  int FftPoints() const;
};

// The presets, in the order they are shown. The first is the default.
std::vector<std::string> PresetNames();

// A preset by name; NOT_FOUND with the list of names otherwise.
absl::StatusOr<Spec> PresetSpec(absl::string_view name);

// Reads a spec from a JSON object. Fields left out come from the preset named by its field "preset"
// (the default preset if there is none). INVALID_ARGUMENT with reason SPEC_INVALID names the field,
// what it got and what it takes.
absl::StatusOr<Spec> ParseSpec(absl::string_view json);

// One override, as `--set field=value` gives it: a JSON value or a bare word as a string. The spec
// is not validated as a whole, so that overrides may come in any order: call ValidateSpec after the
// last one.
absl::Status SetSpecField(absl::string_view field, absl::string_view value, Spec& spec);

// Whether the fields fit each other (a relative window fits the tokens, a taper its signal, ...).
absl::Status ValidateSpec(const Spec& spec);

// The complete spec as canonical JSON: every field, in fixed order, on one line.
std::string SpecToJson(const Spec& spec);

// SHA-256 of SpecToJson.
std::string SpecDigest(const Spec& spec);

// What of a spec decides how a checkpoint is read into a network: specs with the same variant can
// share a loaded one.
std::string ModelVariant(const Spec& spec);

// The name of the preset equal to this spec, or "" if none is.
std::string MatchingPreset(const Spec& spec);

// A number as it stands inside metric names: 0.5, 16, 0.25.
std::string NumberInName(double value);

}  // namespace ondelette

#endif  // ONDELETTE_COMMON_SPEC_SPEC_H_
