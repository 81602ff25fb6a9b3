#include "client/commands/watch.h"

#include <atomic>
#include <csignal>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/commands/commands.h"
#include "client/render/progress.h"
#include "client/render/words.h"
#include "common/rpc/rpc_status.h"

namespace ondelette::client {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(1);

std::atomic<bool> interrupted{false};

// While it lives, Ctrl-C sets `interrupted`, and that or an error of `healthy` cancels the call in
// flight.
class WatchGuard {
 public:
  explicit WatchGuard(std::function<absl::Status()> healthy)
      : healthy_(std::move(healthy)),
        previous_(std::signal(SIGINT, [](int) { interrupted = true; })),
        watcher_([this] { Watch(); }) {}
  ~WatchGuard() {
    done_ = true;
    watcher_.join();
    std::signal(SIGINT, previous_);
  }

  // The call to cancel; null for none.
  void SetContext(grpc::ClientContext* context) {
    std::lock_guard lock(mutex_);
    context_ = context;
  }
  // The first error of `healthy`.
  absl::Status Health() {
    std::lock_guard lock(mutex_);
    return health_;
  }

 private:
  // gRPC calls may not be cancelled from a signal handler: a thread looks for the flag.
  void Watch() {
    while (!done_) {
      absl::Status health = healthy_ ? healthy_() : absl::OkStatus();
      {
        std::lock_guard lock(mutex_);
        health_.Update(health);
        if ((interrupted || !health_.ok()) && context_ != nullptr) context_->TryCancel();
      }
      absl::SleepFor(absl::Milliseconds(50));
    }
  }

  const std::function<absl::Status()> healthy_;
  std::atomic<bool> done_{false};
  std::mutex mutex_;  // guards the next two
  grpc::ClientContext* context_ = nullptr;
  absl::Status health_;
  void (*previous_)(int);
  std::thread watcher_;
};

// What a watch knows so far.
class WatchView {
 public:
  void Take(const v1::SweepEvent& event) {
    end.cursor = event.cursor();
    end.state = event.state();
    if (event.has_checkpoint()) TakeCheckpoint(event.checkpoint());
    if (event.has_job() && event.job().state() == v1::JOB_STATE_FAILED) {
      progress.Note(absl::StrCat("failed: ", event.job().model(), "@", event.job().revision(), ": ",
                                 ErrorLine(event.job().error())));
    }
    int64_t unresolved = 0;
    for (const auto& [name, state] : checkpoints_) {
      if (state == v1::CHECKPOINT_STATE_UNRESOLVED) ++unresolved;
    }
    progress.Update(event.jobs(), unresolved);
  }
  bool Ended() const {
    return end.state != v1::SWEEP_STATE_RUNNING && end.state != v1::SWEEP_STATE_UNSPECIFIED;
  }

  WatchEnd end;
  Progress progress;

 private:
  void TakeCheckpoint(const v1::Checkpoint& checkpoint) {
    std::string name = absl::StrCat(checkpoint.model(), "@", checkpoint.revision());
    checkpoints_[name] = checkpoint.state();
    if (checkpoint.state() == v1::CHECKPOINT_STATE_ALIASED) {
      progress.Note(absl::StrCat("alias: ", name, " has the weights of ", checkpoint.alias_of(),
                                 ": computed once"));
    }
    if (checkpoint.state() == v1::CHECKPOINT_STATE_FAILED) {
      progress.Note(absl::StrCat("failed: ", name, ": ", ErrorLine(checkpoint.error())));
    }
  }

  std::map<std::string, v1::CheckpointState> checkpoints_;
};

// One stream, until it ends for whatever reason.
absl::Status WatchOnce(Session& session, const std::string& sweep, WatchGuard& guard,
                       WatchView& view) {
  grpc::ClientContext context;
  v1::WatchSweepRequest request;
  request.set_sweep(sweep);
  request.set_cursor(view.end.cursor);
  guard.SetContext(&context);
  auto reader = session.sweeps().WatchSweep(&context, request);
  v1::SweepEvent event;
  while (reader->Read(&event)) view.Take(event);
  absl::Status status = FromRpcStatus(reader->Finish());
  guard.SetContext(nullptr);
  return status;
}

bool WorthReconnecting(const absl::Status& status) {
  return status.ok() || status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kResourceExhausted;
}

}  // namespace

absl::StatusOr<WatchEnd> WatchSweep(Session& session, const std::string& sweep, uint64_t cursor,
                                    std::function<absl::Status()> healthy) {
  WatchGuard guard(std::move(healthy));
  WatchView view;
  view.end.cursor = cursor;
  absl::Time last_heard = absl::Now();
  absl::Status failure;
  while (failure.ok() && !view.Ended() && !interrupted) {
    uint64_t before = view.end.cursor;
    absl::Status status = WatchOnce(session, sweep, guard, view);
    if (view.Ended() || interrupted) break;
    if (view.end.cursor != before) last_heard = absl::Now();
    failure = guard.Health();
    if (failure.ok() && (!WorthReconnecting(status) || absl::Now() - last_heard > kPatience)) {
      failure =
          status.ok() ? absl::UnavailableError("the coordinator keeps closing the watch") : status;
    }
    if (failure.ok()) absl::SleepFor(absl::Milliseconds(500));
  }
  view.progress.Finish();
  if (!failure.ok()) return failure;
  view.end.detached = !view.Ended();
  return view.end;
}

void AddWatchCommand(CLI::App& app, Session& session) {
  struct Flags {
    std::string sweep;
    uint64_t cursor = 0;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* watch = app.add_subcommand("watch", "Follow a sweep until it ends; Ctrl-C detaches");
  watch->add_option("sweep", flags->sweep, "An id, the beginning of one, or a name")->required();
  watch->add_option("--cursor", flags->cursor, "Only events after this one");
  watch->callback([flags, &session] {
    absl::StatusOr<WatchEnd> end = WatchSweep(session, flags->sweep, flags->cursor);
    if (!end.ok()) return session.Report(end.status());
    if (end->detached) {
      std::cerr << "detached: the sweep goes on. Come back with: ondelette --server "
                << session.server << " watch " << flags->sweep << " --cursor " << end->cursor
                << '\n';
      session.exit_code = kExitDetached;
      return;
    }
    std::cout << StateWord(end->state) << '\n';
    session.exit_code = ExitCodeOf(end->state);
  });
}

}  // namespace ondelette::client
