// Tokenizers without a tokenizer.json: the files that a folder has instead, written in that file's
// form as transformers' AutoTokenizer (5.23) would, so that one reader serves them all.
//
// All of them: `config` holds FolderSettings' config, errors are recorded in it, and the result is
// then of no use.
#ifndef ONDELETTE_COMMON_TOKENIZER_CONVERSION_H_
#define ONDELETTE_COMMON_TOKENIZER_CONVERSION_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/string_view.h"
#include "common/tokenizer/json_field.h"
#include "common/tokenizer/sentencepiece_file.h"

namespace ondelette::tokenizer {

// BertTokenizer: vocab.txt, a token a line.
nlohmann::json ConvertWordPiece(absl::string_view vocabulary, const Field& config);

// GPT2Tokenizer, GPTNeoXTokenizer, Qwen2Tokenizer: vocab.json, and the lines of merges.txt.
nlohmann::json ConvertByteLevel(nlohmann::json vocabulary, absl::string_view merges,
                                const std::string& tokenizer_class, const Field& config);

// T5Tokenizer, LlamaTokenizer and GemmaTokenizer: a SentencePiece model of the right algorithm.
nlohmann::json ConvertT5(const SentencePieceFile& file, const Field& config);
nlohmann::json ConvertLlama(const SentencePieceFile& file, const Field& config);
nlohmann::json ConvertGemma(const SentencePieceFile& file, const Field& config);

// Any other folder with a SentencePiece model: by SentencePiece's own rules, as its normalizer_spec
// and trainer_spec have them. `file_field` records what is not supported.
nlohmann::json ConvertPlain(const SentencePieceFile& file, const Field& file_field,
                            const Field& config);

// A template that puts the tokens of `before` and `after` (either may be empty) around a sequence;
// their ids are those of `added_tokens`.
nlohmann::json TemplateOf(const std::string& before, const std::string& after,
                          const nlohmann::json& added_tokens);

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_CONVERSION_H_
