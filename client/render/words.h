// Words for states, times and errors, as the CLI shows them.
#ifndef ONDELETTE_CLIENT_RENDER_WORDS_H_
#define ONDELETTE_CLIENT_RENDER_WORDS_H_

#include <string>

#include "client/render/rows.h"
#include "ondelette/v1/sweep.pb.h"

namespace ondelette::client {

// "running", "succeeded", ...: the enumerator without its prefix, in lower case.
std::string StateWord(v1::SweepState state);
std::string StateWord(v1::CheckpointState state);
std::string StateWord(v1::JobState state);

// "2026-11-24 08:15:00" in local time; "" for no time.
std::string TimeText(const google::protobuf::Timestamp& time);

// "message (remedy)".
std::string ErrorLine(const v1::Error& error);
// The same as a cell; undefined where there is no error.
Cell ErrorCell(const v1::Error& error);

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_RENDER_WORDS_H_
