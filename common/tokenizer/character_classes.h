// Which characters are letters, spaces, punctuation: as the Rust crates behind Hugging Face's
// `tokenizers` 0.23 say, measured over every character. Each crate carries the tables of the Unicode
// version that its author generated, so the versions differ from function to function; characters
// that Unicode assigned after 15.0 (ICU 72) are unassigned here where a newer crate knows them.
#ifndef ONDELETTE_COMMON_TOKENIZER_CHARACTER_CLASSES_H_
#define ONDELETTE_COMMON_TOKENIZER_CHARACTER_CLASSES_H_

namespace ondelette::tokenizer {

// White_Space: Rust's char::is_whitespace and \s.
bool IsSpace(char32_t c);
// \w of the regex crate.
bool IsWord(char32_t c);
// Nd, Nl, No: char::is_numeric.
bool IsNumber(char32_t c);
// ASCII punctuation, and P* of Unicode 8.0.
bool IsPunctuation(char32_t c);
// What BertNormalizer drops: Cc, Cf and Co of Unicode 8.0 but tab and line ends, and U+FFFD.
bool IsBertControl(char32_t c);
// The blocks that BertNormalizer puts spaces around.
bool IsChinese(char32_t c);
// Mn of Unicode 8.0, which BertNormalizer's strip_accents drops.
bool IsNonspacingMark(char32_t c);
// M* of Unicode 9.0, which StripAccents drops.
bool IsCombiningMark(char32_t c);

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_CHARACTER_CLASSES_H_
