// spec show|diff
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "client/commands/commands.h"
#include "client/commands/sweep_request.h"
#include "common/digest/digest.h"
#include "common/spec/spec.h"

namespace ondelette::client {
namespace {

using nlohmann::ordered_json;

struct SpecFlags {
  std::string first;
  std::string second;
  std::vector<std::string> set;
};

void Show(Session& session, const SpecFlags& flags) {
  std::string name = flags.first.empty() ? PresetNames().front() : flags.first;
  absl::StatusOr<std::string> json = SpecJsonFromFlags(name, flags.set);
  if (!json.ok()) return session.Report(json.status());
  if (session.output == Output::kJson) {
    std::cout << *json << '\n';
    return;
  }
  RowWriter rows(session.output, {{"field", "", 0}, {"value", "", 0}}, std::cout);
  const ordered_json fields = ordered_json::parse(*json);
  for (const auto& [field, value] : fields.items()) {
    rows.Add({field, value.is_string() ? value.get<std::string>() : value.dump()});
  }
  rows.Finish();
  std::cerr << "digest " << Sha256Of(*json) << "\npresets:";
  for (const std::string& preset : PresetNames()) std::cerr << ' ' << preset;
  std::cerr << '\n';
}

void Diff(Session& session, const SpecFlags& flags) {
  absl::StatusOr<std::string> first = SpecJsonFromFlags(flags.first, {});
  if (!first.ok()) return session.Report(first.status());
  absl::StatusOr<std::string> second = SpecJsonFromFlags(flags.second, flags.set);
  if (!second.ok()) return session.Report(second.status());
  const ordered_json a = ordered_json::parse(*first);
  const ordered_json b = ordered_json::parse(*second);
  RowWriter rows(session.output,
                 {{"field", "", 0}, {"first", flags.first, 0}, {"second", flags.second, 0}},
                 std::cout);
  for (const auto& [field, value] : a.items()) {
    if (value != b[field]) rows.Add({field, value.dump(), b[field].dump()});
  }
  rows.Finish();
}

}  // namespace

void AddSpecCommands(CLI::App& app, Session& session) {
  CLI::App* spec = app.add_subcommand("spec", "Specs: how attention becomes numbers");
  spec->require_subcommand(1);

  auto show_flags = std::make_shared<SpecFlags>();
  CLI::App* show = spec->add_subcommand("show", "Every field of a preset or a file");
  show->add_option("spec", show_flags->first,
                   "A preset or a JSON file; the default preset if left out");
  show->add_option("--set", show_flags->set, "Override one field: FIELD=VALUE (repeatable)")
      ->allow_extra_args(false);
  show->callback([show_flags, &session] { Show(session, *show_flags); });

  auto diff_flags = std::make_shared<SpecFlags>();
  CLI::App* diff = spec->add_subcommand("diff", "The fields in which two specs differ");
  diff->add_option("first", diff_flags->first, "A preset or a JSON file")->required();
  diff->add_option("second", diff_flags->second, "Another")->required();
  diff->callback([diff_flags, &session] { Diff(session, *diff_flags); });
  spec->footer("Example:\n  ondelette spec diff paper-table5 paper-table1");
}

}  // namespace ondelette::client
