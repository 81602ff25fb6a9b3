// Uploading corpora, for `corpus add`, `submit` and `run`.
#ifndef ONDELETTE_CLIENT_COMMANDS_CORPUS_H_
#define ONDELETTE_CLIENT_COMMANDS_CORPUS_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/commands/session.h"

namespace ondelette::client {

// Uploads a file of JSON lines under a name.
absl::StatusOr<v1::Corpus> UploadCorpus(Session& session, const std::string& path,
                                        const std::string& name);

// --corpus: an existing file is uploaded under its own base name; anything else names a stored
// corpus. The answer is the corpus's digest.
absl::StatusOr<std::string> CorpusFromFlag(Session& session, const std::string& corpus);

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_COMMANDS_CORPUS_H_
