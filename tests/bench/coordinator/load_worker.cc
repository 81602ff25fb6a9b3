#include "tests/bench/coordinator/load_worker.h"

#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"

namespace ondelette::bench {
namespace {

constexpr size_t kPiece = 1 << 20;
constexpr double kBeatSeconds = 5;

double Since(Timer::Clock::time_point start) {
  return std::chrono::duration<double>(Timer::Clock::now() - start).count();
}

std::shared_ptr<grpc::Channel> OwnConnection(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // The machine is shared with the coordinator: nothing that is not needed.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

const Load::Records& Load::RecordsOf(int64_t sequences) {
  std::lock_guard lock(mutex);
  Records& made = records[sequences];
  if (!made.digest.empty()) return made;
  std::mt19937 random(static_cast<unsigned>(sequences));
  std::uniform_real_distribution<float> uniform(0, 1);
  std::vector<float> values(static_cast<size_t>(sequences * layers * heads * columns));
  for (float& value : values) value = uniform(random);
  // No head is broken: of those, aggregates would have no figures.
  for (size_t i = static_cast<size_t>(broken_column); i < values.size();
       i += static_cast<size_t>(columns))
    values[i] = 0;
  made.bytes.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  made.digest = Sha256Of(made.bytes);
  return made;
}

LoadWorker::LoadWorker(Load& load, const std::string& address, int number)
    : load_(load),
      stub_(v1::WorkService::NewStub(OwnConnection(address))),
      id_(absl::StrCat("load-", number)),
      random_(static_cast<unsigned>(number)) {
  stub_->async()->Work(&context_, this);
  StartRead(&incoming_);
  v1::WorkerMessage message;
  v1::Hello* hello = message.mutable_hello();
  hello->set_worker_id(id_);
  hello->set_name(id_);
  hello->set_device("cpu");
  hello->set_dtype("float32");
  {
    std::lock_guard lock(mutex_);
    Send(std::move(message));
  }
  StartCall();
}

void LoadWorker::Drain() {
  std::lock_guard lock(mutex_);
  Leave();
}

void LoadWorker::Leave() {
  if (left_ || done_ || !leases_.empty() || !finished_.empty() || computing_) return;
  left_ = true;
  if (unsent_.empty()) StartWritesDone();
}

void LoadWorker::Send(v1::WorkerMessage message) {
  if (left_ || done_) return;
  unsent_.push_back(std::move(message));
  if (unsent_.size() == 1) Write();
}

// A piece waits for what follows it: both go out at once.
void LoadWorker::Write() {
  grpc::WriteOptions options;
  if (unsent_.front().has_record_block()) options.set_buffer_hint();
  StartWrite(&unsent_.front(), options);
}

void LoadWorker::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  unsent_.pop_front();
  if (!ok) return;
  if (!unsent_.empty()) {
    Write();
  } else if (left_) {
    StartWritesDone();
  }
}

void LoadWorker::OnReadDone(bool ok) {
  if (!ok) return;
  std::lock_guard lock(mutex_);
  Handle(incoming_);
  StartRead(&incoming_);
}

void LoadWorker::OnDone(const grpc::Status& status) {
  {
    std::lock_guard lock(mutex_);
    done_ = true;
  }
  if (!status.ok() && status.error_code() != grpc::StatusCode::CANCELLED) {
    std::cerr << id_ + ": " + status.error_message() + "\n";
    ++load_.broken;
  }
  ++load_.ended;
}

void LoadWorker::Handle(const v1::CoordinatorMessage& message) {
  if (message.has_welcome()) {
    ++load_.welcomed;
    Ask();
    Beat();
  } else if (message.has_task()) {
    Answer(message.task());
  } else if (message.has_lease()) {
    if (!asked_.empty()) {
      load_.lease.Add(Since(asked_.front()));
      asked_.pop_front();
    }
    loaded_ = message.lease().checkpoint_digest();
    leases_.push_back(message.lease());
    Compute();
  } else if (message.has_acknowledgement()) {
    auto sent = finished_.find(message.acknowledgement().lease().job());
    if (sent == finished_.end()) return;
    load_.commit.Add(Since(sent->second));
    finished_.erase(sent);
    ++(message.acknowledgement().committed() ? load_.committed : load_.refused);
    if (load_.draining) return Leave();
    Ask();
  }
}

// How many more it will take now, as a worker says it. What crosses it on the way is too much and
// counts later.
void LoadWorker::Ask() {
  const size_t held = asked_.size() + leases_.size() + finished_.size();
  if (held >= static_cast<size_t>(load_.depth)) return;
  for (size_t i = held; i < static_cast<size_t>(load_.depth); ++i) asked_.push_back(Clock::now());
  v1::WorkerMessage message;
  message.mutable_work_request()->set_leases(static_cast<int>(asked_.size()));
  if (!loaded_.empty()) message.mutable_work_request()->add_held_checkpoints(loaded_);
  Send(std::move(message));
}

void LoadWorker::Answer(const v1::Task& task) {
  v1::WorkerMessage message;
  v1::TaskResult* result = message.mutable_task_result();
  result->set_id(task.id());
  if (task.has_controls()) {
    result->mutable_controls()->add_patterns()->set_name("uniform");
  } else {
    const std::string name = absl::StrCat(task.resolve().model(), "@", task.resolve().revision());
    result->mutable_resolved()->set_digest(Sha256Of(name));
    result->mutable_resolved()->set_weights_digest(Sha256Of("weights of " + name));
  }
  Send(std::move(message));
}

void LoadWorker::Compute() {
  if (computing_ || leases_.empty()) return;
  computing_ = true;
  const double share = std::uniform_real_distribution<double>(0.5, 1.5)(random_);
  load_.timer->After(std::chrono::duration<double>(load_.compute_seconds * share),
                     [this] { SendResult(); });
}

void LoadWorker::SendResult() {
  std::lock_guard lock(mutex_);
  computing_ = false;
  if (left_ || done_ || leases_.empty()) return;
  const v1::Lease lease = std::move(leases_.front());
  leases_.pop_front();
  const Load::Records& records = load_.RecordsOf(lease.sequences());
  for (size_t offset = 0; offset < records.bytes.size(); offset += kPiece) {
    v1::WorkerMessage piece;
    *piece.mutable_record_block()->mutable_lease() = lease.id();
    piece.mutable_record_block()->set_offset(static_cast<int64_t>(offset));
    piece.mutable_record_block()->set_data(records.bytes.substr(offset, kPiece));
    Send(std::move(piece));
  }
  v1::WorkerMessage message;
  v1::JobSucceeded* success = message.mutable_job_succeeded();
  *success->mutable_lease() = lease.id();
  success->set_layers(load_.layers);
  success->set_heads(load_.heads);
  success->set_columns(load_.columns);
  for (int64_t i = 0; i < lease.sequences(); ++i) {
    v1::MeasuredSequence* measured = success->add_measured();
    measured->set_sequence(lease.first_sequence() + i);
    measured->set_tokens_digest(records.digest);
  }
  success->set_record_bytes(static_cast<int64_t>(records.bytes.size()));
  success->set_record_digest(records.digest);
  success->set_architecture("gpt_neox");
  success->set_engine_version("0.1.0");
  success->set_device("cpu");
  success->set_dtype("float32");
  success->set_compute_seconds(load_.compute_seconds);
  finished_[lease.id().job()] = Clock::now();
  Send(std::move(message));
  Compute();
}

void LoadWorker::Beat() {
  if (left_ || done_) return;
  v1::WorkerMessage message;
  message.mutable_heartbeat();
  for (const v1::Lease& lease : leases_)
    *message.mutable_heartbeat()->add_leases()->mutable_lease() = lease.id();
  Send(std::move(message));
  load_.timer->After(std::chrono::duration<double>(kBeatSeconds), [this] {
    std::lock_guard lock(mutex_);
    Beat();
  });
}

}  // namespace ondelette::bench
