// The Pythia suite on a simulated cluster; docs/scale.md shows what it prints.
//
// Exit status: 0; 1 where --check found a ratio above 1.15 or a checkpoint moved too often, or where
// the simulation failed; 2 for a fault in the flags.
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/bench/simulation/simulation.h"

namespace ondelette::simulation {
namespace {

constexpr double kLargestRatio = 1.15;
// Reads of a checkpoint beyond as many as the bound's time asks for: idle workers share the last, small
// ones. And of all bytes together.
constexpr double kMostMoves = 4;
constexpr double kMostBytes = 1.05;

struct Flags {
  Assumptions assumptions;
  std::vector<int> workers = {8, 64, 512};
  bool cold = false;
  bool check = false;
  std::string scratch = std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
};

void AddFlags(CLI::App& app, Flags& flags) {
  Assumptions& assumed = flags.assumptions;
  app.add_option("--workers", flags.workers, "sizes of the cluster")->delimiter(',');
  app.add_option("--tokens", assumed.tokens, "of a sequence")->capture_default_str();
  app.add_option("--sequences", assumed.sequences)->capture_default_str();
  app.add_option("--sequences-per-job", assumed.sequences_per_job, "0: the coordinator's default")
      ->capture_default_str();
  app.add_option("--models", assumed.models, "the smallest so many")->check(CLI::Range(1, 10));
  app.add_option("--checkpoints", assumed.checkpoints, "of each")->check(CLI::Range(1, 154));
  app.add_flag("--largest-first", assumed.largest_first, "the sweep lists the largest model first");
  app.add_flag("--cold", flags.cold, "no digest is known: resolving reads every checkpoint");
  app.add_option("--flops", assumed.flops, "a second, of one device")->capture_default_str();
  app.add_option("--link", assumed.link, "bytes a second of a worker")->capture_default_str();
  app.add_option("--uplink", assumed.uplink, "bytes a second of all")->capture_default_str();
  app.add_option("--cache", assumed.cache_bytes, "bytes a worker keeps")->capture_default_str();
  app.add_option("--slow", assumed.slow_share, "share of workers of half speed");
  app.add_option("--deaths", assumed.death_share, "share of workers that die and come back");
  app.add_option("--scratch", flags.scratch, "folder for the store")->capture_default_str();
  app.add_flag("--check", flags.check, "fail where the goal is missed");
}

void PrintHead() {
  std::cout
      << "| workers | makespan s | bound s (compute, uplink, links, job) | ratio | bytes moved "
         "TB | per unique | needed | most reads beyond | on a held checkpoint | computing | "
         "loading | idle | leases: ms each (p99) | commits: ms each | jobs/s | deaths, leases "
         "lost |\n|";
  for (int i = 0; i < 16; ++i) std::cout << " ---: |";
  std::cout << std::endl;
}

void Print(int workers, const Outcome& out) {
  const LowerBound& bound = out.bound;
  const double jobs = static_cast<double>(out.jobs);
  std::cout << absl::StrFormat(
                   "| %d | %.0f | %.0f (%.0f, %.0f, %.0f, %.0f) | %.3f | %.2f | %.2f | %.2f | %.1f "
                   "| %.2f %% | %.1f %% | %.1f %% | %.1f %% | %.3f (%.3f) | %.3f | %.0f | %d, %d |",
                   workers, out.makespan, bound.Seconds(), bound.compute, bound.uplink, bound.links,
                   bound.job, out.Ratio(), out.moved_bytes / 1e12,
                   out.moved_bytes / out.unique_bytes, out.needed_bytes / out.unique_bytes,
                   out.most_moves, 100 * out.held_share, 100 * out.compute_share,
                   100 * out.load_share, 100 * out.IdleShare(),
                   1e3 * out.grant_seconds / static_cast<double>(out.leases), 1e3 * out.grant_p99,
                   1e3 * out.commit_seconds / jobs, jobs / out.makespan, out.deaths,
                   out.lost_leases)
            << std::endl;
  std::cerr << absl::StrFormat("%d workers: %.1f s of real time, %d leases\n", workers,
                               out.real_seconds, out.leases);
}

// Says what was missed.
bool Meets(int workers, const Outcome& out) {
  const bool fast = out.Ratio() <= kLargestRatio;
  const bool frugal =
      out.most_moves <= kMostMoves + 1e-6 && out.moved_bytes <= kMostBytes * out.needed_bytes;
  if (!fast) {
    std::cerr << absl::StrFormat("%d workers: ratio %.3f, more than %.2f\n", workers, out.Ratio(),
                                 kLargestRatio);
  }
  if (!frugal) {
    std::cerr << absl::StrFormat(
        "%d workers: %.3f times the bytes that are needed; a checkpoint read %.1f times too "
        "often\n",
        workers, out.moved_bytes / out.needed_bytes, out.most_moves);
  }
  return fast && frugal;
}

int Run(const Flags& flags) {
  std::string folder = absl::StrCat(flags.scratch, "/ondelette-simulation-XXXXXX");
  if (mkdtemp(folder.data()) == nullptr) {
    std::cerr << "cannot make a folder in " << flags.scratch << ": name another with --scratch\n";
    return 1;
  }
  PrintHead();
  bool good = true;
  for (int workers : flags.workers) {
    Assumptions assumptions = flags.assumptions;
    assumptions.workers = workers;
    assumptions.digests_known = !flags.cold;
    auto outcome = Simulate(assumptions, absl::StrCat(folder, "/", workers, ".sqlite"));
    if (!outcome.ok()) {
      std::cerr << workers << " workers: " << outcome.status() << "\n";
      good = false;
      break;
    }
    Print(workers, *outcome);
    if (flags.check) good = Meets(workers, *outcome) && good;
  }
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace ondelette::simulation

int main(int argc, char** argv) {
  ondelette::simulation::Flags flags;
  CLI::App app("ondelette-simulation: the Pythia suite on a cluster on paper.");
  ondelette::simulation::AddFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return ondelette::simulation::Run(flags);
}
