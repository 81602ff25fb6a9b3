#include "client/paper/published.h"

#include <gtest/gtest.h>

namespace ondelette::client {
namespace {

TEST(Published, MatchesModelAndStep) {
  const Table5Row* row = PublishedTable5("EleutherAI/pythia-6.9b", "step512");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->spectral_entropy, 3.169);
  EXPECT_EQ(row->scale_sensitivity_quarter, 0.549);
  EXPECT_EQ(PublishedTable5("/models/Pythia-6.9B", "main")->training_step, 143000);
  EXPECT_EQ(PublishedTable5("EleutherAI/pythia-6.9b", "step513"), nullptr);
  EXPECT_EQ(PublishedTable5("EleutherAI/pythia-6.9b-deduped", "step0"), nullptr);
  EXPECT_EQ(PublishedTable5("EleutherAI/pythia-6.9b", "stepx"), nullptr);
}

}  // namespace
}  // namespace ondelette::client
