#include "common/tokenizer/character_map.h"

#include <unicode/brkiter.h>
#include <unicode/utext.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {
namespace {

constexpr size_t kLongestCluster = 6;  // one of that many bytes is rewritten character by character

uint32_t ReadLittleEndian(absl::string_view bytes) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// The fields of one unit of Darts' double array.
bool HasLeaf(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t Value(uint32_t unit) { return unit & 0x7FFFFFFF; }
uint32_t Label(uint32_t unit) { return unit & 0x800000FF; }
uint32_t Offset(uint32_t unit) { return unit >> 10 << ((unit & 1u << 9) >> 6); }

absl::Status CannotSegment(UErrorCode code) {
  return absl::ResourceExhaustedError(
      absl::StrCat("cannot find the grapheme clusters: ", u_errorName(code)));
}

}  // namespace

absl::StatusOr<CharacterMap> CharacterMap::Parse(absl::string_view bytes) {
  if (bytes.size() < 4) return absl::InvalidArgumentError("ends before its trie's size");
  size_t trie_bytes = ReadLittleEndian(bytes) / 4 * size_t{4};
  bytes.remove_prefix(4);
  if (trie_bytes == 0 || trie_bytes > bytes.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("claims a trie of ", trie_bytes, " bytes and has ", bytes.size()));
  }
  CharacterMap map;
  map.trie_.reserve(trie_bytes / 4);
  for (size_t at = 0; at < trie_bytes; at += 4) {
    map.trie_.push_back(ReadLittleEndian(bytes.substr(at)));
  }
  map.replacements_ = std::string(bytes.substr(trie_bytes));
  if (FirstInvalidUtf8(map.replacements_) != map.replacements_.size()) {
    return absl::InvalidArgumentError("has replacements that are not UTF-8");
  }
  if (!map.IsSound()) return absl::InvalidArgumentError("has a trie that points out of itself");
  return map;
}

bool CharacterMap::IsSound() const {
  std::vector<bool> seen(trie_.size());
  std::vector<uint32_t> open;
  // A place is where the next byte is looked up: at `place` XOR byte.
  auto visit = [&](uint32_t place) {
    if ((place | 0xFF) >= trie_.size()) return false;
    if (!seen[place]) open.push_back(place);
    seen[place] = true;
    return true;
  };
  if (!visit(Offset(trie_[0]))) return false;
  while (!open.empty()) {
    uint32_t place = open.back();
    open.pop_back();
    for (uint32_t byte = 1; byte < 256; ++byte) {
      uint32_t unit = trie_[place ^ byte];
      if (Label(unit) != byte) continue;
      uint32_t child = place ^ byte ^ Offset(unit);
      if (!visit(child)) return false;
      if (!HasLeaf(unit)) continue;
      uint32_t start = Value(trie_[child]);
      if (start >= replacements_.size() || (replacements_[start] & 0xC0) == 0x80) return false;
    }
  }
  return replacements_.empty() || replacements_.back() == '\0';
}

bool CharacterMap::Find(absl::string_view text, absl::string_view* replacement) const {
  uint32_t node = Offset(trie_[0]);
  for (char byte : text) {
    auto label = static_cast<unsigned char>(byte);
    node ^= label;
    uint32_t unit = trie_[node];
    if (label == 0 || Label(unit) != label) return false;
    node ^= Offset(unit);
    if (!HasLeaf(unit)) continue;
    *replacement = absl::string_view(replacements_).substr(Value(trie_[node]));
    *replacement = replacement->substr(0, replacement->find('\0'));
    return true;
  }
  return false;
}

void CharacterMap::AppendCluster(absl::string_view cluster, std::string* result) const {
  absl::string_view replacement;
  if (cluster.size() < kLongestCluster && Find(cluster, &replacement)) {
    absl::StrAppend(result, replacement);
    return;
  }
  for (size_t at = 0; at < cluster.size();) {
    absl::string_view character = cluster.substr(at, CharacterBytes(cluster, at));
    absl::StrAppend(result, Find(character, &replacement) ? replacement : character);
    at += character.size();
  }
}

absl::StatusOr<std::string> CharacterMap::Apply(absl::string_view text, size_t max_bytes) const {
  UErrorCode code = U_ZERO_ERROR;
  std::unique_ptr<icu::BreakIterator> clusters(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), code));
  if (U_FAILURE(code)) return CannotSegment(code);
  UText utf8 = UTEXT_INITIALIZER;
  utext_openUTF8(&utf8, text.data(), static_cast<int64_t>(text.size()), &code);
  clusters->setText(&utf8, code);
  utext_close(&utf8);
  if (U_FAILURE(code)) return CannotSegment(code);
  std::string result;
  result.reserve(text.size());
  int32_t start = clusters->first();
  for (int32_t end = clusters->next(); end != icu::BreakIterator::DONE; end = clusters->next()) {
    AppendCluster(text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start)),
                  &result);
    if (result.size() > max_bytes) {
      return absl::ResourceExhaustedError("precompiled_charsmap makes it too long");
    }
    start = end;
  }
  return result;
}

}  // namespace ondelette::tokenizer
