// The post_processor of a tokenizer.json: the tokens that every sequence begins and ends with.
// Supported: null, ByteLevel (which only moves offsets), TemplateProcessing's template of one
// sequence, BertProcessing, RobertaProcessing, and a Sequence of them.
#ifndef ONDELETTE_COMMON_TOKENIZER_POST_PROCESSOR_H_
#define ONDELETTE_COMMON_TOKENIZER_POST_PROCESSOR_H_

#include <cstdint>
#include <vector>

#include "common/tokenizer/json_field.h"

namespace ondelette::tokenizer {

struct PostProcessor {
  std::vector<int32_t> before;
  std::vector<int32_t> after;

  // Errors are recorded in the field.
  static PostProcessor Read(const Field& field);
};

}  // namespace ondelette::tokenizer

#endif  // ONDELETTE_COMMON_TOKENIZER_POST_PROCESSOR_H_
