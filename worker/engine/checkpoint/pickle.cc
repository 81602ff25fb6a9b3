#include "worker/engine/checkpoint/pickle.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "worker/engine/checkpoint/file_errors.h"
#include "worker/engine/checkpoint/tensor_view.h"

namespace ondelette {
namespace {

// The opcodes that are understood; every other byte is refused.
enum Opcode : uint8_t {
  kMark = '(',
  kStop = '.',
  kNone = 'N',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kBinUnicode = 'X',
  kBinPersistentId = 'Q',
  kReduce = 'R',
  kBuild = 'b',
  kGlobal = 'c',
  kAppend = 'a',
  kAppends = 'e',
  kSetItem = 's',
  kSetItems = 'u',
  kEmptyList = ']',
  kEmptyDict = '}',
  kEmptyTuple = ')',
  kTuple = 't',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kProtocol = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};

class Interpreter {
 public:
  Interpreter(absl::string_view bytes, std::span<const absl::string_view> allowed,
              absl::string_view file)
      : bytes_(bytes), rest_(bytes), allowed_(allowed), file_(file) {}

  absl::StatusOr<PickleTree> Run();

 private:
  absl::Status Step(uint8_t opcode);
  absl::Status StepScalar(uint8_t opcode);
  absl::Status StepContainer(uint8_t opcode);
  absl::Status StepMemo(uint8_t opcode);
  absl::Status StepCall(uint8_t opcode);

  absl::Status PushNode(PickleNode node);
  absl::Status PushInt(int64_t value);
  absl::Status PushBool(bool value);
  absl::Status PushString(uint64_t length);
  absl::Status PushLong(size_t length);
  absl::Status PushTuple(size_t begin);
  absl::Status PushGlobal(absl::string_view module, absl::string_view name);
  absl::Status PushMemo(uint32_t key);
  absl::Status Memoize(uint32_t key);
  // Moves the items above `begin` into the container below them.
  absl::Status Extend(size_t begin, bool pairs);

  // Each takes what it returns off the pickle; false where the pickle ends before.
  template <typename T>
  bool Take(T& value) {
    absl::string_view raw;
    if (!TakeBytes(sizeof(T), raw)) return false;
    std::memcpy(&value, raw.data(), sizeof(T));
    return true;
  }
  bool TakeBytes(uint64_t count, absl::string_view& taken);
  bool TakeLine(absl::string_view& line);

  // The stack above the last mark, which is taken away; false where there is no mark.
  bool PopMark(size_t& begin);
  // Items on the stack that lie above the last mark.
  size_t Above() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }

  absl::Status Error(absl::string_view what) const {
    return CorruptFile(file_, absl::StrCat("pickle ", what, " at byte ", position_));
  }
  absl::Status CutOff() const { return Error("is cut off"); }
  absl::Status Underflow() const { return Error("takes more off its stack than there is"); }

