#include "common/tokenizer/post_processor.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace ondelette::tokenizer {
namespace {

constexpr size_t kMaxTokens = 1024;

// One special token of the template may stand for several ids.
std::vector<int32_t> SpecialIds(const Field& name, const Field& special_tokens) {
  std::vector<int32_t> ids;
  Field special = special_tokens[name.String()];
  for (const Field& id : special["ids"].Elements()) ids.push_back(id.TokenId());
  return ids;
}

PostProcessor ReadTemplate(const Field& field) {
  PostProcessor result;
  int sequences = 0;
  for (const Field& part : field["single"].Elements()) {
    if (!part["Sequence"].IsNull()) {
      ++sequences;
      continue;
    }
    std::vector<int32_t> ids = SpecialIds(part["SpecialToken"]["id"], field["special_tokens"]);
    std::vector<int32_t>& side = sequences == 0 ? result.before : result.after;
    side.insert(side.end(), ids.begin(), ids.end());
  }
  if (sequences != 1) {
    field["single"].Unsupported(absl::StrCat("a template with ", sequences, " sequences"));
  }
  return result;
}

// BertProcessing and RobertaProcessing: "cls": ["[CLS]", 101], "sep": ["[SEP]", 102].
int32_t NamedId(const Field& field) {
  std::vector<Field> pair = field.Elements();
  if (pair.size() == 2) return pair[1].TokenId();
  field.Invalid("is not a token and its id");
  return 0;
}

}  // namespace

PostProcessor PostProcessor::Read(const Field& field) {
  PostProcessor result;
  if (field.IsNull() || !field.Ok()) return result;
  const std::string& type = field["type"].String();
  if (type == "TemplateProcessing") {
    result = ReadTemplate(field);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    result.before.push_back(NamedId(field["cls"]));
    result.after.push_back(NamedId(field["sep"]));
  } else if (type == "Sequence") {
    for (const Field& step : field["processors"].Elements()) {
      PostProcessor outer = Read(step);
      result.before.insert(result.before.begin(), outer.before.begin(), outer.before.end());
      result.after.insert(result.after.end(), outer.after.begin(), outer.after.end());
    }
  } else if (type != "ByteLevel") {
    field.Unsupported(absl::StrCat("the post-processor \"", type, "\""));
  }
  if (result.before.size() + result.after.size() > kMaxTokens)
    field.Invalid("adds too many tokens");
  return result;
}

}  // namespace ondelette::tokenizer
