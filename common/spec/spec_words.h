// The words of every spec field, in one table a field, and the bounds of what a spec may ask for.
#ifndef ONDELETTE_COMMON_SPEC_SPEC_WORDS_H_
#define ONDELETTE_COMMON_SPEC_SPEC_WORDS_H_

#include <array>
#include <cstddef>
#include <string>

#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "common/spec/spec.h"

namespace ondelette {

inline constexpr int kLargestInteger =
    1 << 24;  // tokens or points: far above any context, far below overflow
inline constexpr size_t kLongestList = 16;
inline constexpr size_t kLargestSpecBytes = 1 << 16;

// Words in the order of the enumerators.
template <typename Enum>
struct Words;
template <>
struct Words<Signal> {
  static constexpr std::array<absl::string_view, 4> kWords{"rows", "relative", "received", "last"};
};
template <>
struct Words<Sink> {
  static constexpr std::array<absl::string_view, 2> kWords{"kept", "dropped"};
};
template <>
struct Words<Detrend> {
  static constexpr std::array<absl::string_view, 2> kWords{"none", "constant"};
};
template <>
struct Words<Taper> {
  static constexpr std::array<absl::string_view, 4> kWords{"none", "hann-periodic",
                                                           "hann-symmetric", "hann-centred"};
};
template <>
struct Words<OneSided> {
  static constexpr std::array<absl::string_view, 2> kWords{"doubled", "plain"};
};
template <>
struct Words<Dc> {
  static constexpr std::array<absl::string_view, 2> kWords{"kept", "dropped"};
};
template <>
struct Words<Boundary> {
  static constexpr std::array<absl::string_view, 4> kWords{"symmetric", "reflect", "zero",
                                                           "periodization"};
};
template <>
struct Words<WaveletEntropy> {
  static constexpr std::array<absl::string_view, 2> kWords{"within-scale", "raw"};
};
template <>
struct Words<ScaleSampling> {
  static constexpr std::array<absl::string_view, 3> kWords{"prefix", "stride", "random"};
};
template <>
struct Words<ScaleCompare> {
  static constexpr std::array<absl::string_view, 3> kWords{"concat-truncate", "level-cosine",
                                                           "profile-distance"};
};
template <>
struct Words<Null> {
  static constexpr std::array<absl::string_view, 1> kWords{"key-shuffled"};
};
template <>
struct Words<Stack> {
  static constexpr std::array<absl::string_view, 2> kWords{"encoder", "decoder"};
};
template <>
struct Words<PositionEmbeddings> {
  static constexpr std::array<absl::string_view, 2> kWords{"kept", "zero"};
};

template <typename Enum>
absl::string_view EnumToWord(Enum value) {
  return Words<Enum>::kWords[static_cast<size_t>(value)];
}

template <typename Enum>
bool WordToEnum(absl::string_view word, Enum& out) {
  for (size_t i = 0; i < Words<Enum>::kWords.size(); ++i) {
    if (Words<Enum>::kWords[i] == word) {
      out = static_cast<Enum>(i);
      return true;
    }
  }
  return false;
}

template <typename Enum>
std::string WordList() {
  return absl::StrJoin(Words<Enum>::kWords, ", ");
}

}  // namespace ondelette

#endif  // ONDELETTE_COMMON_SPEC_SPEC_WORDS_H_
