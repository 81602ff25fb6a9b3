// A set of strings that is searched for prefixes of a text.
#ifndef ONDELETTE_COMMON_TOKENIZER_BYTE_TRIE_H_
#define ONDELETTE_COMMON_TOKENIZER_BYTE_TRIE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace ondelette::tokenizer {

// Longer keys are refused by those who fill tries from files: it bounds the search for the keys that
// start at one place of a text.
inline constexpr size_t kMaxKeyBytes = 1024;

// A trie over bytes. Immutable and thread-safe once filled.
class ByteTrie {
 public:
  static constexpr int32_t kRoot = 0;
  static constexpr int32_t kNone = -1;

  // The value stored for `key`, to read or to change; kNone where it is new.
  int32_t& operator[](absl::string_view key);

  // The node reached from `node` by one byte, or kNone.
  int32_t Next(int32_t node, char byte) const {
    auto edge = edges_.find({node, byte});
    return edge == edges_.end() ? kNone : edge->second;
  }
  // The node reached from the root by `key`, or kNone.
  int32_t Walk(absl::string_view key) const;
  // The value of the key that ends at `node`, or kNone.
  int32_t Value(int32_t node) const { return values_[node]; }

 private:
  absl::flat_hash_map<std::pair<int32_t, char>, int32_t> edges_;  // (node, byte) -> node
  std::vector<int32_t> values_ = {kNone};                         // by node
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_BYTE_TRIE_H_
