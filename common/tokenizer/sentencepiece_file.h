// A SentencePiece .model file: what of its ModelProto matters here, read without trusting it.
// Source: sentencepiece_model.proto.
//
// Read by us, because Debian's libsentencepiece cannot be: it exports 1,602 symbols of a protobuf of its
// own that is older than gRPC's, and a program that links both dies before main().
#ifndef ONDELETTE_COMMON_TOKENIZER_SENTENCEPIECE_FILE_H_
#define ONDELETTE_COMMON_TOKENIZER_SENTENCEPIECE_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette::tokenizer {

struct SentencePieceFile {
  enum class Algorithm { kUnigram = 1, kBpe = 2, kWord = 3, kCharacter = 4 };
  enum class PieceKind {
    kNormal = 1,
    kUnknown = 2,
    kControl = 3,
    kUserDefined = 4,
    kUnused = 5,
    kByte = 6
  };
  struct Piece {
    std::string text;  // valid UTF-8, not empty
    float score = 0;   // finite
    PieceKind kind = PieceKind::kNormal;
  };

  Algorithm algorithm = Algorithm::kUnigram;
  std::vector<Piece> pieces;  // by id
  std::string character_map;  // precompiled_charsmap; empty, or one that CharacterMap accepts
  bool byte_fallback = false;
  bool add_dummy_prefix = true;          // a space before every text
  bool remove_extra_whitespaces = true;  // at both ends, and of several in a row all but one
  bool escape_whitespaces = true;        // a space is U+2581
  bool treat_whitespace_as_suffix = false;

  // The id of the piece for what no piece spells; -1 where there is none.
  int32_t UnknownId() const;

  // INVALID_ARGUMENT saying what is wrong.
  static absl::StatusOr<SentencePieceFile> Parse(absl::string_view serialized);
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_SENTENCEPIECE_FILE_H_
