#include "common/tokenizer/pipeline_tokenizer.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/tokenizer/byte_trie.h"
#include "common/tokenizer/check_text.h"

namespace ondelette::tokenizer {

PipelineTokenizer::PipelineTokenizer(const Field& file)
    : normalizer_(Normalizer::Read(file["normalizer"])),
      pre_tokenizer_(PreTokenizer::Read(file["pre_tokenizer"])),
      model_(Model::Read(file["model"])),
      post_processor_(PostProcessor::Read(file["post_processor"])) {
  if (!file.Ok()) return;
  for (const auto& [token, id] : model_->Vocabulary()) {
    Count(id);
    pieces_.emplace(id, token);
  }
  for (int32_t id : post_processor_.before) Count(id);
  for (int32_t id : post_processor_.after) Count(id);
  ReadAddedTokens(file["added_tokens"]);
}

void PipelineTokenizer::Count(int32_t id) { vocabulary_size_ = std::max(vocabulary_size_, id + 1); }

std::string PipelineTokenizer::Piece(int32_t id) const {
  auto found = pieces_.find(id);
  return found == pieces_.end() ? "" : found->second;
}

AddedToken PipelineTokenizer::ReadAddedToken(const Field& entry) {
  bool special = entry["special"].Bool(false);
  AddedToken token;
  token.id = entry["id"].TokenId();
  token.content = entry["content"].String();
  token.single_word = entry["single_word"].Bool(false);
  token.left_strip = entry["lstrip"].Bool(false);
  token.right_strip = entry["rstrip"].Bool(false);
  token.normalized = entry["normalized"].Bool(!special);
  if (token.content.size() > kMaxKeyBytes) {
    entry["content"].Invalid(absl::StrCat("has more than ", kMaxKeyBytes, " bytes"));
  }
  return token;
}

// Hugging Face ignores the written ids of added tokens that the vocabulary lacks, and numbers them
// from the vocabulary's size on. A file whose ids disagree has no ids that are right for everybody.
void PipelineTokenizer::ReadAddedTokens(const Field& field) {
  if (field.IsNull()) return;
  absl::flat_hash_set<std::string> seen;
  auto next_id = static_cast<int32_t>(model_->Size());
  for (const Field& entry : field.Elements()) {
    AddedToken token = ReadAddedToken(entry);
    if (!entry.Ok()) return;
    int32_t known = model_->Find(token.content);
    int32_t expected = known >= 0 ? known : next_id;
    bool free = pieces_.emplace(token.id, token.content).first->second == token.content;
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

void PipelineTokenizer::Add(AddedToken token, const Field& entry) {
  Count(token.id);
  if (token.content.empty()) return;
  if (!token.normalized) {
    raw_tokens_.Add(std::move(token));
    return;
  }
  absl::StatusOr<std::string> content = normalizer_.Apply(token.content);
  if (!content.ok()) {
    entry["content"].Invalid(content.status().message());
  } else if (content->empty() || content->size() > kMaxKeyBytes) {
    entry["content"].Invalid(absl::StrCat("has ", content->size(), " bytes when normalized"));
  } else {
    token.content = *std::move(content);
    normalized_tokens_.Add(std::move(token));
  }
}

absl::StatusOr<std::vector<int32_t>> PipelineTokenizer::Encode(absl::string_view utf8_text) const {
  if (absl::Status status = CheckText(utf8_text); !status.ok()) return status;
  std::vector<int32_t> ids = post_processor_.before;
  for (const Stretch& raw : raw_tokens_.Split(utf8_text)) {
    if (raw.id != Stretch::kText) {
      ids.push_back(raw.id);
      continue;
    }
    absl::Status status = EncodeRaw(raw.text, raw.text.data() == utf8_text.data(), &ids);
    if (!status.ok()) return status;
  }
  ids.insert(ids.end(), post_processor_.after.begin(), post_processor_.after.end());
  return ids;
}

// A stretch of text without tokens of raw_tokens_.
absl::Status PipelineTokenizer::EncodeRaw(absl::string_view text, bool starts_text,
                                          std::vector<int32_t>* ids) const {
  absl::StatusOr<std::string> normalized = normalizer_.Apply(text);
  if (!normalized.ok()) return normalized.status();
  for (const Stretch& stretch : normalized_tokens_.Split(*normalized)) {
    if (stretch.id != Stretch::kText) {
      ids->push_back(stretch.id);
      continue;
    }
    bool starts = starts_text && stretch.text.data() == normalized->data();
    absl::Status status = pre_tokenizer_.ForEachWord(
        stretch.text, starts, [&](absl::string_view word) { model_->Encode(word, ids); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace ondelette::tokenizer
