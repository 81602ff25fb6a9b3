// The commands of the CLI. Each Add function puts its command with flags, help and examples into
// the parser; the command runs as the parser's callback and leaves its result in the session.
#ifndef ONDELETTE_CLIENT_COMMANDS_COMMANDS_H_
#define ONDELETTE_CLIENT_COMMANDS_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "client/commands/session.h"

namespace ondelette::client {

void AddSweepCommands(CLI::App& app, Session& session);    // submit list get cancel retry
void AddWatchCommand(CLI::App& app, Session& session);     // watch
void AddCorpusCommands(CLI::App& app, Session& session);   // corpus add|list
void AddQueryCommands(CLI::App& app, Session& session);    // query records|heads|layers|models
void AddTableCommand(CLI::App& app, Session& session);     // table 5
void AddSpecCommands(CLI::App& app, Session& session);     // spec show|diff
void AddTokenizeCommand(CLI::App& app, Session& session);  // tokenize
void AddWorkersCommand(CLI::App& app, Session& session);   // workers
void AddRunCommand(CLI::App& app, Session& session);       // run

}  // namespace ondelette::client

#endif  // ONDELETTE_CLIENT_COMMANDS_COMMANDS_H_
