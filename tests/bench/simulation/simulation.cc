#include "tests/bench/simulation/simulation.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"
#include "server/plan/corpus_file.h"
#include "server/plan/job_plan.h"
#include "server/plan/sweep_plan.h"
#include "server/store/sqlite_store.h"
#include "tests/bench/simulation/virtual_worker.h"

namespace ondelette::simulation {
namespace {

using Workers = std::vector<std::unique_ptr<VirtualWorker>>;

std::string SpecText(int tokens) { return absl::StrCat("{\"tokens\":", tokens, "}"); }

// As the coordinator does for UploadCorpus and CreateSweep.
absl::StatusOr<server::StoredSweep> Submit(server::Store& store, const Suite& suite,
                                           const Assumptions& assumptions) {
  std::string text;
  for (int i = 0; i < assumptions.sequences; ++i)
    absl::StrAppend(&text, "{\"id\":\"s", i, "\",\"tokens\":[", i, "]}\n");
  auto contents = server::ParseCorpus(text);
  if (!contents.ok()) return contents.status();
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  auto corpus = store.PutCorpus({Sha256Of(text), "corpus", assumptions.sequences,
                                 static_cast<int64_t>(text.size()), true, now},
                                text, contents->ids);
  if (!corpus.ok()) return corpus.status();
  v1::CreateSweepRequest request;
  request.set_request_id("simulation");
  for (const std::string& model : suite.Models()) request.add_models(model);
  for (const std::string& revision : suite.Revisions()) request.add_revisions(revision);
  request.set_corpus("corpus");
  request.set_sequences_per_job(assumptions.sequences_per_job);
  request.mutable_spec()->set_json(SpecText(assumptions.tokens));
  auto plan = server::PlanSweep(request, *corpus);
  if (!plan.ok()) return plan.status();
  return store.CreateSweep(*plan, now);
}

int64_t PerJob(const Checkpoint& checkpoint, const Assumptions& assumptions) {
  if (assumptions.sequences_per_job > 0) return assumptions.sequences_per_job;
  return server::SequencesPerJob(static_cast<int64_t>(checkpoint.bytes), assumptions.tokens);
}

int64_t JobsOf(const Suite& suite, const Assumptions& assumptions) {
  int64_t jobs = 0;
  for (const Checkpoint& checkpoint : suite.checkpoints()) {
    jobs += static_cast<int64_t>(
        server::ExpandJobs(assumptions.sequences, PerJob(checkpoint, assumptions)).size());
  }
  return jobs;
}

LowerBound BoundOf(const Suite& suite, const Assumptions& assumptions, double speeds) {
  LowerBound bound;
  bound.compute = suite.ComputeSeconds(assumptions.sequences) / speeds;
  bound.links = suite.TotalBytes() / (assumptions.link * assumptions.workers);
  bound.uplink = suite.TotalBytes() / assumptions.uplink;
  for (const Checkpoint& checkpoint : suite.checkpoints()) {
    const double link = std::min(assumptions.link, assumptions.uplink);
    bound.job =
        std::max(bound.job, checkpoint.bytes / link + checkpoint.bytes / assumptions.device_link +
                                static_cast<double>(PerJob(checkpoint, assumptions)) *
                                    checkpoint.sequence_seconds);
  }
  return bound;
}

void MeasureMoves(const Suite& suite, const Assumptions& assumptions, const Moves& moves,
                  Outcome& outcome) {
  outcome.unique_bytes = suite.TotalBytes();
  for (size_t i = 0; i < moves.size(); ++i) {
    const Checkpoint& checkpoint = suite.checkpoints()[i];
    const double seconds = assumptions.sequences * checkpoint.sequence_seconds;
    const double needed = std::ceil(seconds / outcome.bound.Seconds());
    outcome.moved_bytes += moves[i] * checkpoint.bytes;
    outcome.needed_bytes += needed * checkpoint.bytes;
    outcome.most_moves = std::max(outcome.most_moves, moves[i] - needed);
  }
}

void MeasureWorkers(const Workers& workers, Outcome& outcome) {
  int64_t held = 0;
  for (const auto& worker : workers) {
    const VirtualWorker::Figures& figures = worker->figures();
    outcome.jobs += figures.jobs;
    held += figures.held_jobs;
    const double time = outcome.makespan * static_cast<double>(workers.size());
    outcome.compute_share += figures.compute_seconds / time;
    outcome.load_share += figures.load_seconds / time;
  }
  outcome.held_share = static_cast<double>(held) / static_cast<double>(outcome.jobs);
}

void MeasureCosts(const Coordinator::Costs& costs, Outcome& outcome) {
  outcome.lost_leases = costs.lost;
  outcome.refused = costs.refused;
  outcome.leases = costs.leases;
  outcome.grant_seconds = costs.grant_total;
  outcome.commit_seconds = costs.commit_total;
  std::vector<double> grants = costs.grant_seconds;
  auto p99 = grants.begin() + static_cast<int64_t>(0.99 * static_cast<double>(grants.size()));
  std::nth_element(grants.begin(), p99, grants.end());
  if (p99 != grants.end()) outcome.grant_p99 = *p99;
}

// Every so manieth worker, evenly.
bool IsChosen(int index, double share) {
  return std::floor((index + 1) * share) > std::floor(index * share);
}

}  // namespace

double LowerBound::Seconds() const { return std::max({compute, links, uplink, job}); }

absl::StatusOr<Outcome> Simulate(const Assumptions& assumptions, const std::string& path) {
  const auto start = std::chrono::steady_clock::now();
  auto spec = ParseSpec(SpecText(assumptions.tokens));
  if (!spec.ok()) return spec.status();
  const Suite suite(assumptions, *spec);
  auto store = server::OpenSqliteStore({path, 0});
  if (!store.ok()) return store.status();
  auto sweep = Submit(**store, suite, assumptions);
  if (!sweep.ok()) return sweep.status();

  Events events;
  Uplink uplink(events, assumptions.link, assumptions.uplink);
  Moves moves(suite.checkpoints().size(), 0);
  Coordinator coordinator(events, **store, assumptions);
  const VirtualWorker::World world = {&events, &coordinator, &uplink, &suite, &assumptions, &moves};
  Workers workers;
  double speeds = 0;
  for (int i = 0; i < assumptions.workers; ++i) {
    const double speed = IsChosen(i, assumptions.slow_share) ? 0.5 : 1;
    speeds += speed;
    workers.push_back(std::make_unique<VirtualWorker>(world, i, speed));
    workers.back()->Start();
  }
  Outcome outcome;
  outcome.bound = BoundOf(suite, assumptions, speeds);
  std::mt19937 random(1);  // the same deaths in every run
  std::uniform_real_distribution<double> moment(0, outcome.bound.Seconds());
  const double share = assumptions.death_share;
  // At least one, where any are to die.
  const int dying = static_cast<int>(std::ceil(share * assumptions.workers));
  for (int i = 0; i < dying; ++i, ++outcome.deaths) {
    VirtualWorker* worker = workers[i * assumptions.workers / dying].get();
    events.After(moment(random),
                 [worker, &assumptions] { worker->Die(assumptions.absence_seconds); });
  }

  const int64_t jobs = JobsOf(suite, assumptions);
  events.RunUntil(
      [&] { return !coordinator.status().ok() || coordinator.costs().commits == jobs; });
  if (!coordinator.status().ok()) return coordinator.status();
  sweep = (*store)->FindSweep(sweep->id);
  if (!sweep.ok()) return sweep.status();
  if (sweep->state != v1::SWEEP_STATE_SUCCEEDED || sweep->jobs.succeeded != jobs) {
    return absl::InternalError(absl::StrCat("the sweep stands still after ", events.now(),
                                            " s with ", sweep->jobs.succeeded, " of ", jobs,
                                            " jobs succeeded"));
  }
  outcome.makespan = events.now();
  MeasureMoves(suite, assumptions, moves, outcome);
  MeasureWorkers(workers, outcome);
  MeasureCosts(coordinator.costs(), outcome);
  (*store)->SetListener(nullptr);
  outcome.real_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

}  // namespace ondelette::simulation
