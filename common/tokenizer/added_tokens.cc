#include "common/tokenizer/added_tokens.h"

#include <algorithm>

#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {

void AddedTokenFinder::Add(AddedToken token) {
  int32_t node = 0;
  for (char byte : token.content) {
    auto [edge, is_new] =
        edges_.try_emplace({node, byte}, static_cast<int32_t>(token_at_node_.size()));
    if (is_new) token_at_node_.push_back(-1);
    node = edge->second;
  }
  if (token_at_node_[node] >= 0) return;
  token_at_node_[node] = static_cast<int32_t>(tokens_.size());
  tokens_.push_back(std::move(token));
}

const AddedToken* AddedTokenFinder::LongestAt(absl::string_view text) const {
  const AddedToken* longest = nullptr;
  int32_t node = 0;
  for (char byte : text) {
    auto edge = edges_.find({node, byte});
    if (edge == edges_.end()) break;
    node = edge->second;
    if (token_at_node_[node] >= 0) longest = &tokens_[token_at_node_[node]];
  }
  return longest;
}

std::vector<Piece> AddedTokenFinder::Split(absl::string_view text) const {
  std::vector<Piece> pieces;
  size_t done = 0;  // everything before is in `pieces`
  for (size_t at = 0; at < text.size() && !tokens_.empty();) {
    const AddedToken* token = LongestAt(text.substr(at));
    if (token == nullptr) {
      ++at;
      continue;
    }
    size_t start = at;
    size_t stop = at + token->content.size();
    at = stop;
    if (token->single_word &&
        (EndsWithWord(text.substr(0, start)) || StartsWithWord(text.substr(stop)))) {
      continue;
    }
    if (token->left_strip) start = std::max(start - SpaceBytesAtEnd(text.substr(0, start)), done);
    if (token->right_strip) stop += SpaceBytesAtStart(text.substr(stop));
    if (done < start) pieces.push_back({Piece::kText, text.substr(done, start - done)});
    pieces.push_back({token->id, text.substr(start, stop - start)});
    // The search goes on behind the token itself: white space that was taken along may still start
    // another token, which Hugging Face then reports too.
    done = stop;
  }
  if (done < text.size()) pieces.push_back({Piece::kText, text.substr(done)});
  return pieces;
}

}  // namespace ondelette::tokenizer
