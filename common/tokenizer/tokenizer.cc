#include "common/tokenizer/tokenizer.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/tokenizer/conversion.h"
#include "common/tokenizer/folder_settings.h"
#include "common/tokenizer/json_field.h"
#include "common/tokenizer/pipeline_tokenizer.h"
#include "common/tokenizer/sentencepiece_file.h"
#include "common/tokenizer/unicode.h"

namespace ondelette {
namespace tokenizer {
namespace {

using nlohmann::json;
using Loaded = absl::StatusOr<std::unique_ptr<Tokenizer>>;

// Gemma's, the largest in use, has 33 MB.
constexpr size_t kMaxFileBytes = size_t{64} << 20;

// Whether there is an entry of that name; a link that leads nowhere counts, and is reported later.
bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::symlink_status(path, error));
}

// The files of one folder, and what is read from them.
class Folder {
 public:
  explicit Folder(std::string path) : path_(std::move(path)) {}

  Loaded Load() {
    if (Exists(In("tokenizer.json"))) return LoadJson();
    for (const char* name : {"tokenizer.model", "spiece.model"}) {
      if (Exists(In(name))) return LoadSentencePiece(In(name));
    }
    if (Exists(In("vocab.json")) && Exists(In("merges.txt"))) return LoadByteLevel();
    if (Exists(In("vocab.txt"))) return LoadWordPiece(In("vocab.txt"));
    return MakeError(absl::StatusCode::kNotFound, "TOKENIZER_MISSING",
                     absl::StrCat(path_,
                                  " has no tokenizer: no tokenizer.json, tokenizer.model, "
                                  "spiece.model, vocab.json with merges.txt, or vocab.txt"),
                     "put the model's tokenizer.json beside its weights, or submit the corpus as "
                     "token ids");
  }

 private:
  std::string In(absl::string_view name) const { return absl::StrCat(path_, "/", name); }

  Loaded LoadJson() {
    absl::StatusOr<json> form = ReadJsonFile(In("tokenizer.json"), kMaxFileBytes);
    if (!form.ok()) return form.status();
    return FromForm(*form, In("tokenizer.json"));
  }

  // `form` is in the shape of a tokenizer.json; `file` is where it comes from, for messages.
  Loaded FromForm(const json& form, const std::string& file) {
    if (!error_.ok()) return error_;
    auto loaded = std::make_unique<PipelineTokenizer>(Field(form, file, &error_));
    if (!error_.ok()) return error_;
    return loaded;
  }

  absl::Status ReadSettings() {
    absl::StatusOr<FolderSettings> settings = FolderSettings::Read(path_);
    if (!settings.ok()) return settings.status();
    settings_ = *std::move(settings);
    return absl::OkStatus();
  }
  Field Config() { return Field(settings_.config, In("tokenizer_config.json"), &error_); }
  absl::Status UnsupportedClass() {
    Config()["tokenizer_class"].Unsupported(
        absl::StrCat("the class \"", settings_.tokenizer_class, "\" without a tokenizer.json"));
    return error_;
  }

  Loaded LoadSentencePiece(const std::string& file) {
    if (absl::Status status = ReadSettings(); !status.ok()) return status;
    absl::StatusOr<std::string> serialized = ReadTokenizerFile(file, kMaxFileBytes);
    if (!serialized.ok()) return serialized.status();
    absl::StatusOr<SentencePieceFile> model = SentencePieceFile::Parse(*serialized);
    if (!model.ok()) return InvalidTokenizer(file, model.status().message());
    const std::string& name = settings_.tokenizer_class;
    if (name == "T5Tokenizer") return FromForm(ConvertT5(*model, Config()), file);
    if (name == "LlamaTokenizer") return FromForm(ConvertLlama(*model, Config()), file);
    if (name == "GemmaTokenizer") return FromForm(ConvertGemma(*model, Config()), file);
    json nothing;
    return FromForm(ConvertPlain(*model, Field(nothing, file, &error_), Config()), file);
  }

  Loaded LoadByteLevel() {
    if (absl::Status status = ReadSettings(); !status.ok()) return status;
    std::string name =
        settings_.tokenizer_class.empty() ? "GPT2Tokenizer" : settings_.tokenizer_class;
    if (name != "GPT2Tokenizer" && name != "GPTNeoXTokenizer" && name != "Qwen2Tokenizer") {
      return UnsupportedClass();
    }
    absl::StatusOr<json> vocabulary = ReadJsonFile(In("vocab.json"), kMaxFileBytes);
    if (!vocabulary.ok()) return vocabulary.status();
    absl::StatusOr<std::string> merges = ReadText(In("merges.txt"));
    if (!merges.ok()) return merges.status();
    return FromForm(ConvertByteLevel(*std::move(vocabulary), *merges, name, Config()),
                    In("vocab.json and merges.txt"));
  }

  Loaded LoadWordPiece(const std::string& file) {
    if (absl::Status status = ReadSettings(); !status.ok()) return status;
    const std::string& name = settings_.tokenizer_class;
    if (!name.empty() && name != "BertTokenizer") return UnsupportedClass();
    absl::StatusOr<std::string> vocabulary = ReadText(file);
    if (!vocabulary.ok()) return vocabulary.status();
    return FromForm(ConvertWordPiece(*vocabulary, Config()), file);
  }

  static absl::StatusOr<std::string> ReadText(const std::string& file) {
    absl::StatusOr<std::string> text = ReadTokenizerFile(file, kMaxFileBytes);
    if (!text.ok()) return text.status();
    size_t invalid = FirstInvalidUtf8(*text);
    if (invalid == text->size()) return text;
    return InvalidTokenizer(file, absl::StrCat("is not UTF-8 at byte ", invalid));
  }

  std::string path_;
  FolderSettings settings_;
  absl::Status error_;
};

}  // namespace
}  // namespace tokenizer

absl::StatusOr<std::unique_ptr<Tokenizer>> LoadTokenizer(const std::string& folder) {
  return tokenizer::Folder(folder).Load();
}

}  // namespace ondelette
