// A GPT-NeoX small enough to look at, as a checkpoint folder that a test may spoil.
#ifndef ONDELETTE_TESTS_UNIT_MODEL_TINY_CHECKPOINT_H_
#define ONDELETTE_TESTS_UNIT_MODEL_TINY_CHECKPOINT_H_

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/unit/checkpoint/builders.h"

namespace ondelette::testing {

struct TinyTensor {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

// 3 layers, 2 heads of 8, 40 tokens in the vocabulary; weights large enough that attention is far
// from uniform.
struct TinyCheckpoint {
  explicit TinyCheckpoint(const std::string& prefix = "gpt_neox.");

  // Writes config.json and model.safetensors, and returns the folder's path.
  std::string Write(const TempFolder& folder) const;

  nlohmann::json config;
  std::map<std::string, TinyTensor> tensors;
};

}  // namespace ondelette::testing

#endif  // ONDELETTE_TESTS_UNIT_MODEL_TINY_CHECKPOINT_H_
