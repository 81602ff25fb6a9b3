// GPT-2, BERT and T5 with weights by formula, so that transformers can be asked about the very same
// networks (tiny_networks.py): vocabulary 10, hidden 6, 2 heads, 2 layers a stack.
#ifndef ONDELETTE_TESTS_UNIT_MODEL_TINY_NETWORKS_H_
#define ONDELETTE_TESTS_UNIT_MODEL_TINY_NETWORKS_H_

#include "tests/unit/model/tiny_checkpoint.h"

namespace ondelette::testing {

TinyCheckpoint TinyGpt2();  // 6 positions; scores divided by the layer's number
TinyCheckpoint TinyBert();  // 6 positions
TinyCheckpoint TinyT5();    // heads of 4, 6 buckets to distance 4, gated, decoder start 2

}  // namespace ondelette::testing

#endif  // ONDELETTE_TESTS_UNIT_MODEL_TINY_NETWORKS_H_
