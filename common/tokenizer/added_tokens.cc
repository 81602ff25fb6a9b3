#include "common/tokenizer/added_tokens.h"

#include <algorithm>
#include <utility>

#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {

void AddedTokenFinder::Add(AddedToken token) {
  int32_t& index = trie_[token.content];
  if (index != ByteTrie::kNone) return;
  index = static_cast<int32_t>(tokens_.size());
  tokens_.push_back(std::move(token));
}

const AddedToken* AddedTokenFinder::LongestAt(absl::string_view text) const {
  int32_t longest = ByteTrie::kNone;
  int32_t node = ByteTrie::kRoot;
  for (char byte : text) {
    node = trie_.Next(node, byte);
    if (node == ByteTrie::kNone) break;
    if (trie_.Value(node) != ByteTrie::kNone) longest = trie_.Value(node);
  }
  return longest == ByteTrie::kNone ? nullptr : &tokens_[longest];
}

std::vector<Stretch> AddedTokenFinder::Split(absl::string_view text) const {
  std::vector<Stretch> stretches;
  size_t done = 0;  // everything before is in `stretches`
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
    if (done < start) stretches.push_back({Stretch::kText, text.substr(done, start - done)});
    stretches.push_back({token->id, text.substr(start, stop - start)});
    // The search goes on behind the token itself: white space that was taken along may still start
    // another token, which Hugging Face then reports too.
    done = stop;
  }
  if (done < text.size()) stretches.push_back({Stretch::kText, text.substr(done)});
  return stretches;
}

}  // namespace ondelette::tokenizer
