// Reads a pickle into an inert tree. Nothing is ever called or imported: a global is a name that
// must be on a list, and a call is a node that holds the name and its arguments.
//
// Format: CPython's Lib/pickletools.py, protocols 2 to 5; only the opcodes that torch.save writes
// for data. Nodes refer to each other by index, so that cycles cost nothing and no destructor
// recurses.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_PICKLE_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_PICKLE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette {

// A state dict of 100,000 tensors takes some 16 MB and 2 million nodes.
inline constexpr size_t kMaxPickleBytes = 32 << 20;
inline constexpr size_t kMaxPickleNodes = 4 << 20;

enum class PickleKind : uint8_t {
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,
  kTuple,
  kList,
  kDict,
  kGlobal,      // text is "module.name"
  kCall,        // items[0] is a kGlobal, items[1] the tuple of arguments
  kPersistent,  // items[0] is its id: torch's reference to a storage
};

absl::string_view PickleKindName(PickleKind kind);  // "a tuple"

using PickleIndex = uint32_t;

struct PickleNode {
  PickleKind kind = PickleKind::kNone;
  int64_t integer = 0;          // kInt; 0 or 1 of a kBool
  absl::string_view text = {};  // kString: in the pickle's bytes; kGlobal: in the allow-list
  std::vector<PickleIndex> items = {};  // of containers; a dict's keys and values in turn, of a
                                        // dict and of a kCall (an OrderedDict) after its first two
};

struct PickleTree {
  std::vector<PickleNode> nodes;
  PickleIndex root = 0;

  const PickleNode& operator[](PickleIndex index) const { return nodes[index]; }
};

// Interprets `bytes`, which must outlive the tree, as must `allowed_globals` ("module.name"). State
// set on an object after its making (BUILD) is dropped. Thread-safe. DATA_LOSS CHECKPOINT_CORRUPT
// naming `file` and the byte; PERMISSION_DENIED CHECKPOINT_FORBIDDEN_GLOBAL naming the global.
absl::StatusOr<PickleTree> ReadPickle(absl::string_view bytes,
                                      std::span<const absl::string_view> allowed_globals,
                                      absl::string_view file);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_PICKLE_H_
