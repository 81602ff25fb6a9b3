// ondelette-load: many simulated workers over real gRPC against a coordinator that runs, from two
// of gRPC's threads and one timer. Prints what it saw as one JSON object. Exit status 1 where the
// coordinator's counts are not what was acknowledged.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/spec/columns.h"
#include "common/spec/spec.h"
#include "ondelette/v1/corpus.grpc.pb.h"
#include "ondelette/v1/sweep.grpc.pb.h"
#include "tests/bench/coordinator/load_worker.h"

namespace ondelette::bench {
namespace {

struct Flags {
  std::string server;
  std::string name = "load";
  std::string spec = "{}";
  int workers = 1000;
  int checkpoints = 154;
  int jobs = 500;  // of a checkpoint
  int sequences_per_job = 1;
  int layers = 6;
  int heads = 4;
  int depth = 2;
  double rate = 0;  // jobs a second that the workers compute; 0: at once
  double seconds = 10;
  double warm_up = 2;
};

[[noreturn]] void Stop(const std::string& message) {
  std::cerr << "ondelette-load: " << message << "\n";
  std::_Exit(2);
}

void Check(const grpc::Status& status, const std::string& what) {
  if (!status.ok()) Stop(what + ": " + status.error_message());
}

// The client's side: the corpus, the sweep, and what the coordinator says of it.
class Client {
 public:
  explicit Client(const Flags& flags)
      : flags_(flags),
        channel_(grpc::CreateChannel(flags.server, grpc::InsecureChannelCredentials())),
        sweeps_(v1::SweepService::NewStub(channel_)) {}

  void Upload() {
    grpc::ClientContext context;
    v1::Corpus corpus;
    auto writer = v1::CorpusService::NewStub(channel_)->UploadCorpus(&context, &corpus);
    v1::UploadCorpusRequest request;
    request.set_name(flags_.name);
    std::string text;
    for (int i = 0; i < flags_.jobs * flags_.sequences_per_job; ++i)
      absl::StrAppend(&text, "{\"id\":\"", flags_.name, i, "\",\"tokens\":[", i, "]}\n");
    for (size_t offset = 0; offset < text.size(); offset += 500000) {
      request.set_chunk(text.substr(offset, 500000));
      if (!writer->Write(request)) break;
    }
    writer->WritesDone();
    Check(writer->Finish(), "the corpus");
  }

  void Create() {
    v1::CreateSweepRequest request;
    request.set_request_id(flags_.name);
    request.set_name(flags_.name);
    request.add_models("load/" + flags_.name);
    for (int i = 0; i < flags_.checkpoints; ++i) request.add_revisions(absl::StrCat("step", i));
    request.set_corpus(flags_.name);
    request.mutable_spec()->set_json(flags_.spec);
    request.set_sequences_per_job(flags_.sequences_per_job);
    grpc::ClientContext context;
    v1::Sweep sweep;
    Check(sweeps_->CreateSweep(&context, request, &sweep), "the sweep");
  }

  v1::Sweep Get() {
    // The list's sweeps come without their checkpoints.
    grpc::ClientContext context;
    v1::ListSweepsRequest request;
    request.set_page_size(100);
    v1::ListSweepsResponse response;
    Check(sweeps_->ListSweeps(&context, request, &response), "the list of sweeps");
    for (const v1::Sweep& sweep : response.sweeps()) {
      if (sweep.name() == flags_.name) return sweep;
    }
    Stop("the sweep has gone");
  }

 private:
  const Flags& flags_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::SweepService::Stub> sweeps_;
};

Flags ParseFlags(int argc, char** argv) {
  Flags flags;
  CLI::App app("Simulated workers against a coordinator.", "ondelette-load");
  app.add_option("--server", flags.server, "address of the coordinator")->required();
  app.add_option("--name", flags.name, "of corpus and sweep; another makes other jobs");
  app.add_option("--spec", flags.spec, "JSON");
  app.add_option("--workers", flags.workers)->check(CLI::Range(1, 10000));
  app.add_option("--checkpoints", flags.checkpoints)->check(CLI::Range(1, 4096));
  app.add_option("--jobs", flags.jobs, "of each checkpoint")->check(CLI::Range(1, 1000000));
  app.add_option("--sequences-per-job", flags.sequences_per_job)->check(CLI::Range(1, 4096));
  app.add_option("--layers", flags.layers)->check(CLI::Range(1, 4096));
  app.add_option("--heads", flags.heads)->check(CLI::Range(1, 4096));
  app.add_option("--depth", flags.depth, "leases a worker holds")->check(CLI::Range(1, 64));
  app.add_option("--rate", flags.rate, "jobs a second that all workers compute; 0: at once");
  app.add_option("--seconds", flags.seconds, "measured; 0: until the sweep has ended");
  app.add_option("--warm-up", flags.warm_up, "seconds before, not measured");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error) == 0 ? 0 : 2);
  }
  return flags;
}

