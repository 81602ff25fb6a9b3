#include "tests/unit/server/support.h"

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"
#include "common/errors/errors.h"
#include "common/rpc/rpc_status.h"
#include "common/spec/columns.h"
#include "common/spec/spec.h"
#include "server/plan/corpus_file.h"
#include "server/plan/sweep_plan.h"

namespace ondelette::server {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

// Numbers that only the job determines, whoever computes it.
std::string RecordsOf(const std::string& checkpoint_digest, int64_t first, int64_t count) {
  std::vector<float> values;
  for (int64_t sequence = first; sequence < first + count; ++sequence) {
    for (int i = 0; i < kLayers * kHeads * TestColumns(); ++i) {
      values.push_back(static_cast<float>(sequence * 1000 + i) +
                       static_cast<float>(checkpoint_digest.size()));
    }
  }
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

}  // namespace

TempFolder::TempFolder() {
  std::string pattern = testing::TempDir() + "/ondelette-XXXXXX";
  path_ = mkdtemp(pattern.data());
}

TempFolder::~TempFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

int TestColumns() {
  static const int columns = static_cast<int>(Columns(*ParseSpec("{}")).size());
  return columns;
}

std::string CorpusText(int sequences) {
  std::string text;
  for (int i = 0; i < sequences; ++i)
    absl::StrAppend(&text, "{\"id\":\"s", i, "\",\"tokens\":[", i, "]}\n");
  return text;
}

void AddCorpus(Store& store, int sequences, const std::string& name) {
  const std::string text = CorpusText(sequences);
  auto contents = ParseCorpus(text);
  ASSERT_TRUE(contents.ok()) << contents.status();
  StoredCorpus corpus{Sha256Of(text), name,       sequences, static_cast<int64_t>(text.size()),
                      true,           absl::Now()};
  ASSERT_TRUE(store.PutCorpus(corpus, text, contents->ids).ok());
}

NewSweep MakeSweep(Store& store, const std::string& name, std::vector<std::string> revisions,
                   int64_t per_job) {
  v1::CreateSweepRequest request;
  request.set_request_id(name);
  request.set_name(name);
  request.add_models("model");
  for (std::string& revision : revisions) request.add_revisions(std::move(revision));
  request.set_corpus("corpus");
  request.set_sequences_per_job(static_cast<int32_t>(per_job));
  auto plan = PlanSweep(request, *store.FindCorpus("corpus"));
  EXPECT_TRUE(plan.ok()) << plan.status();
  return *plan;
}

Resolution ResolutionOf(const std::string& digest) {
  return {digest, "weights-" + digest, "commit", {{"model.safetensors", 10, "ab"}}};
}

JobResult ResultOf(const GrantedLease& lease) {
  JobResult result;
  result.layers = kLayers;
  result.heads = kHeads;
  result.columns = TestColumns();
  for (int64_t i = 0; i < lease.sequences; ++i)
    result.measured.push_back({lease.first_sequence + i, "tokens"});
  result.records = RecordsOf(lease.checkpoint_digest, lease.first_sequence, lease.sequences);
  result.record_digest = Sha256Of(result.records);
  result.architecture = "gpt_neox";
  return result;
}

v1::JobSucceeded SuccessOf(const v1::Lease& lease, std::string& records) {
  records = RecordsOf(lease.checkpoint_digest(), lease.first_sequence(), lease.sequences());
  v1::JobSucceeded message;
  *message.mutable_lease() = lease.id();
  message.set_layers(kLayers);
  message.set_heads(kHeads);
  message.set_columns(TestColumns());
  for (int64_t i = 0; i < lease.sequences(); ++i) {
    v1::MeasuredSequence* measured = message.add_measured();
    measured->set_sequence(lease.first_sequence() + i);
    measured->set_tokens_digest("tokens");
  }
  message.set_record_bytes(static_cast<int64_t>(records.size()));
  message.set_record_digest(Sha256Of(records));
  message.set_architecture("gpt_neox");
  return message;
}

v1::Error MakeTestError(v1::ErrorClass error_class, const std::string& message) {
  v1::Error error = ToErrorProto(MakeError(absl::StatusCode::kUnknown, "TEST", message, "nothing"));
  error.set_error_class(error_class);
  return error;
}

void ExpectCountsAddUp(Store& store, const std::string& sweep_id) {
  auto sweep = store.FindSweep(sweep_id);
  ASSERT_TRUE(sweep.ok()) << sweep.status();
  const JobCounts& jobs = sweep->jobs;
  EXPECT_EQ(jobs.queued + jobs.leased + jobs.succeeded + jobs.failed + jobs.cancelled, jobs.total);
  auto checkpoints = store.Checkpoints(sweep_id);
  ASSERT_TRUE(checkpoints.ok()) << checkpoints.status();
  JobCounts sum;
  for (const StoredCheckpoint& checkpoint : *checkpoints) {
    sum.total += checkpoint.jobs.total;
    sum.succeeded += checkpoint.jobs.succeeded;
    sum.leased += checkpoint.jobs.leased;
  }
  EXPECT_EQ(sum.total, jobs.total);
  EXPECT_EQ(sum.succeeded, jobs.succeeded);
  EXPECT_EQ(sum.leased, jobs.leased);
}

ScriptedWorker::ScriptedWorker(const std::shared_ptr<grpc::Channel>& channel, std::string id)
    : stub_(v1::WorkService::NewStub(channel)),
      context_(std::make_unique<grpc::ClientContext>()),
      id_(std::move(id)) {
  // No test waits longer: a coordinator that falls silent fails it.
  context_->set_deadline(std::chrono::system_clock::now() + 6 * kPatience);
  stream_ = stub_->Work(context_.get());
}

ScriptedWorker::~ScriptedWorker() {
  if (!ended_) Cut();
}

v1::Welcome ScriptedWorker::Hello(const std::vector<v1::LeaseId>& leases) {
  v1::WorkerMessage message;
  v1::Hello* hello = message.mutable_hello();
  hello->set_worker_id(id_);
  hello->set_name(id_);
  hello->set_device("cpu");
  for (const v1::LeaseId& lease : leases) *hello->add_leases() = lease;
  EXPECT_TRUE(Send(message));
  return Next().welcome();
}

void ScriptedWorker::Ask(int leases, const std::string& loaded) {
  v1::WorkerMessage message;
  message.mutable_work_request()->set_leases(leases);
  if (!loaded.empty()) message.mutable_work_request()->add_held_checkpoints(loaded);
  Send(message);
}

void ScriptedWorker::Answer(const v1::Task& task) {
  v1::WorkerMessage message;
  v1::TaskResult* result = message.mutable_task_result();
  result->set_id(task.id());
  if (task.has_controls() && !controls_errors.empty()) {
    *result->mutable_error() = controls_errors.front();
    controls_errors.pop_front();
  } else if (task.has_controls()) {
    result->mutable_controls()->add_patterns()->set_name("uniform");
  } else if (absl::StartsWith(task.resolve().revision(), "missing")) {
    *result->mutable_error() = ToErrorProto(absl::NotFoundError("no such revision"));
  } else {
    result->mutable_resolved()->set_digest("digest-" + task.resolve().revision());
  }
  Send(message);
  if (task.has_controls()) ++controls_answered;
}

bool ScriptedWorker::Read(v1::CoordinatorMessage& message) {
  while (stream_->Read(&message)) {
    if (!message.has_task()) return true;
    Answer(message.task());
  }
  return false;
}

v1::CoordinatorMessage ScriptedWorker::Next() {
  v1::CoordinatorMessage message;
  if (Read(message)) return message;
  ADD_FAILURE() << "the stream ended: " << End().error_message();
  return {};
}

v1::Lease ScriptedWorker::NextLease() {
  v1::CoordinatorMessage message = Next();
  EXPECT_TRUE(message.has_lease()) << message.ShortDebugString();
  return message.lease();
}

void ScriptedWorker::SendResult(const v1::Lease& lease) {
  std::string records;
  v1::WorkerMessage end;
  *end.mutable_job_succeeded() = SuccessOf(lease, records);
  for (size_t offset = 0; offset < records.size(); offset += 1000) {
    v1::WorkerMessage piece;
    *piece.mutable_record_block()->mutable_lease() = lease.id();
    piece.mutable_record_block()->set_offset(static_cast<int64_t>(offset));
    piece.mutable_record_block()->set_data(records.substr(offset, 1000));
    Send(piece);
  }
  Send(end);
}

v1::Acknowledgement ScriptedWorker::Succeed(const v1::Lease& lease) {
  SendResult(lease);
  v1::CoordinatorMessage message = Next();
  EXPECT_TRUE(message.has_acknowledgement()) << message.ShortDebugString();
  return message.acknowledgement();
}

void ScriptedWorker::Fail(const v1::Lease& lease, const v1::Error& error) {
  v1::WorkerMessage message;
  *message.mutable_job_failed()->mutable_lease() = lease.id();
  *message.mutable_job_failed()->mutable_error() = error;
  Send(message);
  EXPECT_TRUE(Next().has_acknowledgement());
}

void ScriptedWorker::Heartbeat(const std::vector<v1::LeaseId>& leases) {
  v1::WorkerMessage message;
  message.mutable_heartbeat();
  for (const v1::LeaseId& lease : leases)
    *message.mutable_heartbeat()->add_leases()->mutable_lease() = lease;
  Send(message);
}

grpc::Status ScriptedWorker::End() {
  v1::CoordinatorMessage message;
  while (stream_->Read(&message)) {
  }
  ended_ = true;
  return stream_->Finish();
}

void ScriptedWorker::Cut() {
  context_->TryCancel();
  End();
}

TestCoordinator::TestCoordinator(const std::string& store, absl::Duration lease_time,
                                 int64_t store_max_bytes, absl::Duration stall_time) {
  CoordinatorOptions options;
  options.store = store;
  options.store_max_bytes = store_max_bytes;
  options.listen = "127.0.0.1:0";
  options.metrics_listen = "";  // its library takes two seconds to stop
  options.lease_time = lease_time;
  options.drain_time = absl::Seconds(1);
  options.stall_time = stall_time;
  auto coordinator = Coordinator::Start(options);
  EXPECT_TRUE(coordinator.ok()) << coordinator.status();
  coordinator_ = *std::move(coordinator);
  channel_ = grpc::CreateChannel(coordinator_->address(), grpc::InsecureChannelCredentials());
  sweeps_ = v1::SweepService::NewStub(channel_);
  corpora_ = v1::CorpusService::NewStub(channel_);
}

grpc::Status TestCoordinator::Upload(const std::string& name, const std::string& bytes,
                                     v1::Corpus& corpus) {
  grpc::ClientContext context;
  auto writer = corpora_->UploadCorpus(&context, &corpus);
  v1::UploadCorpusRequest request;
  request.set_name(name);
  constexpr size_t kChunk = 500000;
  for (size_t offset = 0; offset == 0 || offset < bytes.size(); offset += kChunk) {
    request.set_chunk(bytes.substr(offset, kChunk));
    if (!writer->Write(request)) break;
  }
  writer->WritesDone();
  return writer->Finish();
}

grpc::Status TestCoordinator::Create(const std::string& request_id,
                                     const std::vector<std::string>& revisions, int per_job,
                                     v1::Sweep& sweep) {
  v1::CreateSweepRequest request;
  request.set_request_id(request_id);
  request.set_name(request_id);
  request.add_models("model");
  for (const std::string& revision : revisions) request.add_revisions(revision);
  request.set_corpus("corpus");
  request.set_sequences_per_job(per_job);
  grpc::ClientContext context;
  return sweeps_->CreateSweep(&context, request, &sweep);
}

v1::Sweep TestCoordinator::Get(const std::string& sweep) {
  grpc::ClientContext context;
  v1::GetSweepRequest request;
  request.set_sweep(sweep);
  v1::Sweep response;
  grpc::Status status = sweeps_->GetSweep(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

v1::Sweep TestCoordinator::Ended(const std::string& sweep) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  v1::Sweep response = Get(sweep);
  while (response.state() == v1::SWEEP_STATE_RUNNING &&
         std::chrono::steady_clock::now() < deadline) {
    absl::SleepFor(absl::Milliseconds(5));
    response = Get(sweep);
  }
  EXPECT_NE(response.state(), v1::SWEEP_STATE_RUNNING) << response.ShortDebugString();
  return response;
}

}  // namespace ondelette::server
