#include "common/tokenizer/byte_trie.h"

namespace ondelette::tokenizer {

int32_t& ByteTrie::operator[](absl::string_view key) {
  int32_t node = kRoot;
  for (char byte : key) {
    auto [edge, is_new] = edges_.try_emplace({node, byte}, static_cast<int32_t>(values_.size()));
    if (is_new) values_.push_back(kNone);
    node = edge->second;
  }
  return values_[node];
}

int32_t ByteTrie::Walk(absl::string_view key) const {
  int32_t node = kRoot;
  for (char byte : key) {
    node = Next(node, byte);
    if (node == kNone) break;
  }
  return node;
}

}  // namespace ondelette::tokenizer
