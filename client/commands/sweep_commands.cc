// submit, list, get, cancel, retry.
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/commands/commands.h"
#include "client/commands/corpus.h"
#include "client/commands/create_sweep.h"
#include "client/commands/sweep_request.h"
#include "client/render/words.h"
#include "common/rpc/rpc_status.h"

namespace ondelette::client {
namespace {

// One line about a sweep.
void PrintSweepLine(const v1::Sweep& sweep, RowWriter& rows) {
  const v1::JobCounts& jobs = sweep.jobs();
  rows.Add({sweep.id(), sweep.name(), StateWord(sweep.state()), jobs.total(), jobs.queued(),
            jobs.leased(), jobs.succeeded(), jobs.failed(), jobs.cancelled(),
            TimeText(sweep.create_time())});
}

RowWriter SweepRows(Session& session) {
  return RowWriter(session.output,
                   {{"id", "", 0},
                    {"name", "", 0},
                    {"state", "", 0},
                    {"jobs", "", 0},
                    {"queued", "", 0},
                    {"leased", "", 0},
                    {"succeeded", "", 0},
                    {"failed", "", 0},
                    {"cancelled", "", 0},
                    {"created", "", 0}},
                   std::cout);
}

void PrintSweep(Session& session, const v1::Sweep& sweep) {
  RowWriter rows = SweepRows(session);
  PrintSweepLine(sweep, rows);
  rows.Finish();
}

void PrintCheckpoints(Session& session, const v1::Sweep& sweep) {
  RowWriter rows(session.output,
                 {{"model", "", 0},
                  {"checkpoint", "", 0},
                  {"state", "", 0},
                  {"jobs", "", 0},
                  {"succeeded", "", 0},
                  {"failed", "", 0},
                  {"skipped_sequences", "skipped", 0},
                  {"alias_of", "", 0},
                  {"weights_digest", "weights", 0},
                  {"error", "", 0}},
                 std::cout);
  for (const v1::Checkpoint& checkpoint : sweep.checkpoints()) {
    std::string weights = checkpoint.weights_digest();
    if (session.output == Output::kTable) weights = weights.substr(0, 12);
    rows.Add({checkpoint.model(), checkpoint.revision(), StateWord(checkpoint.state()),
              checkpoint.jobs().total(), checkpoint.jobs().succeeded(), checkpoint.jobs().failed(),
              checkpoint.skipped_sequences(), checkpoint.alias_of(), weights,
              ErrorCell(checkpoint.error())});
  }
  rows.Finish();
}

// The failed jobs, each with what went wrong.
absl::Status PrintFailures(Session& session, const std::string& sweep) {
  v1::ListJobsRequest request;
  request.set_sweep(sweep);
  request.set_state(v1::JOB_STATE_FAILED);
  do {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ListJobsResponse response;
    absl::Status status = FromRpcStatus(session.sweeps().ListJobs(&context, request, &response));
    if (!status.ok()) return status;
    for (const v1::Job& job : response.jobs()) {
      std::cout << job.model() << '@' << job.revision() << " sequences " << job.first_sequence()
                << ".." << job.first_sequence() + job.sequences() - 1 << ": "
                << ErrorLine(job.error()) << '\n';
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

void Get(Session& session, const std::string& name) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::GetSweepRequest request;
  request.set_sweep(name);
  v1::Sweep sweep;
  absl::Status status = FromRpcStatus(session.sweeps().GetSweep(&context, request, &sweep));
  if (!status.ok()) return session.Report(status);
  if (session.output != Output::kTable) return PrintCheckpoints(session, sweep);
  PrintSweep(session, sweep);
  std::cout << "\nspec " << (sweep.spec().preset().empty() ? "(own)" : sweep.spec().preset()) << ' '
            << sweep.spec().digest().substr(0, 12) << ", corpus " << sweep.corpus_name() << ' '
            << sweep.corpus_digest().substr(0, 12) << ", " << sweep.sequences() << " sequences, "
            << sweep.sequences_per_job() << " a job\n\n";
  PrintCheckpoints(session, sweep);
  if (sweep.jobs().failed() == 0) return;
  std::cout << "\nfailed jobs\n";
  session.Report(PrintFailures(session, sweep.id()));
}

void List(Session& session) {
  RowWriter rows = SweepRows(session);
  v1::ListSweepsRequest request;
  do {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ListSweepsResponse response;
    absl::Status status = FromRpcStatus(session.sweeps().ListSweeps(&context, request, &response));
    if (!status.ok()) return session.Report(status);
    for (const v1::Sweep& sweep : response.sweeps()) PrintSweepLine(sweep, rows);
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  rows.Finish();
}

void Cancel(Session& session, const std::string& name) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::CancelSweepRequest request;
  request.set_sweep(name);
  v1::Sweep sweep;
  absl::Status status = FromRpcStatus(session.sweeps().CancelSweep(&context, request, &sweep));
  if (!status.ok()) return session.Report(status);
  PrintSweep(session, sweep);
}

void Retry(Session& session, const std::string& name) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::RetryFailedJobsRequest request;
  request.set_sweep(name);
  v1::RetryFailedJobsResponse response;
  absl::Status status =
      FromRpcStatus(session.sweeps().RetryFailedJobs(&context, request, &response));
  if (!status.ok()) return session.Report(status);
  std::cerr << "back in the queue: " << response.jobs() << " jobs, " << response.checkpoints()
            << " checkpoints\n";
  PrintSweep(session, response.sweep());
}

// A command that takes one sweep.
void AddSweepCommand(CLI::App& app, const std::string& name, const std::string& help,
                     Session& session, void (*act)(Session&, const std::string&)) {
  auto sweep = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("sweep", *sweep, "An id, the beginning of one, or a name")->required();
  command->callback([sweep, &session, act] { act(session, *sweep); });
}

}  // namespace

void AddSweepCommands(CLI::App& app, Session& session) {
  auto flags = std::make_shared<SweepFlags>();
  CLI::App* submit = app.add_subcommand("submit", "Submit a sweep and return at once");
  AddSweepFlags(*submit, *flags);
  submit->footer(
      "Example:\n"
      "  ondelette submit --models EleutherAI/pythia-70m,EleutherAI/pythia-160m \\\n"
      "    --checkpoints step0,step1..step512,step1000:143000:1000 --corpus passages.jsonl --spec "
      "paper-table5");
  submit->callback([flags, &session] {
    absl::StatusOr<v1::Sweep> sweep = CreateSweep(session, *flags);
    if (!sweep.ok()) return session.Report(sweep.status());
    PrintSweep(session, *sweep);
    std::cerr << "watch it: ondelette --server " << session.server << " watch " << sweep->id()
              << '\n';
  });
  app.add_subcommand("list", "The sweeps, newest first")->callback([&session] { List(session); });
  AddSweepCommand(app, "get", "One sweep: its checkpoints, aliases and failures", session, Get);
  AddSweepCommand(app, "cancel", "Cancel a sweep for good", session, Cancel);
  AddSweepCommand(app, "retry", "Put a sweep's failed jobs back into the queue", session, Retry);
}

}  // namespace ondelette::client
