#include "common/digest/digest.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace ondelette {
namespace {

TEST(Digest, MeetsThePublishedVectors) {
  EXPECT_EQ(Sha256Of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, OfAFileEqualsThatOfItsBytes) {
  std::string path = testing::TempDir() + "/digest_of_a_file";
  std::string bytes(3 << 20, 'x');
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_EQ(*Sha256OfFile(path), Sha256Of(bytes));
  std::remove(path.c_str());
  EXPECT_EQ(Sha256OfFile(path).status().code(), absl::StatusCode::kNotFound);
}

TEST(Digest, OfTokensDependsOnEveryToken) {
  std::vector<int32_t> tokens{1, 2, 3};
  EXPECT_EQ(TokensDigest(tokens), Sha256Of(std::string("\1\0\0\0\2\0\0\0\3\0\0\0", 12)));
}

}  // namespace
}  // namespace ondelette
