// SHA-256 digests: the names of weights, corpora, specs and jobs.
//
// A digest is written as 64 lower-case hexadecimal digits everywhere: proto, store, CLI and file
// names.
#ifndef ONDELETTE_COMMON_DIGEST_DIGEST_H_
#define ONDELETTE_COMMON_DIGEST_DIGEST_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ondelette {

// SHA-256 of bytes given piece by piece. Not thread-safe; Finish() may be called once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(absl::string_view bytes);
  // The digest of everything given so far, as 64 hexadecimal digits.
  std::string Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Digest of one piece of memory.
std::string Sha256Of(absl::string_view bytes);

// Digest of a file's bytes, read in pieces. NOT_FOUND or UNAVAILABLE naming the file where it
// cannot be read.
absl::StatusOr<std::string> Sha256OfFile(const std::string& path);

// The digest of a sequence: SHA-256 of its token ids as little-endian int32. It seeds everything
// random about a sequence, so that a record does not depend on the sequence's neighbours.
std::string TokensDigest(std::span<const int32_t> tokens);

}  // namespace ondelette

#endif  // ONDELETTE_COMMON_DIGEST_DIGEST_H_
