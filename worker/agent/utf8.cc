#include "worker/agent/utf8.h"

#include <cstdint>

namespace ondelette::agent {
namespace {

// Bytes of the valid character at the start of `text`, or 0 (RFC 3629).
size_t CharacterLength(absl::string_view text) {
  auto byte = [&text](size_t i) {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
  };
  auto continues = [&byte](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const uint8_t first = byte(0);
  const uint8_t second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && second < 0xA0;
    const bool surrogate = first == 0xED && second > 0x9F;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && second < 0x90;
    const bool beyond = first == 0xF4 && second > 0x8F;
    return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string ToUtf8(absl::string_view text, size_t longest) {
  std::string result;
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    if (length == 0) {
      result.push_back('?');
      text.remove_prefix(1);
      continue;
    }
    result.append(text.data(), length);
    text.remove_prefix(length);
    if (result.size() >= longest && !text.empty()) {
      result.append(" ...");
      break;
    }
  }
  return result;
}

}  // namespace ondelette::agent