void SetShape(const Flags& flags, Load& load) {
  auto spec = ParseSpec(flags.spec);
  if (!spec.ok()) Stop(std::string(spec.status().message()));
  const std::vector<Column> columns = Columns(*spec);
  load.layers = flags.layers;
  load.heads = flags.heads;
  load.columns = static_cast<int>(columns.size());
  load.broken_column = static_cast<int>(
      std::find_if(columns.begin(), columns.end(),
                   [](const Column& column) { return column.metric == kNonFiniteRows; }) -
      columns.begin());
  load.depth = flags.depth;
  load.compute_seconds = flags.rate > 0 ? flags.workers / flags.rate : 0;
}

template <typename Condition>
void WaitUntil(absl::Duration patience, const std::string& what, Condition condition) {
  const absl::Time deadline = absl::Now() + patience;
  while (!condition()) {
    if (absl::Now() > deadline) Stop("waited in vain for " + what);
    absl::SleepFor(absl::Milliseconds(20));
  }
}

nlohmann::json Summary(const Latencies& latencies) {
  nlohmann::json json;
  json["count"] = latencies.count();
  for (const auto& [name, share] : {std::pair{"p50_ms", 0.5},
                                    {"p90_ms", 0.9},
                                    {"p99_ms", 0.99},
                                    {"p999_ms", 0.999},
                                    {"max_ms", 1.0}})
    json[name] = latencies.Percentile(share) * 1e3;
  return json;
}

// Of this process, which shares the machine with the coordinator.
double ProcessorSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// The measured stretch: commits in every second of it.
nlohmann::json Measure(const Flags& flags, Load& load, Client& client) {
  load.lease.Clear();
  load.commit.Clear();
  const absl::Time start = absl::Now();
  const int64_t before = load.committed;
  int64_t last = before;
  nlohmann::json every_second = nlohmann::json::array();
  bool ended = false;
  while (!ended) {
    absl::SleepFor(absl::Seconds(1));
    const int64_t now = load.committed;
    every_second.push_back(now - last);
    last = now;
    ended = flags.seconds > 0 ? absl::Now() - start >= absl::Seconds(flags.seconds)
                              : client.Get().state() != v1::SWEEP_STATE_RUNNING;
    if (load.broken > 0) Stop("a stream broke");
  }
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  return {{"seconds", seconds},
          {"commits", last - before},
          {"commits_per_second", static_cast<double>(last - before) / seconds},
          {"every_second", every_second},
          {"lease", Summary(load.lease)},
          {"commit", Summary(load.commit)}};
}

int Main(int argc, char** argv) {
  // As the coordinator does.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const Flags flags = ParseFlags(argc, argv);
  Load load;
  SetShape(flags, load);
  Client client(flags);
  client.Upload();
  const absl::Time start = absl::Now();
  std::vector<std::unique_ptr<LoadWorker>> workers;
  for (int i = 0; i < flags.workers; ++i)
    workers.push_back(std::make_unique<LoadWorker>(load, flags.server, i));
  WaitUntil(absl::Seconds(60), "workers to be welcomed",
            [&] { return load.welcomed == flags.workers; });
  const double connect_seconds = absl::ToDoubleSeconds(absl::Now() - start);

  const absl::Time created = absl::Now();
  client.Create();
  const int64_t jobs = int64_t{flags.checkpoints} * flags.jobs;
  WaitUntil(absl::Seconds(600), "checkpoints to be resolved",
            [&] { return client.Get().jobs().total() == jobs; });
  const double resolve_seconds = absl::ToDoubleSeconds(absl::Now() - created);
  absl::SleepFor(absl::Seconds(flags.warm_up));
  nlohmann::json report = Measure(flags, load, client);

  load.draining = true;
  for (auto& worker : workers) worker->Drain();
  WaitUntil(absl::Seconds(60), "workers to leave", [&] { return load.ended == flags.workers; });
  load.timer.reset();
  const v1::JobCounts counts = client.Get().jobs();
  const bool exact = counts.succeeded() == load.committed && load.refused == 0;
  report.update({{"workers", flags.workers},
                 {"checkpoints", flags.checkpoints},
                 {"jobs", jobs},
                 {"rate_offered", flags.rate},
                 {"record_bytes", load.RecordsOf(flags.sequences_per_job).bytes.size()},
                 {"columns", load.columns},
                 {"processor_seconds", ProcessorSeconds()},
                 {"connect_seconds", connect_seconds},
                 {"resolve_seconds", resolve_seconds},
                 {"acknowledged", load.committed.load()},
                 {"refused", load.refused.load()},
                 {"succeeded", counts.succeeded()},
                 {"exact", exact}});
  std::cout << report.dump(1) << "\n";
  return exact ? 0 : 1;
}

}  // namespace
}  // namespace ondelette::bench

int main(int argc, char** argv) { return ondelette::bench::Main(argc, argv); }
