// The half of the work loop that faces the engine: what is prepared, run and prefetched when.
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/spec/spec.h"
#include "worker/agent/job_runner.h"
#include "worker/agent/log.h"
#include "worker/agent/work_loop.h"
#include "worker/hub/prefetch.h"

namespace ondelette::agent {
namespace {

// An engine that never started after so many attempts never will.
constexpr int kMostFailedStarts = 3;

}  // namespace

void WorkLoop::StartEngine() {
  engine_busy_ = true;
  engine_lane_.Post([this] {
    absl::StatusOr<EngineInfo> info = parts_.engine->EnsureRunning();
    loop_.Post([this, info] { OnEngineState(info); });
  });
}

void WorkLoop::OnEngineState(const absl::StatusOr<EngineInfo>& info) {
  engine_busy_ = false;
  engine_ready_ = info.ok();
  if (!info.ok()) return OnEngineLost(info.status());
  const bool first = !engine_info_.has_value();
  engine_info_ = *info;
  if (first) {
    parts_.telemetry->SetBuildInfo(options_.version, info->version, info->device);
    Log(absl::StrCat("engine ", info->version, " on ", info->device));
    Connect();
  }
  Advance();
}

void WorkLoop::OnEngineLost(const absl::Status& status) {
  if (handed_back_ || leaving_) return;
  Log(ErrorText(status));
  if (!engine_info_.has_value() && ++failed_starts_ >= kMostFailedStarts) {
    result_ = status;
    return loop_.Stop();
  }
  // Other workers may have an engine. This one asks for work again when it has one.
  ReturnWaiting();
  Request();
  ExitIfDone();
  StartEngine();
}

void WorkLoop::Advance() {
  if (leaving_) return;
  PrepareNext();
  FeedEngine();
  LookAhead();
  Request();
  ExitIfDone();
}

void WorkLoop::PrepareNext() {
  HeldLease* held = table_.First(LeaseStage::kQueued);
  if (preparing_ || held == nullptr) return;
  preparing_ = true;
  held->stage = LeaseStage::kPreparing;
  prepare_lane_.Post([this, lease = held->lease, control = held->control] {
    auto job =
        std::make_shared<absl::StatusOr<PreparedJob>>(parts_.preparer->Prepare(lease, *control));
    loop_.Post([this, id = lease.id(), job] { OnPrepared(id, *job); });
  });
}

void WorkLoop::OnPrepared(const v1::LeaseId& id, const absl::StatusOr<PreparedJob>& job) {
  preparing_ = false;
  HeldLease* held = table_.Find(id);
  if (held != nullptr && held->stage == LeaseStage::kPreparing) {
    if (job.ok()) {
      held->stage = LeaseStage::kPrepared;
      held->prepared = std::make_shared<const PreparedJob>(*job);
    } else {
      Finish(id, JobWithoutResult(id, job.status()));
    }
  }
  Advance();
}

void WorkLoop::FeedEngine() {
  if (engine_busy_ || !engine_ready_) return;
  if (!controls_.empty()) {
    const v1::Task task = std::move(controls_.front());
    controls_.pop_front();
    return RunControlsTask(generation_, task);
  }
  if (HeldLease* held = table_.First(LeaseStage::kPrepared)) RunJobOf(*held);
}

void WorkLoop::RunControlsTask(uint64_t generation, const v1::Task& task) {
  engine_busy_ = true;
  engine_lane_.Post([this, generation, task] {
    v1::TaskResult result;
    result.set_id(task.id());
    const std::string& spec = task.controls().spec_json();
    absl::StatusOr<v1::Controls> controls = RunControls({spec.data(), spec.size()}, *parts_.engine);
    if (controls.ok()) {
      *result.mutable_controls() = *std::move(controls);
    } else {
      *result.mutable_error() = WorkerError(controls.status());
    }
    absl::StatusOr<EngineInfo> info = parts_.engine->EnsureRunning();
    loop_.Post([this, generation, result, info] {
      OnTaskDone(generation, result);
      OnEngineState(info);
    });
  });
}

void WorkLoop::RunJobOf(HeldLease& held) {
  engine_busy_ = true;
  held.stage = LeaseStage::kRunning;
  running_ = held.control;
  running_digest_ = held.prepared->checkpoint->digest;
  looked_ahead_.clear();
  PrefetchNext(held.lease);
  engine_lane_.Post([this, job = held.prepared, control = held.control] {
    std::shared_ptr<const FinishedJob> finished = RunJob(*job, *control, *parts_.engine);
    const std::string loaded = parts_.engine->loaded();
    loop_.Post([this, finished, loaded] {
      loaded_ = loaded;
      OnJobDone(finished->lease, finished);
    });
    // A dead engine is started again at once, while the result is on its way.
    absl::StatusOr<EngineInfo> info = parts_.engine->EnsureRunning();
    loop_.Post([this, info] { OnEngineState(info); });
  });
}

void WorkLoop::OnJobDone(const v1::LeaseId& id, const std::shared_ptr<const FinishedJob>& job) {
  running_.reset();
  if (job->kind == FinishedJob::Kind::kSucceeded) {
    parts_.telemetry->CountSequences(job->succeeded.measured_size());
  }
  Finish(id, job);
  Advance();
}

void WorkLoop::InterruptLater(const std::shared_ptr<JobControl>& control) {
  // A job that ends soon costs less than loading its checkpoint into a new engine.
  loop_.PostAfter(options_.revoked_time, [this, control] {
    if (running_ == control) parts_.engine->Interrupt();
  });
}

void WorkLoop::LookAhead() {
  const HeldLease* next = table_.First(LeaseStage::kPrepared);
  if (running_ == nullptr || next == nullptr) return;
  const std::string& digest = next->prepared->checkpoint->digest;
  if (digest == running_digest_ || digest == looked_ahead_) return;
  looked_ahead_ = digest;
  // Not on this thread: a pipe may be full.
  prepare_lane_.Post([this, job = next->prepared] {
    absl::StatusOr<Spec> spec = ParseSpec(job->spec_json);
    if (!spec.ok()) return;
    parts_.engine->Prepare(job->checkpoint->digest, job->checkpoint->folder, *spec);
  });
}

void WorkLoop::PrefetchNext(const v1::Lease& lease) {
  const std::string name = absl::StrCat(lease.next_model(), "\n", lease.next_revision());
  if (prefetching_ || lease.next_model().empty() || name == prefetched_) return;
  prefetching_ = true;
  prefetched_ = name;
  prefetch_lane_.Post([this, lease] {
    absl::StatusOr<std::shared_ptr<const ResolvedCheckpoint>> next =
        parts_.shelf->Resolve(lease.next_model(), lease.next_revision());
    if (next.ok() && !stop_prefetch_) Prefetch(**next, stop_prefetch_).status().IgnoreError();
    loop_.Post([this] { prefetching_ = false; });
  });
}

}  // namespace ondelette::agent
