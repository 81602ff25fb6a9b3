#include "common/tokenizer/unigram.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {
namespace {

constexpr double kUnknownPenalty = 10;

}  // namespace

Unigram::Unigram(const Field& field) {
  adds_in_float32_ = field["ondelette_float32"].Bool(false);
  absl::flat_hash_set<int32_t> hidden;
  if (!field["ondelette_hidden"].IsNull()) {
    for (const Field& id : field["ondelette_hidden"].Elements()) hidden.insert(id.TokenId());
  }
  for (const Field& entry : field["vocab"].Elements()) {
    if (!entry.Ok()) return;
    ReadPiece(entry, hidden.contains(static_cast<int32_t>(scores_.size())));
  }
  Field unknown = field["unk_id"];
  unknown_ = unknown.TokenId();
  if (static_cast<size_t>(unknown_) >= scores_.size()) {
    unknown.Invalid(absl::StrCat("is not one of the ", scores_.size(), " pieces"));
    return;
  }
  unknown_score_ = *std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty;
  if (adds_in_float32_) unknown_score_ = static_cast<float>(unknown_score_);
  if (field["byte_fallback"].Bool(false)) byte_tokens_ = FindByteTokens();
}

// A piece is written as ["piece", score], its id is its place.
void Unigram::ReadPiece(const Field& entry, bool is_hidden) {
  std::vector<Field> pair = entry.Elements();
  if (pair.size() != 2) {
    entry.Invalid("is not a piece and its score");
    return;
  }
  const std::string& piece = pair[0].String();
  auto id = static_cast<int32_t>(scores_.size());
  if (piece.size() > kMaxKeyBytes) {
    entry.Invalid(absl::StrCat("is a piece of more than ", kMaxKeyBytes, " bytes"));
  }
  scores_.push_back(pair[1].Number());
  if (!entry.Ok()) return;
  vocabulary_[piece] = id;
  // The empty piece is in the vocabulary, and never found.
  if (!piece.empty() && !is_hidden) trie_[piece] = id;
}

std::vector<Unigram::Best> Unigram::Search(absl::string_view word) const {
  std::vector<Best> best(word.size() + 1);
  for (size_t start = 0; start < word.size();) {
    auto offer = [&, from = static_cast<int32_t>(start)](size_t end, double score, int32_t id) {
      score += best[start].score;
      if (adds_in_float32_) score = static_cast<float>(score);
      if (best[end].start < 0 || score > best[end].score) best[end] = {score, from, id};
    };
    size_t next = start + CharacterBytes(word, start);
    bool has_character = false;
    int32_t node = ByteTrie::kRoot;
    for (size_t end = start; end < word.size();) {
      node = trie_.Next(node, word[end++]);
      if (node == ByteTrie::kNone) break;
      int32_t id = trie_.Value(node);
      if (id == ByteTrie::kNone) continue;
      offer(end, scores_[id], id);
      has_character = has_character || end == next;
    }
    if (!has_character) offer(next, unknown_score_, unknown_);
    start = next;
  }
  return best;
}

void Unigram::Append(absl::string_view piece, std::vector<int32_t>* ids) const {
  int32_t id = Find(piece);
  if (id < 0 && !byte_tokens_.empty()) {
    std::vector<int32_t> bytes;
    for (char byte : piece) bytes.push_back(byte_tokens_[static_cast<unsigned char>(byte)]);
    if (std::find(bytes.begin(), bytes.end(), -1) == bytes.end()) {
      ids->insert(ids->end(), bytes.begin(), bytes.end());
      return;
    }
  }
  ids->push_back(id < 0 ? unknown_ : id);
}

void Unigram::Encode(absl::string_view word, std::vector<int32_t>* ids) const {
  std::vector<Best> best = Search(word);
  std::vector<std::pair<size_t, size_t>> pieces;  // from the last to the first
  bool fuses = false;
  for (auto end = static_cast<int32_t>(word.size()); end > 0; end = best[end].start) {
    auto start = static_cast<size_t>(best[end].start);
    bool is_unknown = best[end].id == unknown_;
    if (is_unknown && fuses) {
      pieces.back().first = start;
    } else {
      pieces.emplace_back(start, static_cast<size_t>(end));
    }
    fuses = is_unknown;
  }
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
    Append(word.substr(piece->first, piece->second - piece->first), ids);
  }
}

}  // namespace ondelette::tokenizer
