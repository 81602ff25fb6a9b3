#include "common/tokenizer/bpe.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {
namespace {

uint64_t PairKey(int32_t left, int32_t right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
}

// The two tokens of one entry of merges: "a b" as written until 2024, or ["a", "b"].
std::pair<std::string, std::string> MergePair(const Field& entry) {
  if (!entry.IsString()) {
    std::vector<Field> parts = entry.Elements();
    if (parts.size() == 2) return {parts[0].String(), parts[1].String()};
    entry.Invalid("is not a pair of tokens");
    return {};
  }
  std::vector<std::string> parts = absl::StrSplit(entry.String(), ' ');
  if (parts.size() == 2) return {std::move(parts[0]), std::move(parts[1])};
  entry.Invalid("is not two tokens with one space between");
  return {};
}

}  // namespace

Bpe::Bpe(const Field& field) {
  ReadVocabulary(field["vocab"]);
  ReadMerges(field["merges"], field["ondelette_ranks"]);
  ReadOptions(field);
}

void Bpe::ReadMerges(const Field& field, const Field& ranks_field) {
  std::vector<Field> ranks;
  if (!ranks_field.IsNull()) ranks = ranks_field.Elements();
  int32_t next_rank = 0;
  for (const Field& entry : field.Elements()) {
    if (entry.IsString() && absl::StartsWith(entry.String(), "#version")) continue;
    auto [left, right] = MergePair(entry);
    std::string merged = absl::StrCat(left, right);
    for (const std::string* token : {&left, &right, &merged}) {
      if (entry.Ok() && Find(*token) < 0) {
        entry.Invalid(absl::StrCat("names \"", *token, "\", which the vocabulary lacks"));
      }
    }
    if (!entry.Ok()) return;
    int32_t rank = next_rank++;
    if (static_cast<size_t>(rank) < ranks.size()) rank = ranks[rank].TokenId();
    // Of a pair that is listed twice the last counts, as in Hugging Face's map.
    merges_[PairKey(Find(left), Find(right))] = {rank, Find(merged)};
  }
}

void Bpe::ReadOptions(const Field& field) {
  if (Field dropout = field["dropout"]; !dropout.IsNull() && dropout.Value() != 0) {
    dropout.Unsupported("dropout, which makes ids random,");
  }
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    Field affix = field[name];
    if (!affix.IsNull() && !affix.String().empty()) affix.Unsupported(name);
  }
  fuse_unknown_ = field["fuse_unk"].Bool(false);
  ignore_merges_ = field["ignore_merges"].Bool(false);
  if (field["byte_fallback"].Bool(false)) byte_tokens_ = FindByteTokens();
  if (Field unknown = field["unk_token"]; !unknown.IsNull()) unknown_ = Named(unknown);
}

const Bpe::Merge* Bpe::FindMerge(int32_t left, int32_t right) const {
  auto found = merges_.find(PairKey(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

bool Bpe::HasByteTokens(absl::string_view character) const {
  return !byte_tokens_.empty() && std::all_of(character.begin(), character.end(), [&](char byte) {
    return byte_tokens_[static_cast<unsigned char>(byte)] >= 0;
  });
}

// Hugging Face holds an unknown token back until a character of the vocabulary or the end follows,
// so that it comes behind the byte tokens in between, and fuses with what is unknown behind them.
std::vector<Bpe::Symbol> Bpe::Symbols(absl::string_view word) const {
  std::vector<Symbol> symbols;
  auto add = [&](int32_t id) {
    auto index = static_cast<int32_t>(symbols.size());
    if (index > 0) symbols.back().next = index;
    symbols.push_back({id, index - 1, -1, true});
  };
  bool held_back = false;
  for (size_t offset = 0; offset < word.size();) {
    absl::string_view character = word.substr(offset, CharacterBytes(word, offset));
    offset += character.size();
    int32_t id = Find(character);
    if (id >= 0) {
      if (held_back) add(unknown_);
      held_back = false;
      add(id);
    } else if (HasByteTokens(character)) {
      for (char byte : character) add(byte_tokens_[static_cast<unsigned char>(byte)]);
    } else if (unknown_ >= 0) {
      if (held_back && !fuse_unknown_) add(unknown_);
      held_back = true;
    }
  }
  if (held_back) add(unknown_);
  return symbols;
}

void Bpe::MergeAll(std::vector<Symbol>* symbols) const {
  std::vector<Symbol>& all = *symbols;
  auto later = [](const Candidate& a, const Candidate& b) {
    return std::pair(a.rank, a.left) > std::pair(b.rank, b.left);
  };
  std::priority_queue<Candidate, std::vector<Candidate>, decltype(later)> queue(later);
  auto consider = [&](int32_t left) {
    if (left < 0 || all[left].next < 0) return;
    const Merge* merge = FindMerge(all[left].id, all[all[left].next].id);
    if (merge != nullptr) queue.push({merge->rank, left, merge->result});
  };
  for (int32_t left = 0; left < static_cast<int32_t>(all.size()); ++left) consider(left);
  while (!queue.empty()) {
    Candidate top = queue.top();
    queue.pop();
    Symbol& left = all[top.left];
    if (!left.alive || left.next < 0) continue;
    Symbol& right = all[left.next];
    // The pair may have changed since it was queued. As in Hugging Face, it is enough that it still
    // gives the same token.
    const Merge* merge = FindMerge(left.id, right.id);
    if (merge == nullptr || merge->result != top.result) continue;
    left.id = top.result;
    left.next = right.next;
    right.alive = false;
    if (left.next >= 0) all[left.next].previous = top.left;
    consider(left.previous);
    consider(top.left);
  }
}

void Bpe::Encode(absl::string_view word, std::vector<int32_t>* ids) const {
  if (ignore_merges_) {
    int32_t whole = Find(word);
    if (whole >= 0) {
      ids->push_back(whole);
      return;
    }
  }
  std::vector<Symbol> symbols = Symbols(word);
  MergeAll(&symbols);
  for (const Symbol& symbol : symbols) {
    if (symbol.alive) ids->push_back(symbol.id);
  }
}

}  // namespace ondelette::tokenizer
