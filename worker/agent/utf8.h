// Text for protobuf strings, which have to be UTF-8.
#ifndef ONDELETTE_WORKER_AGENT_UTF8_H_
#define ONDELETTE_WORKER_AGENT_UTF8_H_

#include <string>

#include "absl/strings/string_view.h"

namespace ondelette::agent {

// The text with '?' for every byte that is not part of valid UTF-8, cut to about `longest` bytes.
// File names and an engine's log may hold anything, and a peer refuses the whole message for one
// bad byte.
std::string ToUtf8(absl::string_view text, size_t longest = 8192);

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_UTF8_H_
