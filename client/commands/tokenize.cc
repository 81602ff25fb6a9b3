// tokenize
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/commands/input_file.h"
#include "common/errors/errors.h"
#include "common/tokenizer/tokenizer.h"

namespace ondelette::client {
namespace {

struct TokenizeFlags {
  std::string tokenizer;
  std::string text;
  std::string file;
  bool has_text = false;
};

// Control characters as in a C string, so that a row stays a row.
std::string Escaped(const std::string& piece) {
  std::string escaped;
  for (size_t i = 0; i < piece.size(); ++i) {
    auto byte = static_cast<unsigned char>(piece[i]);
    bool has_next = i + 1 < piece.size();
    auto next = static_cast<unsigned char>(has_next ? piece[i + 1] : 0);
    if (byte == '\n') {
      escaped += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      absl::StrAppendFormat(&escaped, "\\x%02x", byte);
    } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {
      absl::StrAppendFormat(&escaped, "\\u%04x", next);
      ++i;
    } else {
      escaped += piece[i];
    }
  }
  return escaped;
}

// Writes what texts become: JSON has a line for each text, tables and CSV have a row for each token.
class TokenPrinter {
 public:
  TokenPrinter(Session& session, const Tokenizer& tokenizer)
      : session_(session),
        tokenizer_(tokenizer),
        rows_(session.output,
              {{"text", "", 0}, {"position", "", 0}, {"id", "", 0}, {"piece", "", 0}}, std::cout) {}

  void Print(const std::string& text) {
    const int64_t index = next_index_++;
    absl::StatusOr<std::vector<int32_t>> ids = tokenizer_.Encode(text);
    if (!ids.ok()) return Report(index, ids.status());
    if (session_.output == Output::kJson) return PrintJson(index, *ids);
    int64_t position = 0;
    for (int32_t id : *ids) {
      rows_.Add({index, position++, int64_t{id}, Escaped(tokenizer_.Piece(id))});
    }
  }

  void Report(int64_t index, const absl::Status& status) {
    session_.Report(MakeError(status.code(), ErrorReason(status),
                              absl::StrCat("text ", index, ": ", status.message()),
                              ErrorRemedy(status)));
  }

  void Skip(const absl::Status& why) { Report(next_index_++, why); }

  void Finish() {
    if (session_.output != Output::kJson) rows_.Finish();
  }

 private:
  void PrintJson(int64_t index, const std::vector<int32_t>& ids) {
    nlohmann::ordered_json line = {{"text", index}, {"ids", ids}};
    line["pieces"] = nlohmann::ordered_json::array();
    for (int32_t id : ids) line["pieces"].push_back(tokenizer_.Piece(id));
    std::cout << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  }

  Session& session_;
  const Tokenizer& tokenizer_;
  RowWriter rows_;
  int64_t next_index_ = 0;
};

// A line of a corpus: {"text": ".."}.
absl::StatusOr<std::string> TextOf(const std::string& line) {
  nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.contains("text") && json["text"].is_string()) {
    return json["text"].get<std::string>();
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "TEXT_INVALID",
                   "the line is not a JSON object with a text");
}

void PrintLines(std::istream& in, bool is_json, TokenPrinter& printer) {
  for (std::string line; std::getline(in, line);) {
    if (!is_json) {
      printer.Print(line);
      continue;
    }
    absl::StatusOr<std::string> text = TextOf(line);
    if (text.ok()) {
      printer.Print(*text);
    } else {
      printer.Skip(text.status());
    }
  }
}

void Tokenize(Session& session, const TokenizeFlags& flags) {
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = LoadTokenizer(flags.tokenizer);
  if (!tokenizer.ok()) return session.Report(tokenizer.status());
  TokenPrinter printer(session, **tokenizer);
  if (flags.has_text) {
    printer.Print(flags.text);
  } else if (!flags.file.empty()) {
    absl::StatusOr<std::ifstream> file = OpenInput(flags.file);
    if (!file.ok()) return session.Report(file.status());
    PrintLines(*file, absl::EndsWith(flags.file, ".jsonl"), printer);
  } else {
    PrintLines(std::cin, false, printer);
  }
  printer.Finish();
}

}  // namespace

void AddTokenizeCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<TokenizeFlags>();
  CLI::App* tokenize = app.add_subcommand(
      "tokenize", "The ids and pieces that a model's own tokenizer makes of a text");
  tokenize->add_option("--tokenizer", flags->tokenizer, "The model's folder")->required();
  CLI::Option* text = tokenize->add_option(
      "text", flags->text, "The text; without it and --file, each line of the standard input");
  tokenize
      ->add_option("--file", flags->file,
                   "A corpus (.jsonl, lines of {\"text\"}), or any other file: each line is a text")
      ->excludes(text);
  tokenize->footer(
      "With --output json a line for each text, else a row for each token.\n"
      "Example:\n  ondelette tokenize --tokenizer ./my-model 'It is a truth'");
  tokenize->callback([flags, text, &session] {
    flags->has_text = text->count() > 0;
    Tokenize(session, *flags);
  });
}

}  // namespace ondelette::client
