#include "common/tokenizer/tokenizer.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/tokenizer/added_tokens.h"
#include "common/tokenizer/bpe.h"
#include "common/tokenizer/json_field.h"
#include "common/tokenizer/normalizer.h"
#include "common/tokenizer/post_processor.h"
#include "common/tokenizer/pre_tokenizer.h"
#include "common/tokenizer/unicode.h"

namespace ondelette {
namespace tokenizer {
namespace {

// Gemma's, the largest in use, has 33 MB.
constexpr size_t kMaxFileBytes = size_t{64} << 20;

// A tokenizer.json whose model is BPE: every stage in the order of Hugging Face's pipeline.
class BpeTokenizer : public Tokenizer {
 public:
  // Errors are recorded in the field.
  explicit BpeTokenizer(const Field& file)
      : normalizer_(Normalizer::Read(file["normalizer"])),
        pre_tokenizer_(PreTokenizer::Read(file["pre_tokenizer"])),
        bpe_(Bpe::Read(file["model"])),
        post_processor_(PostProcessor::Read(file["post_processor"])) {
    for (const auto& [token, id] : bpe_.Vocabulary()) Count(id);
    for (int32_t id : post_processor_.before) Count(id);
    for (int32_t id : post_processor_.after) Count(id);
    ReadAddedTokens(file["added_tokens"]);
  }

  absl::StatusOr<std::vector<int32_t>> Encode(absl::string_view utf8_text) const override;
  int32_t VocabularySize() const override { return vocabulary_size_; }

 private:
  static AddedToken ReadAddedToken(const Field& entry);
  void ReadAddedTokens(const Field& field);
  void Add(AddedToken token, const Field& entry);
  void Count(int32_t id) { vocabulary_size_ = std::max(vocabulary_size_, id + 1); }
  absl::Status EncodeRaw(absl::string_view text, std::vector<int32_t>* ids) const;

  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  Bpe bpe_;
  PostProcessor post_processor_;
  AddedTokenFinder raw_tokens_;         // looked for in the text as it comes
  AddedTokenFinder normalized_tokens_;  // looked for after normalization
  int32_t vocabulary_size_ = 0;
};

AddedToken BpeTokenizer::ReadAddedToken(const Field& entry) {
  bool special = entry["special"].Bool(false);
  AddedToken token;
  token.id = entry["id"].TokenId();
  token.content = entry["content"].String();
  token.single_word = entry["single_word"].Bool(false);
  token.left_strip = entry["lstrip"].Bool(false);
  token.right_strip = entry["rstrip"].Bool(false);
  token.normalized = entry["normalized"].Bool(!special);
  return token;
}

// Hugging Face ignores the written ids of added tokens that the vocabulary lacks, and numbers them
// from the vocabulary's size on. A file whose ids disagree has no ids that are right for everybody.
void BpeTokenizer::ReadAddedTokens(const Field& field) {
  if (field.IsNull()) return;
  absl::flat_hash_map<int32_t, std::string> owner;
  for (const auto& [token, id] : bpe_.Vocabulary()) owner.emplace(id, token);
  absl::flat_hash_set<std::string> seen;
  auto next_id = static_cast<int32_t>(bpe_.Vocabulary().size());
  for (const Field& entry : field.Elements()) {
    AddedToken token = ReadAddedToken(entry);
    if (!entry.Ok()) return;
    int32_t known = bpe_.Find(token.content);
    int32_t expected = known >= 0 ? known : next_id;
    bool free = owner.emplace(token.id, token.content).first->second == token.content;
    if (!seen.insert(token.content).second) {
      entry["content"].Invalid(absl::StrCat("names \"", token.content, "\" a second time"));
    } else if (token.id != expected || !free) {
      entry["id"].Invalid(absl::StrCat("gives \"", token.content, "\" the id ", token.id,
                                       ", which contradicts the vocabulary"));
    }
    if (!entry.Ok()) return;
    next_id = std::max(next_id, token.id + 1);
    Add(std::move(token), entry);
  }
}

void BpeTokenizer::Add(AddedToken token, const Field& entry) {
  Count(token.id);
  if (token.content.empty()) return;
  if (!token.normalized) {
    raw_tokens_.Add(std::move(token));
    return;
  }
  absl::StatusOr<std::string> content = normalizer_.Apply(token.content);
  if (!content.ok()) {
    entry["content"].Invalid(content.status().message());
    return;
  }
  token.content = *std::move(content);
  normalized_tokens_.Add(std::move(token));
}

absl::StatusOr<std::vector<int32_t>> BpeTokenizer::Encode(absl::string_view utf8_text) const {
  if (utf8_text.size() > kMaxTextBytes) {
    return MakeError(absl::StatusCode::kInvalidArgument, "TEXT_INVALID",
                     absl::StrCat("a text of ", utf8_text.size(), " bytes is longer than the ",
                                  kMaxTextBytes, " that are tokenized at once"),
                     "cut the text into sequences");
  }
  size_t invalid = FirstInvalidUtf8(utf8_text);
  if (invalid < utf8_text.size()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "TEXT_INVALID",
                     absl::StrCat("the text is not UTF-8 at byte ", invalid),
                     "store the corpus as UTF-8");
  }
  std::vector<int32_t> ids = post_processor_.before;
  for (const Piece& raw : raw_tokens_.Split(utf8_text)) {
    if (raw.id != Piece::kText) {
      ids.push_back(raw.id);
      continue;
    }
    absl::Status status = EncodeRaw(raw.text, &ids);
    if (!status.ok()) return status;
  }
  ids.insert(ids.end(), post_processor_.after.begin(), post_processor_.after.end());
  return ids;
}

// A stretch of text without tokens of raw_tokens_.
absl::Status BpeTokenizer::EncodeRaw(absl::string_view text, std::vector<int32_t>* ids) const {
  absl::StatusOr<std::string> normalized = normalizer_.Apply(text);
  if (!normalized.ok()) return normalized.status();
  for (const Piece& piece : normalized_tokens_.Split(*normalized)) {
    if (piece.id != Piece::kText) {
      ids->push_back(piece.id);
      continue;
    }
    absl::Status status = pre_tokenizer_.ForEachWord(
        piece.text, [&](absl::string_view word) { bpe_.Encode(word, ids); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace tokenizer

absl::StatusOr<std::unique_ptr<Tokenizer>> LoadTokenizer(const std::string& folder) {
  std::string path = absl::StrCat(folder, "/tokenizer.json");
  absl::StatusOr<nlohmann::json> json = tokenizer::ReadJsonFile(path, tokenizer::kMaxFileBytes);
  if (!json.ok()) return json.status();
  absl::Status error;
  tokenizer::Field file(*json, path, &error);
  // Files of 2019 have no model.type; vocab and merges tell them apart.
  tokenizer::Field type = file["model"]["type"];
  if (!type.IsNull() && type.String() != "BPE") {
    type.Unsupported(absl::StrCat("the model \"", type.String(), "\""));
  }
  if (!error.ok()) return error;
  auto loaded = std::make_unique<tokenizer::BpeTokenizer>(file);
  if (!error.ok()) return error;
  return loaded;
}

}  // namespace ondelette
