#include "common/tokenizer/sentencepiece_file.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cmath>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/tokenizer/byte_trie.h"
#include "common/tokenizer/character_map.h"
#include "common/tokenizer/json_field.h"
#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// Field numbers of sentencepiece_model.proto, by message.
enum ModelField { kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3 };
enum PieceField { kText = 1, kScore = 2, kKind = 3 };
enum TrainerField { kModelType = 3, kSpaceAsSuffix = 24, kByteFallback = 35 };
enum NormalizerField { kCharacterMap = 2, kDummyPrefix = 3, kRemoveSpaces = 4, kEscapeSpaces = 5 };

constexpr int kLastAlgorithm = 4;
constexpr int kLastPieceKind = 6;

absl::Status Broken() { return absl::InvalidArgumentError("is not a SentencePiece model"); }

bool ReadText(CodedInputStream& in, std::string* text) {
  uint32_t size = 0;
  return in.ReadVarint32(&size) && in.ReadString(text, static_cast<int>(size));
}

bool ReadFloat(CodedInputStream& in, float* value) {
  uint32_t bits = 0;
  if (!in.ReadLittleEndian32(&bits)) return false;
  std::memcpy(value, &bits, sizeof(bits));
  return true;
}

// Calls `read(number, wire_type)` for each field; it reads the value or skips it. False where the
// bytes are no message.
template <typename Read>
bool ForEachField(absl::string_view bytes, Read read) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  while (uint32_t tag = in.ReadTag()) {
    if (!read(in, tag)) return false;
  }
  return in.ConsumedEntireMessage();
}

uint32_t Tag(int number, WireFormatLite::WireType type) {
  return WireFormatLite::MakeTag(number, type);
}
uint32_t TextTag(int number) { return Tag(number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED); }
uint32_t NumberTag(int number) { return Tag(number, WireFormatLite::WIRETYPE_VARINT); }

bool ParsePiece(absl::string_view bytes, SentencePieceFile::Piece* piece) {
  return ForEachField(bytes, [&](CodedInputStream& in, uint32_t tag) {
    if (tag == TextTag(kText)) return ReadText(in, &piece->text);
    if (tag == Tag(kScore, WireFormatLite::WIRETYPE_FIXED32)) return ReadFloat(in, &piece->score);
    if (tag != NumberTag(kKind)) return WireFormatLite::SkipField(&in, tag);
    uint32_t kind = 0;
    if (!in.ReadVarint32(&kind) || kind < 1 || kind > kLastPieceKind) return false;
    piece->kind = static_cast<SentencePieceFile::PieceKind>(kind);
    return true;
  });
}

bool ReadBool(CodedInputStream& in, bool* value) {
  uint64_t number = 0;
  if (!in.ReadVarint64(&number)) return false;
  *value = number != 0;
  return true;
}

bool ParseTrainer(absl::string_view bytes, SentencePieceFile* file) {
  return ForEachField(bytes, [&](CodedInputStream& in, uint32_t tag) {
    if (tag == NumberTag(kByteFallback)) return ReadBool(in, &file->byte_fallback);
    if (tag == NumberTag(kSpaceAsSuffix)) return ReadBool(in, &file->treat_whitespace_as_suffix);
    if (tag != NumberTag(kModelType)) return WireFormatLite::SkipField(&in, tag);
    uint32_t algorithm = 0;
    if (!in.ReadVarint32(&algorithm)) return false;
    file->algorithm = static_cast<SentencePieceFile::Algorithm>(algorithm);
    return algorithm >= 1 && algorithm <= kLastAlgorithm;
  });
}

bool ParseNormalizer(absl::string_view bytes, SentencePieceFile* file) {
  return ForEachField(bytes, [&](CodedInputStream& in, uint32_t tag) {
    if (tag == TextTag(kCharacterMap)) return ReadText(in, &file->character_map);
    if (tag == NumberTag(kDummyPrefix)) return ReadBool(in, &file->add_dummy_prefix);
    if (tag == NumberTag(kRemoveSpaces)) return ReadBool(in, &file->remove_extra_whitespaces);
    if (tag == NumberTag(kEscapeSpaces)) return ReadBool(in, &file->escape_whitespaces);
    return WireFormatLite::SkipField(&in, tag);
  });
}

absl::Status CheckPiece(const SentencePieceFile::Piece& piece, size_t id) {
  auto refuse = [id](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("piece ", id, " ", what));
  };
  if (piece.text.empty()) return refuse("is empty");
  if (piece.text.size() > kMaxKeyBytes) return refuse("is too long");
  if (FirstInvalidUtf8(piece.text) != piece.text.size()) return refuse("is not UTF-8");
  if (!std::isfinite(piece.score)) return refuse("has a score that is no number");
  return absl::OkStatus();
}

absl::Status Check(const SentencePieceFile& file) {
  if (file.pieces.empty()) return Broken();
  if (file.pieces.size() >= static_cast<size_t>(kMaxTokenId)) {
    return absl::InvalidArgumentError("has too many pieces");
  }
  for (size_t id = 0; id < file.pieces.size(); ++id) {
    if (absl::Status status = CheckPiece(file.pieces[id], id); !status.ok()) return status;
  }
  if (file.character_map.empty()) return absl::OkStatus();
  absl::Status map = CharacterMap::Parse(file.character_map).status();
  if (map.ok()) return map;
  return absl::InvalidArgumentError(absl::StrCat("precompiled_charsmap ", map.message()));
}

}  // namespace

int32_t SentencePieceFile::UnknownId() const {
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].kind == PieceKind::kUnknown) return static_cast<int32_t>(id);
  }
  return -1;
}

absl::StatusOr<SentencePieceFile> SentencePieceFile::Parse(absl::string_view serialized) {
  SentencePieceFile file;
  std::string message;
  bool parsed = ForEachField(serialized, [&](CodedInputStream& in, uint32_t tag) {
    if (tag == TextTag(kPieces)) {
      file.pieces.emplace_back();
      return ReadText(in, &message) && ParsePiece(message, &file.pieces.back());
    }
    if (tag == TextTag(kTrainerSpec)) return ReadText(in, &message) && ParseTrainer(message, &file);
    if (tag == TextTag(kNormalizerSpec)) {
      return ReadText(in, &message) && ParseNormalizer(message, &file);
    }
    return WireFormatLite::SkipField(&in, tag);
  });
  if (!parsed) return Broken();
  absl::Status status = Check(file);
  if (!status.ok()) return status;
  return file;
}

}  // namespace ondelette::tokenizer