  absl::string_view bytes_;
  absl::string_view rest_;
  std::span<const absl::string_view> allowed_;
  absl::string_view file_;
  size_t position_ = 0;  // of the opcode being interpreted
  PickleTree tree_;
  std::vector<PickleIndex> stack_;  // no longer than the pickle
  std::vector<size_t> marks_;       // heights of stack_
  absl::flat_hash_map<uint32_t, PickleIndex> memo_;
};

absl::StatusOr<PickleTree> Interpreter::Run() {
  if (bytes_.size() > kMaxPickleBytes) {
    return CorruptFile(file_, absl::StrCat("pickle is longer than ", kMaxPickleBytes, " bytes"));
  }
  for (;;) {
    position_ = bytes_.size() - rest_.size();
    uint8_t opcode = 0;
    if (!Take(opcode)) return CutOff();
    if (opcode == kStop) break;
    if (absl::Status done = Step(opcode); !done.ok()) return done;
  }
  if (stack_.size() != 1 || !marks_.empty()) return Error("does not end with one value");
  tree_.root = stack_.back();
  return std::move(tree_);
}

absl::Status Interpreter::Step(uint8_t opcode) {
  switch (opcode) {
    case kProtocol: {
      uint8_t version = 0;
      if (!Take(version)) return CutOff();
      if (version < 2 || version > 5) return Error(absl::StrCat("has protocol ", version));
      return absl::OkStatus();
    }
    case kFrame: {
      uint64_t length = 0;
      if (!Take(length)) return CutOff();
      if (length > rest_.size()) return CutOff();
      return absl::OkStatus();
    }
    case kMark:
      marks_.push_back(stack_.size());
      return absl::OkStatus();
    case kNone:
    case kBinFloat:
    case kBinInt:
    case kBinInt1:
    case kBinInt2:
    case kLong1:
    case kNewTrue:
    case kNewFalse:
    case kBinUnicode:
    case kShortBinUnicode:
    case kBinUnicode8:
      return StepScalar(opcode);
    case kEmptyList:
    case kEmptyDict:
    case kEmptyTuple:
    case kTuple:
    case kTuple1:
    case kTuple2:
    case kTuple3:
    case kAppend:
    case kAppends:
    case kSetItem:
    case kSetItems:
      return StepContainer(opcode);
    case kBinGet:
    case kLongBinGet:
    case kBinPut:
    case kLongBinPut:
    case kMemoize:
      return StepMemo(opcode);
    case kGlobal:
    case kStackGlobal:
    case kReduce:
    case kBuild:
    case kBinPersistentId:
      return StepCall(opcode);
    default:
      return Error(absl::StrCat("has the opcode ", opcode, ", which no state dict needs,"));
  }
}

absl::Status Interpreter::StepScalar(uint8_t opcode) {
  uint8_t byte = 0;
  uint16_t two = 0;
  uint32_t four = 0;
  uint64_t eight = 0;
  switch (opcode) {
    case kNone:
      return PushNode({});
    case kNewTrue:
    case kNewFalse:
      return PushBool(opcode == kNewTrue);
    case kBinFloat:  // only state that is dropped holds floats: the value is of no use
      return Take(eight) ? PushNode({.kind = PickleKind::kFloat}) : CutOff();
    case kBinInt:
      return Take(four) ? PushInt(static_cast<int32_t>(four)) : CutOff();
    case kBinInt1:
      return Take(byte) ? PushInt(byte) : CutOff();
    case kBinInt2:
      return Take(two) ? PushInt(two) : CutOff();
    case kLong1:
      return Take(byte) ? PushLong(byte) : CutOff();
    case kShortBinUnicode:
      return Take(byte) ? PushString(byte) : CutOff();
    case kBinUnicode:
      return Take(four) ? PushString(four) : CutOff();
    default:
      return Take(eight) ? PushString(eight) : CutOff();
  }
}

absl::Status Interpreter::StepContainer(uint8_t opcode) {
  size_t begin = 0;
  switch (opcode) {
    case kEmptyList:
      return PushNode({.kind = PickleKind::kList});
    case kEmptyDict:
      return PushNode({.kind = PickleKind::kDict});
    case kEmptyTuple:
      return PushNode({.kind = PickleKind::kTuple});
    case kTuple:
      return PopMark(begin) ? PushTuple(begin) : Underflow();
    case kTuple1:
    case kTuple2:
    case kTuple3: {
      size_t count = opcode - kTuple1 + size_t{1};
      return Above() >= count ? PushTuple(stack_.size() - count) : Underflow();
    }
    case kAppend:
      return Above() >= 2 ? Extend(stack_.size() - 1, /*pairs=*/false) : Underflow();
    case kAppends:
      return PopMark(begin) && Above() >= stack_.size() - begin + 1 ? Extend(begin, false)
                                                                    : Underflow();
    case kSetItem:
      return Above() >= 3 ? Extend(stack_.size() - 2, /*pairs=*/true) : Underflow();
    default:
      return PopMark(begin) && Above() >= stack_.size() - begin + 1 ? Extend(begin, true)
                                                                    : Underflow();
  }
}

absl::Status Interpreter::StepMemo(uint8_t opcode) {
  uint8_t byte = 0;
  uint32_t four = 0;
  switch (opcode) {
    case kBinGet:
      return Take(byte) ? PushMemo(byte) : CutOff();
    case kLongBinGet:
      return Take(four) ? PushMemo(four) : CutOff();
    case kBinPut:
      return Take(byte) ? Memoize(byte) : CutOff();
    case kLongBinPut:
      return Take(four) ? Memoize(four) : CutOff();
    default:
      return Memoize(static_cast<uint32_t>(memo_.size()));
  }
}

absl::Status Interpreter::StepCall(uint8_t opcode) {
  if (opcode == kGlobal) {
    absl::string_view module;
    absl::string_view name;
    return TakeLine(module) && TakeLine(name) ? PushGlobal(module, name) : CutOff();
  }
  size_t needed = opcode == kBinPersistentId ? 1 : 2;
  if (Above() < needed) return Underflow();
  PickleIndex second = stack_.back();
  stack_.pop_back();
  if (opcode == kBinPersistentId) {
    return PushNode({.kind = PickleKind::kPersistent, .items = {second}});
  }
  if (opcode == kBuild) return absl::OkStatus();  // the object stays, its state goes
  PickleIndex first = stack_.back();
  stack_.pop_back();
  if (opcode == kStackGlobal) {
    if (tree_[first].kind != PickleKind::kString || tree_[second].kind != PickleKind::kString) {
      return Error("names a global by something that is not text");
    }
    return PushGlobal(tree_[first].text, tree_[second].text);
  }
  if (tree_[first].kind != PickleKind::kGlobal || tree_[second].kind != PickleKind::kTuple) {
    return Error("calls something that is not a global");
  }
  return PushNode({.kind = PickleKind::kCall, .items = {first, second}});
}

absl::Status Interpreter::PushNode(PickleNode node) {
  if (tree_.nodes.size() >= kMaxPickleNodes) {
    return Error(absl::StrCat("has more than ", kMaxPickleNodes, " values"));
  }
  stack_.push_back(static_cast<PickleIndex>(tree_.nodes.size()));
  tree_.nodes.push_back(std::move(node));
  return absl::OkStatus();
}

absl::Status Interpreter::PushInt(int64_t value) {
  return PushNode({.kind = PickleKind::kInt, .integer = value});
}

absl::Status Interpreter::PushBool(bool value) {
  return PushNode({.kind = PickleKind::kBool, .integer = value ? 1 : 0});
}

absl::Status Interpreter::PushString(uint64_t length) {
  absl::string_view text;
  if (!TakeBytes(length, text)) return CutOff();
  return PushNode({.kind = PickleKind::kString, .text = text});
}

// A little-endian two's complement number of `length` bytes.
absl::Status Interpreter::PushLong(size_t length) {
  absl::string_view raw;
  if (length > sizeof(int64_t)) return Error("has a number longer than 8 bytes");
  if (!TakeBytes(length, raw)) return CutOff();
  bool negative = length > 0 && (static_cast<uint8_t>(raw.back()) & 0x80) != 0;
  int64_t value = negative ? -1 : 0;
  std::memcpy(&value, raw.data(), length);
  return PushInt(value);
}

absl::Status Interpreter::PushTuple(size_t begin) {
  PickleNode node{.kind = PickleKind::kTuple};
  node.items.assign(stack_.begin() + static_cast<ptrdiff_t>(begin), stack_.end());
  stack_.resize(begin);
  return PushNode(std::move(node));
}

absl::Status Interpreter::PushGlobal(absl::string_view module, absl::string_view name) {
  std::string full = absl::StrCat(module, ".", name);
  auto found = std::find(allowed_.begin(), allowed_.end(), absl::string_view(full));
  if (found == allowed_.end()) {
    return MakeError(
        absl::StatusCode::kPermissionDenied, "CHECKPOINT_FORBIDDEN_GLOBAL",
        absl::StrCat(file_, ": pickle asks for ", Quoted(full),
                     ", which no state dict needs and which may run code, at byte ", position_),
        "do not load this file with torch either unless you trust it; convert it to safetensors");
  }
  return PushNode({.kind = PickleKind::kGlobal, .text = *found});
}

absl::Status Interpreter::PushMemo(uint32_t key) {
  auto found = memo_.find(key);
  if (found == memo_.end()) return Error(absl::StrCat("recalls value ", key, ", never stored,"));
  stack_.push_back(found->second);
  return absl::OkStatus();
}

absl::Status Interpreter::Memoize(uint32_t key) {
  if (Above() == 0) return Underflow();
  memo_[key] = stack_.back();
  return absl::OkStatus();
}

absl::Status Interpreter::Extend(size_t begin, bool pairs) {
  PickleNode& container = tree_.nodes[stack_[begin - 1]];
  bool fits = pairs ? container.kind == PickleKind::kDict || container.kind == PickleKind::kCall
                    : container.kind == PickleKind::kList;
  if (!fits || (pairs && (stack_.size() - begin) % 2 != 0)) {
    return Error("puts items into something that cannot hold them");
  }
  container.items.insert(container.items.end(), stack_.begin() + static_cast<ptrdiff_t>(begin),
                         stack_.end());
  stack_.resize(begin);
  return absl::OkStatus();
}

bool Interpreter::TakeBytes(uint64_t count, absl::string_view& taken) {
  if (count > rest_.size()) return false;
  taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return true;
}

bool Interpreter::TakeLine(absl::string_view& line) {
  size_t end = rest_.find('\n');
  if (end == absl::string_view::npos) return false;
  line = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  return true;
}

bool Interpreter::PopMark(size_t& begin) {
  if (marks_.empty()) return false;
  begin = marks_.back();
  marks_.pop_back();
  return begin <= stack_.size();
}

}  // namespace

absl::string_view PickleKindName(PickleKind kind) {
  constexpr absl::string_view kNames[] = {"None",     "a bool",    "an integer", "a float",
                                          "a string", "a tuple",   "a list",     "a dict",
                                          "a class",  "an object", "a storage"};
  return kNames[static_cast<size_t>(kind)];
}

absl::StatusOr<PickleTree> ReadPickle(absl::string_view bytes,
                                      std::span<const absl::string_view> allowed_globals,
                                      absl::string_view file) {
  return Interpreter(bytes, allowed_globals, file).Run();
}

}  // namespace ondelette
