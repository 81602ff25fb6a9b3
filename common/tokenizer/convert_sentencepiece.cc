// From a SentencePiece model.
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/tokenizer/added_token_list.h"
#include "common/tokenizer/conversion.h"
#include "common/tokenizer/unicode.h"

namespace ondelette::tokenizer {
namespace {

using nlohmann::json;
using Algorithm = SentencePieceFile::Algorithm;
using PieceKind = SentencePieceFile::PieceKind;
using Ids = absl::flat_hash_map<std::string, int32_t>;

constexpr const char* kSpace = "\u2581";  // how SentencePiece writes a space
constexpr int kMostExtraIds = 100'000;

// Of two equal pieces the last counts.
Ids IdsOf(const SentencePieceFile& file) {
  Ids ids;
  for (size_t id = 0; id < file.pieces.size(); ++id) {
    ids[file.pieces[id].text] = static_cast<int32_t>(id);
  }
  return ids;
}

auto FindIn(const Ids& ids) {
  return [&ids](const std::string& token) {
    auto found = ids.find(token);
    return found == ids.end() ? -1 : found->second;
  };
}

// transformers' generate_merges: every way to cut a piece into two, in the order of the pieces.
json MergesOf(const SentencePieceFile& file, const Ids& ids) {
  json merges = json::array();
  for (size_t id = 0; id < file.pieces.size(); ++id) {
    const std::string& piece = file.pieces[id].text;
    if (ids.at(piece) != static_cast<int32_t>(id)) continue;
    for (size_t at = CharacterBytes(piece, 0); at < piece.size(); at += CharacterBytes(piece, at)) {
      std::string left = piece.substr(0, at);
      std::string right = piece.substr(at);
      if (ids.contains(left) && ids.contains(right)) merges.push_back({left, right});
    }
  }
  return merges;
}

json BpeModel(const SentencePieceFile& file, const Ids& ids) {
  return {{"type", "BPE"},
          {"fuse_unk", true},
          {"byte_fallback", true},
          {"vocab", json(ids)},
          {"merges", MergesOf(file, ids)}};
}

json UnigramModel(const SentencePieceFile& file) {
  json vocabulary = json::array();
  for (const SentencePieceFile::Piece& piece : file.pieces) {
    vocabulary.push_back({piece.text, piece.score});
  }
  return {{"type", "Unigram"}, {"vocab", std::move(vocabulary)}};
}

json Precompiled(const SentencePieceFile& file) {
  return {{"type", "Precompiled"},
          {"precompiled_charsmap", absl::Base64Escape(file.character_map)}};
}

// What the model reserves: control pieces, and those that its maker listed.
void AddReserved(const SentencePieceFile& file, AddedTokenList* added) {
  for (const SentencePieceFile::Piece& piece : file.pieces) {
    bool is_control = piece.kind == PieceKind::kControl;
    if (is_control || piece.kind == PieceKind::kUserDefined) added->Add(piece.text, is_control);
  }
}

bool HasAlgorithm(const SentencePieceFile& file, Algorithm wanted, const Field& config) {
  if (file.algorithm == wanted) return true;
  config["tokenizer_class"].Unsupported(absl::StrCat(
      "this class with a SentencePiece model of type ", static_cast<int>(file.algorithm)));
  return false;
}

// The named tokens, each with the class' own default, and a template of those that are wanted.
struct NamedDefaults {
  const char* bos;
  const char* eos;
  const char* unk;
  const char* pad;
  const char* mask;
};
void AddNamedAndTemplate(const NamedDefaults& defaults, const SentencePieceFile& file,
                         const Ids& ids, const Field& config, json* form) {
  AddedTokenList added(config);
  std::string begin = added.AddNamed("bos_token", defaults.bos);
  std::string end = added.AddNamed("eos_token", defaults.eos);
  added.AddNamed("unk_token", defaults.unk);
  added.AddNamed("pad_token", defaults.pad);
  added.AddNamed("mask_token", defaults.mask);
  AddReserved(file, &added);
  (*form)["added_tokens"] = added.ToJson(FindIn(ids), static_cast<int32_t>(ids.size()));
  if (!config["add_bos_token"].Bool(false)) begin.clear();
  if (!config["add_eos_token"].Bool(false)) end.clear();
  (*form)["post_processor"] = TemplateOf(begin, end, (*form)["added_tokens"]);
}

}  // namespace

json ConvertLlama(const SentencePieceFile& file, const Field& config) {
  if (!HasAlgorithm(file, Algorithm::kBpe, config)) return nullptr;
  Ids ids = IdsOf(file);
  json form = {{"model", BpeModel(file, ids)}};
  bool legacy = config["legacy"].Bool(false);
  const char* scheme = legacy ? "always" : "first";
  form["pre_tokenizer"] = {
      {"type", "Metaspace"},
      {"replacement", kSpace},
      {"prepend_scheme", config["add_prefix_space"].Bool(true) ? scheme : "never"},
      {"split", false}};
  AddNamedAndTemplate({"<s>", "</s>", "<unk>", nullptr, nullptr}, file, ids, config, &form);
  return form;
}

json ConvertGemma(const SentencePieceFile& file, const Field& config) {
  if (!HasAlgorithm(file, Algorithm::kBpe, config)) return nullptr;
  Ids ids = IdsOf(file);
  json form = {{"model", BpeModel(file, ids)}};
  AddedTokenList names(config);
  form["model"]["unk_token"] = names.AddNamed("unk_token", "<unk>");
  form["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSpace}};
  form["pre_tokenizer"] = {{"type", "Split"},
                           {"pattern", {{"String", " "}}},
                           {"behavior", "MergedWithPrevious"},
                           {"invert", false}};
  AddNamedAndTemplate({"<bos>", "<eos>", "<unk>", "<pad>", "<mask>"}, file, ids, config, &form);
  return form;
}

json ConvertT5(const SentencePieceFile& file, const Field& config) {
  if (!HasAlgorithm(file, Algorithm::kUnigram, config)) return nullptr;
  Ids ids = IdsOf(file);
  json model = UnigramModel(file);
  model["unk_id"] = 2;
  json& vocabulary = model["vocab"];
  Field count = config["extra_ids"];
  double extra_ids = count.IsNull() ? 100 : count.Number();
  if (!(extra_ids >= 0 && extra_ids <= kMostExtraIds)) {
    count.Invalid("is not a number of tokens");
    return nullptr;
  }
  AddedTokenList added(config);
  std::string end = added.AddNamed("eos_token", "</s>");
  added.AddNamed("unk_token", "<unk>");
  added.AddNamed("pad_token", "<pad>");
  AddReserved(file, &added);
  for (int extra = static_cast<int>(extra_ids) - 1; extra >= 0; --extra) {
    std::string name = absl::StrCat("<extra_id_", extra, ">");
    added.Add(name, true);
    ids[name] = static_cast<int32_t>(vocabulary.size());
    vocabulary.push_back({name, 0.0});
  }
  json added_tokens = added.ToJson(FindIn(ids), static_cast<int32_t>(vocabulary.size()));
  json form = {{"added_tokens", added_tokens},
               {"post_processor", TemplateOf("", end, added_tokens)}};
  form["model"] = std::move(model);
  form["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "WhitespaceSplit"}},
        {{"type", "Metaspace"}, {"replacement", kSpace}, {"prepend_scheme", "always"}}}}};
  if (!file.character_map.empty()) form["normalizer"] = Precompiled(file);
  return form;
}

