// table 5
#include <iostream>
#include <memory>

#include "client/commands/commands.h"
#include "client/paper/table5.h"

namespace ondelette::client {

void AddTableCommand(CLI::App& app, Session& session) {
  struct Flags {
    int number = 5;
    std::string sweep;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* table = app.add_subcommand(
      "table", "A table of the paper for a sweep, published figures and controls beside");
  table->add_option("number", flags->number, "Which table of the paper: 5")
      ->required()
      ->check(CLI::IsMember({5}));
  table->add_option("sweep", flags->sweep, "An id, the beginning of one, or a name")->required();
  table->footer("Example:\n  ondelette table 5 SWEEP");
  table->callback(
      [flags, &session] { session.Report(PrintTable5(session, flags->sweep, std::cout)); });
}

}  // namespace ondelette::client
