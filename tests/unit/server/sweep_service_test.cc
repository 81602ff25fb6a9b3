// SweepService, CorpusService, health and reflection over gRPC.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "common/digest/digest.h"
#include "common/errors/errors.h"
#include "common/rpc/rpc_status.h"
#include "tests/unit/server/support.h"

namespace ondelette::server {
namespace {

using testing::HasSubstr;

class SweepServiceTest : public testing::Test {
 protected:
  SweepServiceTest() : coordinator_(folder_.File("store.db")) {
    v1::Corpus corpus;
    EXPECT_TRUE(coordinator_.Upload("corpus", CorpusText(8), corpus).ok());
  }

  std::string Reason(const grpc::Status& status) { return ErrorReason(FromRpcStatus(status)); }

  // Runs every job of the store.
  void Work(int jobs) {
    ScriptedWorker worker(coordinator_.channel(), "w");
    worker.Hello();
    for (int job = 0; job < jobs; ++job) {
      worker.Ask(1);
      EXPECT_TRUE(worker.Succeed(worker.NextLease()).committed());
    }
  }

  TempFolder folder_;
  TestCoordinator coordinator_;
};

TEST_F(SweepServiceTest, RequestIds) {
  v1::Sweep first;
  v1::Sweep again;
  ASSERT_TRUE(coordinator_.Create("r", {"a"}, 2, first).ok());
  ASSERT_TRUE(coordinator_.Create("r", {"a"}, 2, again).ok());
  EXPECT_EQ(first.id(), again.id());
  EXPECT_EQ(first.spec().preset(), "relative-window");
  EXPECT_EQ(first.checkpoints_size(), 1);
  const grpc::Status other = coordinator_.Create("r", {"b"}, 2, again);
  EXPECT_EQ(other.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(Reason(other), "REQUEST_ID_REUSED");
  EXPECT_EQ(Reason(coordinator_.Create("", {"a"}, 2, again)), "REQUEST_INVALID");
}

TEST_F(SweepServiceTest, UnknownThingsAreNamed) {
  grpc::ClientContext context;
  v1::GetSweepRequest request;
  request.set_sweep("nobody");
  v1::Sweep sweep;
  const grpc::Status status = coordinator_.sweeps().GetSweep(&context, request, &sweep);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Reason(status), "SWEEP_UNKNOWN");
  EXPECT_THAT(status.error_message(), HasSubstr("nobody"));
  grpc::ClientContext create;
  v1::CreateSweepRequest unknown;
  unknown.set_request_id("u");
  unknown.set_corpus("no-such-corpus");
  EXPECT_EQ(Reason(coordinator_.sweeps().CreateSweep(&create, unknown, &sweep)), "CORPUS_UNKNOWN");
}

TEST_F(SweepServiceTest, CorporaComeBackAsTheyWere) {
  std::string text;
  for (int i = 0; i < 30000; ++i) {
    text += "{\"id\":\"" + std::to_string(i) + "\",\"text\":\"" + std::string(80, 'x') + "\"}\n";
  }
  v1::Corpus corpus;
  const grpc::Status status = coordinator_.Upload("large", text, corpus);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(corpus.digest(), Sha256Of(text));
  EXPECT_EQ(corpus.sequences(), 30000);
  EXPECT_FALSE(corpus.tokenized());
  grpc::ClientContext context;
  v1::ReadCorpusRequest request;
  request.set_digest(corpus.digest());
  auto reader = coordinator_.corpora().ReadCorpus(&context, request);
  std::string read;
  v1::ReadCorpusResponse response;
  while (reader->Read(&response)) {
    EXPECT_LE(response.chunk().size(), 1U << 20);
    read += response.chunk();
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_TRUE(read == text);
}

TEST_F(SweepServiceTest, HostileUploadsAreRefusedByName) {
  v1::Corpus corpus;
  EXPECT_EQ(Reason(coordinator_.Upload("c", "", corpus)), "CORPUS_EMPTY");
  EXPECT_EQ(Reason(coordinator_.Upload("", CorpusText(1), corpus)), "REQUEST_INVALID");
  const grpc::Status line = coordinator_.Upload("c", CorpusText(2) + "{\n", corpus);
  EXPECT_EQ(Reason(line), "CORPUS_INVALID");
  EXPECT_THAT(line.error_message(), HasSubstr("line 3:"));
  grpc::ClientContext context;
  auto writer = coordinator_.corpora().UploadCorpus(&context, &corpus);
  v1::UploadCorpusRequest request;
  request.set_name("c");
  request.set_chunk(std::string((1 << 20) + 1, 'x'));
  writer->Write(request);
  writer->WritesDone();
  EXPECT_EQ(Reason(writer->Finish()), "CORPUS_TOO_LARGE");
  grpc::ClientContext broken;
  auto half = coordinator_.corpora().UploadCorpus(&broken, &corpus);
  request.set_chunk(CorpusText(1));
  half->Write(request);
  broken.TryCancel();
  EXPECT_FALSE(half->Finish().ok());
  grpc::ClientContext look;
  v1::GetCorpusRequest get;
  get.set_corpus("c");
  EXPECT_EQ(Reason(coordinator_.corpora().GetCorpus(&look, get, &corpus)), "CORPUS_UNKNOWN");
}

TEST_F(SweepServiceTest, AWatchSeesEverythingAndGoesOnWhereItWasCutOff) {
  v1::Sweep sweep;
  ASSERT_TRUE(coordinator_.Create("s", {"a", "b"}, 2, sweep).ok());
  uint64_t cursor = 0;
  int succeeded = 0;
  {
    grpc::ClientContext context;
    v1::WatchSweepRequest request;
    request.set_sweep("s");
    auto reader = coordinator_.sweeps().WatchSweep(&context, request);
    Work(3);
    v1::SweepEvent event;
    while (succeeded < 2 && reader->Read(&event)) {
      EXPECT_GT(event.cursor(), cursor);
      cursor = event.cursor();
      if (event.job().state() == v1::JOB_STATE_SUCCEEDED) ++succeeded;
    }
    context.TryCancel();
    reader->Finish();
  }
  Work(5);
  grpc::ClientContext context;
  v1::WatchSweepRequest request;
  request.set_sweep("s");
  request.set_cursor(cursor);
  auto reader = coordinator_.sweeps().WatchSweep(&context, request);
  v1::SweepEvent event;
  while (reader->Read(&event)) {
    EXPECT_GT(event.cursor(), cursor);
    cursor = event.cursor();
    const v1::JobCounts& jobs = event.jobs();
    EXPECT_EQ(jobs.queued() + jobs.leased() + jobs.succeeded() + jobs.failed() + jobs.cancelled(),
              jobs.total());
    if (event.job().state() == v1::JOB_STATE_SUCCEEDED) ++succeeded;
  }
  EXPECT_TRUE(reader->Finish().ok()) << "the watch ends with the sweep";
  EXPECT_EQ(event.state(), v1::SWEEP_STATE_SUCCEEDED);
  EXPECT_EQ(succeeded, 8);
  EXPECT_EQ(cursor, coordinator_.Get("s").cursor());
}

TEST_F(SweepServiceTest, AWatcherThatWaitsIsTold) {
  v1::Sweep sweep;
  ASSERT_TRUE(coordinator_.Create("s", {"a"}, 2, sweep).ok());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  v1::WatchSweepRequest request;
  request.set_sweep("s");
  auto reader = coordinator_.sweeps().WatchSweep(&context, request);
  v1::SweepEvent event;
  ASSERT_TRUE(reader->Read(&event));
  absl::SleepFor(absl::Milliseconds(50));  // it has nothing to send now
  grpc::ClientContext cancel;
  v1::CancelSweepRequest end;
  end.set_sweep("s");
  ASSERT_TRUE(coordinator_.sweeps().CancelSweep(&cancel, end, &sweep).ok());
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.state(), v1::SWEEP_STATE_CANCELLED);
  EXPECT_FALSE(reader->Read(&event));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(SweepServiceTest, AWatchOfNothingIsRefused) {
  grpc::ClientContext context;
  v1::WatchSweepRequest request;
  request.set_sweep("nobody");
  auto reader = coordinator_.sweeps().WatchSweep(&context, request);
  v1::SweepEvent event;
  EXPECT_FALSE(reader->Read(&event));
  EXPECT_EQ(Reason(reader->Finish()), "SWEEP_UNKNOWN");
}

TEST(StalledReader, IsCutOff) {
  TempFolder folder;
  v1::Corpus corpus;
  {
    TestCoordinator coordinator(folder.File("store.db"));
    std::string text;
    for (int i = 0; i < 10000; ++i) {
      text +=
          "{\"id\":\"" + std::to_string(i) + "\",\"text\":\"" + std::string(1000, 'x') + "\"}\n";
    }
    ASSERT_TRUE(coordinator.Upload("large", text, corpus).ok());
  }
  TestCoordinator coordinator(folder.File("store.db"), absl::Seconds(30), 0,
                              absl::Milliseconds(300));
  grpc::ClientContext context;
  v1::ReadCorpusRequest request;
  request.set_digest(corpus.digest());
  auto reader = coordinator.corpora().ReadCorpus(&context, request);
  v1::ReadCorpusResponse response;
  ASSERT_TRUE(reader->Read(&response));
  absl::SleepFor(absl::Seconds(1));  // and takes no more
  while (reader->Read(&response)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(SweepServiceTest, ListsAreBounded) {
  v1::Sweep sweep;
  for (const char* name : {"a", "b", "c"})
    ASSERT_TRUE(coordinator_.Create(name, {"r"}, 2, sweep).ok());
  grpc::ClientContext context;
  v1::ListSweepsRequest request;
  request.set_page_size(2);
  v1::ListSweepsResponse response;
  ASSERT_TRUE(coordinator_.sweeps().ListSweeps(&context, request, &response).ok());
  EXPECT_EQ(response.sweeps_size(), 2);
  EXPECT_EQ(response.sweeps(0).name(), "c");
  EXPECT_EQ(response.sweeps(0).checkpoints_size(), 0);
  EXPECT_FALSE(response.next_page_token().empty());
}

// grpc.health.v1.Health/Check, by hand: Debian packages no generated code for it. Field 1 of the
// answer is the status; 1 is SERVING.
TEST_F(SweepServiceTest, HealthAnswersForEveryService) {
  for (const std::string service : {"", "ondelette.v1.SweepService", "ondelette.v1.CorpusService",
                                    "ondelette.v1.WorkService", "ondelette.v1.ResultService"}) {
    std::string request;
    if (!service.empty()) {
      request = std::string("\x0a") + static_cast<char>(service.size()) + service;
    }
    grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(coordinator_.channel());
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    grpc::Slice slice(request);
    grpc::ByteBuffer bytes(&slice, 1);
    auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", bytes, &queue);
    call->StartCall();
    grpc::ByteBuffer answer;
    grpc::Status status;
    call->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
    ASSERT_TRUE(status.ok()) << status.error_message();
    grpc::Slice flat;
    ASSERT_TRUE(answer.DumpToSingleSlice(&flat).ok());
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(flat.begin()), flat.size()), "\x08\x01");
  }
}

}  // namespace
}  // namespace ondelette::server
