// A tokenizer.json: every stage in the order of Hugging Face's pipeline.
#ifndef ONDELETTE_COMMON_TOKENIZER_PIPELINE_TOKENIZER_H_
#define ONDELETTE_COMMON_TOKENIZER_PIPELINE_TOKENIZER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/tokenizer/added_tokens.h"
#include "common/tokenizer/json_field.h"
#include "common/tokenizer/model.h"
#include "common/tokenizer/normalizer.h"
#include "common/tokenizer/post_processor.h"
#include "common/tokenizer/pre_tokenizer.h"
#include "common/tokenizer/tokenizer.h"

namespace ondelette::tokenizer {

class PipelineTokenizer : public Tokenizer {
 public:
  // Errors are recorded in the field; the tokenizer is then of no use.
  explicit PipelineTokenizer(const Field& file);

  absl::StatusOr<std::vector<int32_t>> Encode(absl::string_view utf8_text) const override;
  int32_t VocabularySize() const override { return vocabulary_size_; }
  std::string Piece(int32_t id) const override;

 private:
  static AddedToken ReadAddedToken(const Field& entry);
  void ReadAddedTokens(const Field& field);
  void Add(AddedToken token, const Field& entry);
  void Count(int32_t id);
  absl::Status EncodeRaw(absl::string_view text, bool starts_text, std::vector<int32_t>* ids) const;

  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  std::unique_ptr<Model> model_;
  PostProcessor post_processor_;
  AddedTokenFinder raw_tokens_;                       // looked for in the text as it comes
  AddedTokenFinder normalized_tokens_;                // looked for after normalization
  absl::flat_hash_map<int32_t, std::string> pieces_;  // by id
  int32_t vocabulary_size_ = 0;
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_PIPELINE_TOKENIZER_H_
