#include "tests/unit/agent/scripted_coordinator.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <chrono>

#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"

namespace ondelette::agent {

std::optional<v1::WorkerMessage> Session::Take(Kind kind, absl::Duration wait) {
  std::optional<v1::WorkerMessage> taken;
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, absl::ToChronoMilliseconds(wait), [&] {
    for (auto it = messages_.begin(); it != messages_.end() && !taken.has_value(); ++it) {
      if (it->message_case() != kind) continue;
      taken = *it;
      messages_.erase(it);
      break;
    }
    return taken.has_value() || ended_;
  });
  return taken;
}

bool Session::Ended(absl::Duration wait) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, absl::ToChronoMilliseconds(wait), [this] { return ended_; });
}

void Session::Send(const v1::CoordinatorMessage& message) {
  std::lock_guard lock(mutex_);
  if (stream_ != nullptr) stream_->Write(message);
}

void Session::Welcome(const std::vector<v1::LeaseId>& kept) {
  v1::CoordinatorMessage message;
  message.mutable_welcome()->mutable_heartbeat_interval()->set_nanos(50'000'000);
  message.mutable_welcome()->mutable_lease_time()->set_seconds(5);
  for (const v1::LeaseId& id : kept) *message.mutable_welcome()->add_kept() = id;
  Send(message);
}

v1::JobSucceeded Session::TakeResult(std::string* records) {
  std::optional<v1::WorkerMessage> end = Take(Kind::kJobSucceeded);
  if (!end.has_value()) {
    ADD_FAILURE() << "no JobSucceeded came";
    return {};
  }
  std::string bytes;
  while (auto block = Take(Kind::kRecordBlock, absl::ZeroDuration())) {
    EXPECT_EQ(block->record_block().offset(), static_cast<int64_t>(bytes.size()));
    EXPECT_LE(block->record_block().data().size(), 1U << 20);
    EXPECT_EQ(block->record_block().lease().job(), end->job_succeeded().lease().job());
    bytes += block->record_block().data();
  }
  EXPECT_EQ(end->job_succeeded().record_bytes(), static_cast<int64_t>(bytes.size()));
  EXPECT_EQ(end->job_succeeded().record_digest(), Sha256Of({bytes.data(), bytes.size()}));
  if (records != nullptr) *records = bytes;
  return end->job_succeeded();
}

void Session::Acknowledge(const v1::LeaseId& lease, bool committed) {
  v1::CoordinatorMessage message;
  *message.mutable_acknowledgement()->mutable_lease() = lease;
  message.mutable_acknowledgement()->set_committed(committed);
  if (!committed) message.mutable_acknowledgement()->set_reason("the lease was lost");
  Send(message);
}

void Session::Cut() {
  std::lock_guard lock(mutex_);
  if (context_ != nullptr) context_->TryCancel();
}

ScriptedCoordinator::ScriptedCoordinator() { Start(); }

ScriptedCoordinator::~ScriptedCoordinator() { Stop(); }

std::string ScriptedCoordinator::address() const { return absl::StrCat("127.0.0.1:", port_); }

void ScriptedCoordinator::Start() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(absl::StrCat("127.0.0.1:", port_), grpc::InsecureServerCredentials(),
                           &port_);
  builder.RegisterService(static_cast<v1::WorkService::Service*>(this));
  builder.RegisterService(static_cast<v1::CorpusService::Service*>(this));
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr);
}

void ScriptedCoordinator::Stop() {
  std::vector<std::weak_ptr<Session>> sessions;
  {
    std::lock_guard lock(mutex_);
    sessions = sessions_;
  }
  for (const auto& session : sessions) {
    if (auto open = session.lock()) open->Cut();
  }
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
}

std::shared_ptr<Session> ScriptedCoordinator::NextSession(absl::Duration wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, absl::ToChronoMilliseconds(wait), [this] { return !opened_.empty(); });
  if (opened_.empty()) return nullptr;
  std::shared_ptr<Session> session = opened_.front();
  opened_.pop_front();
  return session;
}

std::string ScriptedCoordinator::AddCorpus(const std::string& bytes) {
  std::string digest = Sha256Of({bytes.data(), bytes.size()});
  SetCorpus(digest, bytes);
  return digest;
}

void ScriptedCoordinator::SetCorpus(const std::string& digest, const std::string& bytes) {
  std::lock_guard lock(mutex_);
  corpora_[digest] = bytes;
}

int ScriptedCoordinator::corpus_reads() {
  std::lock_guard lock(mutex_);
  return corpus_reads_;
}

grpc::Status ScriptedCoordinator::Work(grpc::ServerContext* context, Session::Stream* stream) {
  auto session = std::make_shared<Session>();
  session->stream_ = stream;
  session->context_ = context;
  {
    std::lock_guard lock(mutex_);
    sessions_.push_back(session);
    opened_.push_back(session);
  }
  changed_.notify_all();
  v1::WorkerMessage message;
  while (stream->Read(&message)) {
    std::lock_guard lock(session->mutex_);
    session->messages_.push_back(message);
    session->changed_.notify_all();
  }
  std::lock_guard lock(session->mutex_);
  session->ended_ = true;
  session->stream_ = nullptr;
  session->context_ = nullptr;
  session->changed_.notify_all();
  return grpc::Status::OK;
}

grpc::Status ScriptedCoordinator::ReadCorpus(grpc::ServerContext* /*context*/,
                                             const v1::ReadCorpusRequest* request,
                                             grpc::ServerWriter<v1::ReadCorpusResponse>* writer) {
  std::string bytes;
  {
    std::lock_guard lock(mutex_);
    ++corpus_reads_;
    auto found = corpora_.find(request->digest());
    if (found == corpora_.end()) return {grpc::StatusCode::NOT_FOUND, "no such corpus"};
    bytes = found->second;
  }
  constexpr size_t kChunk = 100;
  for (size_t at = 0; at < bytes.size(); at += kChunk) {
    v1::ReadCorpusResponse response;
    response.set_chunk(bytes.substr(at, kChunk));
    writer->Write(response);
  }
  return grpc::Status::OK;
}

}  // namespace ondelette::agent
