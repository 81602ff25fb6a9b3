// From vocab.txt, and from vocab.json and merges.txt.
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/tokenizer/added_token_list.h"
#include "common/tokenizer/conversion.h"
#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {
namespace {

using nlohmann::json;

constexpr const char* kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// A piece's id in a vocabulary object; -1 where it has none that is one.
auto FindIn(const json& vocabulary) {
  return [&vocabulary](const std::string& token) {
    auto found = vocabulary.find(token);
    if (found == vocabulary.end() || !found->is_number_integer()) return -1;
    auto id = found->get<int64_t>();
    return id >= 0 && id < kMaxTokenId ? static_cast<int32_t>(id) : -1;
  };
}

json ByteLevel(bool add_prefix_space, bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", add_prefix_space}, {"use_regex", use_regex}};
}

json PreTokenizerOf(const std::string& tokenizer_class, bool add_prefix_space) {
  if (tokenizer_class != "Qwen2Tokenizer") return ByteLevel(add_prefix_space, true);
  json split = {{"type", "Split"},
                {"pattern", {{"Regex", kQwen2Pattern}}},
                {"behavior", "Isolated"},
                {"invert", false}};
  return {{"type", "Sequence"}, {"pretokenizers", {split, ByteLevel(add_prefix_space, false)}}};
}

}  // namespace

json TemplateOf(const std::string& before, const std::string& after, const json& added_tokens) {
  json single = json::array();
  json tokens = json::object();
  auto add = [&](const std::string& name) {
    if (name.empty()) return;
    single.push_back({{"SpecialToken", {{"id", name}}}});
    for (const json& token : added_tokens) {
      if (token["content"] == name) tokens[name] = {{"ids", {token["id"]}}};
    }
  };
  add(before);
  single.push_back({{"Sequence", {{"id", "A"}}}});
  add(after);
  return {{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", tokens}};
}

json ConvertWordPiece(absl::string_view vocabulary, const Field& config) {
  json vocab = json::object();
  int32_t id = 0;
  for (absl::string_view line : absl::StrSplit(absl::StripSuffix(vocabulary, "\n"), '\n')) {
    line.remove_suffix(SpaceBytesAtEnd(line));
    vocab[std::string(line)] = id++;  // of two equal lines the last counts
  }
  AddedTokenList added(config);
  std::string unknown = added.AddNamed("unk_token", "[UNK]");
  std::string separator = added.AddNamed("sep_token", "[SEP]");
  added.AddNamed("pad_token", "[PAD]");
  std::string begin = added.AddNamed("cls_token", "[CLS]");
  added.AddNamed("mask_token", "[MASK]");
  json added_tokens = added.ToJson(FindIn(vocab), static_cast<int32_t>(vocab.size()));
  bool lowercase = config["do_lower_case"].Bool(true);
  json normalizer = {{"type", "BertNormalizer"},
                     {"clean_text", true},
                     {"handle_chinese_chars", config["tokenize_chinese_chars"].Bool(true)},
                     {"strip_accents", config["strip_accents"].Bool(lowercase)},
                     {"lowercase", lowercase}};
  json model = {{"type", "WordPiece"},
                {"unk_token", unknown},
                {"continuing_subword_prefix", "##"},
                {"max_input_chars_per_word", 100},
                {"vocab", std::move(vocab)}};
  return {{"added_tokens", added_tokens},
          {"normalizer", normalizer},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor", TemplateOf(begin, separator, added_tokens)},
          {"model", std::move(model)}};
}

json ConvertByteLevel(json vocabulary, absl::string_view merges, const std::string& tokenizer_class,
                      const Field& config) {
  json pairs = json::array();
  for (absl::string_view line : absl::StrSplit(merges, '\n', absl::SkipEmpty())) {
    if (absl::EndsWith(line, "\r")) line.remove_suffix(1);
    if (!line.empty()) pairs.push_back(std::string(line));
  }
  const bool is_qwen = tokenizer_class == "Qwen2Tokenizer";
  const char* end_of_text = "<|endoftext|>";
  AddedTokenList added(config);
  std::string begin = added.AddNamed("bos_token", is_qwen ? nullptr : end_of_text);
  std::string end = added.AddNamed("eos_token", end_of_text);
  added.AddNamed("unk_token", end_of_text);
  added.AddNamed("pad_token", is_qwen                                 ? end_of_text
                              : tokenizer_class == "GPTNeoXTokenizer" ? "<|padding|>"
                                                                      : nullptr);
  json added_tokens = added.ToJson(FindIn(vocabulary), static_cast<int32_t>(vocabulary.size()));
  json normalizer;
  if (tokenizer_class != "GPT2Tokenizer") normalizer = {{"type", "NFC"}};
  if (!config["add_bos_token"].Bool(false)) begin.clear();
  if (!config["add_eos_token"].Bool(false)) end.clear();
  bool add_prefix_space = config["add_prefix_space"].Bool(false);
  json model = {{"type", "BPE"}, {"vocab", std::move(vocabulary)}, {"merges", std::move(pairs)}};
  return {{"added_tokens", added_tokens},
          {"normalizer", normalizer},
          {"pre_tokenizer", PreTokenizerOf(tokenizer_class, add_prefix_space)},
          {"post_processor", TemplateOf(begin, end, added_tokens)},
          {"model", std::move(model)}};
}

}  // namespace ondelette::tokenizer
