// ondelette: the command line client.
#include <CLI/CLI.hpp>
#include <iostream>

#include "client/commands/commands.h"

namespace {

constexpr const char* kFooter =
    "Exit statuses: 0 done; 1 failed; 2 bad usage, or refused by the coordinator as invalid; 3 no "
    "coordinator there;\n"
    "4 the sweep ended with failures; 5 the sweep was cancelled; 130 detached by Ctrl-C.\n"
    "Examples:\n"
    "  ondelette run --models ./my-model --corpus passages.jsonl --spec paper-table5 --table 5\n"
    "  ondelette --server host:7470 submit --models EleutherAI/pythia-70m --checkpoints "
    "step0,step1..step512 \\\n"
    "    --corpus austen --spec paper-table5\n"
    "  ondelette --output csv query heads SWEEP > heads.csv";

}  // namespace

int main(int argc, char** argv) {
  using ondelette::client::Output;
  ondelette::client::Session session;
  CLI::App app(
      "Measures how transformer attention heads behave as wavelets, over models and training "
      "checkpoints.",
      "ondelette");
  app.set_version_flag("--version", ONDELETTE_VERSION);
  app.add_option("--server", session.server, "The coordinator's address")
      ->envname("ONDELETTE_SERVER")
      ->capture_default_str();
  app.add_option("--output", session.output, "table, json (a line each) or csv")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Output>{
          {"table", Output::kTable}, {"json", Output::kJson}, {"csv", Output::kCsv}}))
      ->default_str("table");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(kFooter);
  ondelette::client::AddRunCommand(app, session);
  ondelette::client::AddSweepCommands(app, session);
  ondelette::client::AddWatchCommand(app, session);
  ondelette::client::AddCorpusCommands(app, session);
  ondelette::client::AddQueryCommands(app, session);
  ondelette::client::AddTableCommand(app, session);
  ondelette::client::AddSpecCommands(app, session);
  ondelette::client::AddTokenizeCommand(app, session);
  ondelette::client::AddWorkersCommand(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ondelette::client::kExitOk : ondelette::client::kExitUsage;
  }
  return session.exit_code;
}
