#include "common/tokenizer/byte_spelling.h"

#include <array>

#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {
namespace {

std::array<std::string, 256> MakeSpelling() {
  std::array<std::string, 256> spelling;
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) ||
                     (byte >= 0xAE && byte <= 0xFF);
    AppendUtf8(printable ? static_cast<char32_t>(byte) : next++, &spelling[byte]);
  }
  return spelling;
}

}  // namespace

std::string SpellBytes(absl::string_view text) {
  static const auto* const spelling = new std::array<std::string, 256>(MakeSpelling());
  std::string spelled;
  spelled.reserve(2 * text.size());
  for (char byte : text) spelled.append((*spelling)[static_cast<unsigned char>(byte)]);
  return spelled;
}

}  // namespace ondelette::tokenizer
