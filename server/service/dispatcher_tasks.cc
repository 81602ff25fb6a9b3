// Tasks: small work that is not a job, given to whoever is there and again where it is not answered.
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/rpc_status.h"
#include "server/plan/retry_policy.h"
#include "server/service/dispatcher.h"

namespace ondelette::server {
namespace {

constexpr int kMostTasksPerWorker = 2;  // one being resolved, and the next
constexpr int kTaskPatience = 10;       // lease times; then a task is given to another, too
constexpr int kMostUnresolved = 1024;   // looked at a time

}  // namespace

absl::StatusOr<std::deque<OpenTask>> Dispatcher::OpenTasks() {
  // What is out, unless it is overdue: then the answer still counts, if it comes before another's.
  const auto overdue =
      Clock::now() - kTaskPatience * absl::ToChronoNanoseconds(options_.lease_time);
  std::set<int64_t> resolving;
  std::set<std::string> computing;
  for (const auto& [id, task] : table_.tasks) {
    if (task.given < overdue) continue;
    resolving.insert(task.checkpoint);
    computing.insert(task.spec_digest);
  }
  std::deque<OpenTask> open;
  auto specs = store_.SpecsWithoutControls();
  if (!specs.ok()) return specs.status();
  for (const auto& [digest, json] : *specs) {
    auto failed = failed_controls_.find(digest);
    const bool waits = failed != failed_controls_.end() && failed->second.ready > Clock::now();
    if (waits || computing.count(digest) > 0) continue;
    open.push_back({0, digest, {}});
    open.back().message.mutable_controls()->set_spec_json(json);
  }
  auto unresolved = store_.UnresolvedCheckpoints(kMostUnresolved, absl::Now());
  if (!unresolved.ok()) return unresolved.status();
  for (const StoredCheckpoint& checkpoint : *unresolved) {
    if (resolving.count(checkpoint.id) > 0) continue;
    open.push_back({checkpoint.id, "", {}});
    open.back().message.mutable_resolve()->set_model(checkpoint.model);
    open.back().message.mutable_resolve()->set_revision(checkpoint.revision);
  }
  return open;
}

void Dispatcher::GiveTasks(const std::vector<ConnectedWorker*>& takers) {
  auto open = OpenTasks();
  if (!open.ok()) return;  // the next tick tries again
  std::map<std::string, int> given;
  std::set<std::pair<std::string, std::pair<int64_t, std::string>>> has;
  for (const auto& [id, task] : table_.tasks) {
    ++given[task.worker];
    has.insert({task.worker, {task.checkpoint, task.spec_digest}});
  }
  for (ConnectedWorker* worker : takers) {
    int& mine = given[worker->id];
    for (auto task = open->begin(); task != open->end() && mine < kMostTasksPerWorker;) {
      if (has.count({worker->id, {task->checkpoint, task->spec_digest}}) > 0) {
        ++task;
        continue;
      }
      SendTask(*worker, std::move(*task));
      ++mine;
      task = open->erase(task);
    }
    if (open->empty()) return;
  }
}

void Dispatcher::SendTask(ConnectedWorker& worker, OpenTask task) {
  const uint64_t id = next_task_++;
  table_.tasks[id] = {worker.id, task.checkpoint, task.spec_digest, Clock::now()};
  task.message.set_id(id);
  v1::CoordinatorMessage out;
  *out.mutable_task() = std::move(task.message);
  postman_.Send(worker.session, std::move(out));
}

absl::Status Dispatcher::FailControls(const std::string& spec_digest, const v1::Error& error) {
  FailedControls& failed = failed_controls_[spec_digest];
  const Verdict verdict =
      Judge(error, failed.budget, absl::StrCat("the controls of spec ", spec_digest.substr(0, 12)));
  if (!verdict.failed) {
    failed = {verdict.budget, Clock::now() + absl::ToChronoNanoseconds(verdict.back_off)};
    return absl::OkStatus();
  }
  failed_controls_.erase(spec_digest);
  return store_.FailControls(spec_digest, verdict.error);
}

}  // namespace ondelette::server