namespace {

// SentencePiece merges what has the best score first, and of equal ones the leftmost.
void OrderByScore(const SentencePieceFile& file, const Ids& ids, json* model) {
  std::vector<std::pair<float, json>> scored;
  for (json& merge : (*model)["merges"]) {
    int32_t id = ids.at(merge[0].get<std::string>() + merge[1].get<std::string>());
    scored.emplace_back(file.pieces[id].score, std::move(merge));
  }
  std::stable_sort(scored.begin(), scored.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  json merges = json::array();
  json ranks = json::array();
  int32_t rank = 0;
  for (size_t i = 0; i < scored.size(); ++i) {
    if (i > 0 && scored[i].first < scored[i - 1].first) ++rank;
    ranks.push_back(rank);
    merges.push_back(std::move(scored[i].second));
  }
  (*model)["merges"] = std::move(merges);
  (*model)["ondelette_ranks"] = std::move(ranks);
}

// nullptr and an error in `field` where our pipeline has no such model.
json PlainModel(const SentencePieceFile& file, const Ids& ids, const Field& field) {
  int32_t unknown = file.UnknownId();
  json model;
  if (unknown < 0) {
    field.Invalid("has no piece for what is unknown");
  } else if (file.treat_whitespace_as_suffix || !file.escape_whitespaces) {
    field.Unsupported("a SentencePiece model that does not write spaces before words");
  } else if (file.algorithm == Algorithm::kBpe) {
    model = BpeModel(file, ids);
    OrderByScore(file, ids, &model);
    model["byte_fallback"] = file.byte_fallback;
    model["unk_token"] = file.pieces[unknown].text;
  } else if (file.algorithm == Algorithm::kUnigram) {
    model = UnigramModel(file);
    model["byte_fallback"] = file.byte_fallback;
    model["unk_id"] = unknown;
    model["ondelette_float32"] = true;
    for (size_t id = 0; id < file.pieces.size(); ++id) {
      PieceKind kind = file.pieces[id].kind;
      bool is_text = kind == PieceKind::kNormal || kind == PieceKind::kUserDefined;
      if (!is_text && kind != PieceKind::kUnused) model["ondelette_hidden"].push_back(id);
    }
  } else {
    field.Unsupported("a SentencePiece model of words or characters");
  }
  return model;
}

json ReplaceWith(json pattern, const char* content) {
  return {{"type", "Replace"}, {"pattern", std::move(pattern)}, {"content", content}};
}

}  // namespace

json ConvertPlain(const SentencePieceFile& file, const Field& file_field, const Field& config) {
  Ids ids = IdsOf(file);
  json form = {{"model", PlainModel(file, ids, file_field)}};
  json steps = json::array();
  if (!file.character_map.empty()) steps.push_back(Precompiled(file));
  if (file.remove_extra_whitespaces) {
    steps.push_back(ReplaceWith({{"Regex", "\\A +"}}, ""));
    steps.push_back(ReplaceWith({{"Regex", " {2,}"}}, " "));
  }
  if (file.add_dummy_prefix) steps.push_back({{"type", "Prepend"}, {"prepend", kSpace}});
  steps.push_back(ReplaceWith({{"String", " "}}, kSpace));
  // At the end also what the text itself spells as U+2581.
  if (file.remove_extra_whitespaces) {
    steps.push_back(ReplaceWith({{"Regex", absl::StrCat(kSpace, "+\\z")}}, ""));
  }
  form["normalizer"] = {{"type", "Sequence"}, {"normalizers", steps}};
  // Control pieces are not looked for in a text: "<s>" there is three characters.
  json reserved = json::array();
  json controls = json::array();
  for (size_t id = 0; id < file.pieces.size(); ++id) {
    const SentencePieceFile::Piece& piece = file.pieces[id];
    json token = {{"id", id}, {"content", piece.text}, {"normalized", false}};
    if (piece.kind == PieceKind::kUserDefined)
      reserved.push_back(std::move(token));
    else if (piece.kind == PieceKind::kControl)
      controls.push_back(std::move(token));
  }
  form["added_tokens"] = std::move(reserved);
  form["post_processor"] = TemplateOf(config["add_bos_token"].Bool(false) ? "<s>" : "",
                                      config["add_eos_token"].Bool(false) ? "</s>" : "", controls);
  return form;
}

}  // namespace ondelette::tokenizer
