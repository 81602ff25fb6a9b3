#include "server/service/corpus_service.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"
#include "common/errors/errors.h"
#include "server/plan/corpus_file.h"
#include "server/plan/sweep_plan.h"
#include "server/service/reactors.h"
#include "server/service/unary.h"
#include "server/store/to_proto.h"

namespace ondelette::server {
namespace {

constexpr size_t kMostChunkBytes = 1 << 20;

absl::Status StoreUpload(Store& store, const std::string& name, const std::string& bytes,
                         v1::Corpus& response) {
  if (absl::Status status = CheckName("name", name); !status.ok()) return status;
  auto contents = ParseCorpus(bytes);
  if (!contents.ok()) return contents.status();
  StoredCorpus corpus;
  corpus.digest = Sha256Of(bytes);
  corpus.name = name;
  corpus.sequences = static_cast<int64_t>(contents->ids.size());
  corpus.bytes = static_cast<int64_t>(bytes.size());
  corpus.tokenized = contents->tokenized;
  corpus.create_time = absl::Now();
  auto stored = store.PutCorpus(corpus, bytes, contents->ids);
  if (!stored.ok()) return stored.status();
  response = ToProto(*stored);
  return absl::OkStatus();
}

// One upload: gathers the chunks, then checks and stores them on the pool. Deletes itself.
class UploadReactor : public grpc::ServerReadReactor<v1::UploadCorpusRequest> {
 public:
  UploadReactor(const CorpusService::Parts& parts, std::atomic<int>& uploads,
                grpc::CallbackServerContext* context, v1::Corpus* response)
      : parts_(parts), uploads_(uploads), context_(context), response_(response) {
    if (++uploads_ > CorpusService::kMostUploads) {
      Leave(Overloaded());
    } else {
      Read();
    }
  }

  void OnReadDone(bool ok) override {
    parts_.guard->Goes(context_);
    if (!ok) {
      if (!parts_.pool->Run([this] { End(); })) Leave(Overloaded());
      return;
    }
    if (first_) name_ = request_.name();
    first_ = false;
    if (request_.chunk().size() > kMostChunkBytes) {
      return Refuse(absl::StrCat("a chunk of ", request_.chunk().size(), " bytes is more than ",
                                 kMostChunkBytes));
    }
    if (bytes_.size() + request_.chunk().size() > kMostCorpusBytes) {
      return Refuse(absl::StrCat("the corpus has more than ", kMostCorpusBytes, " bytes"));
    }
    bytes_ += request_.chunk();
    Read();
  }

  void OnDone() override {
    parts_.guard->Goes(context_);
    delete this;
  }

 private:
  void Read() {
    parts_.guard->Waits(context_);
    StartRead(&request_);
  }

  // Its memory is given back before the client hears: its next upload must find room.
  void Leave(const grpc::Status& status) {
    bytes_ = std::string();
    --uploads_;
    Finish(status);
  }

  void Refuse(const std::string& problem) {
    Leave(ToCallStatus(MakeError(absl::StatusCode::kInvalidArgument, "CORPUS_TOO_LARGE", problem,
                                 "split it into several corpora or smaller chunks")));
  }

  void End() {
    // A client that broke off has not said all: half a corpus must not be stored.
    if (context_->IsCancelled()) {
      Leave({grpc::StatusCode::CANCELLED, "the upload was broken off"});
      return;
    }
    absl::Status status = StoreUpload(*parts_.store, name_, bytes_, *response_);
    parts_.telemetry->CountRpc("UploadCorpus", static_cast<int>(status.code()));
    Leave(ToCallStatus(status));
  }

  const CorpusService::Parts& parts_;
  std::atomic<int>& uploads_;
  grpc::CallbackServerContext* const context_;
  v1::Corpus* const response_;
  v1::UploadCorpusRequest request_;
  bool first_ = true;
  std::string name_;
  std::string bytes_;
};

}  // namespace

grpc::ServerReadReactor<v1::UploadCorpusRequest>* CorpusService::UploadCorpus(
    grpc::CallbackServerContext* context, v1::Corpus* response) {
  return new UploadReactor(parts_, uploads_, context, response);
}

grpc::ServerUnaryReactor* CorpusService::GetCorpus(grpc::CallbackServerContext* context,
                                                   const v1::GetCorpusRequest* request,
                                                   v1::Corpus* response) {
  return CountedUnary(*parts_.pool, *parts_.telemetry, "GetCorpus", context,
                      [this, request, response]() -> absl::Status {
                        auto corpus = parts_.store->FindCorpus(request->corpus());
                        if (!corpus.ok()) return corpus.status();
                        *response = ToProto(*corpus);
                        return absl::OkStatus();
                      });
}

grpc::ServerUnaryReactor* CorpusService::ListCorpora(grpc::CallbackServerContext* context,
                                                     const v1::ListCorporaRequest* request,
                                                     v1::ListCorporaResponse* response) {
  return CountedUnary(*parts_.pool, *parts_.telemetry, "ListCorpora", context,
                      [this, request, response]() -> absl::Status {
                        auto page = parts_.store->ListCorpora(PageSize(request->page_size()),
                                                              request->page_token());
                        if (!page.ok()) return page.status();
                        for (const StoredCorpus& corpus : page->items)
                          *response->add_corpora() = ToProto(corpus);
                        response->set_next_page_token(page->next);
                        return absl::OkStatus();
                      });
}

grpc::ServerWriteReactor<v1::ReadCorpusResponse>* CorpusService::ReadCorpus(
    grpc::CallbackServerContext* context, const v1::ReadCorpusRequest* request) {
  auto offset = std::make_shared<int64_t>(0);
  return StreamReactor<v1::ReadCorpusResponse>::Start(
      *parts_.pool, *parts_.guard, context,
      [store = parts_.store, digest = request->digest(),
       offset]() -> absl::StatusOr<std::optional<v1::ReadCorpusResponse>> {
        if (*offset == 0) {
          auto corpus = store->FindCorpus(digest);
          if (!corpus.ok()) return corpus.status();
        }
        auto bytes = store->ReadCorpus(digest, *offset, kMostChunkBytes);
        if (!bytes.ok()) return bytes.status();
        if (bytes->empty()) return std::optional<v1::ReadCorpusResponse>();
        *offset += static_cast<int64_t>(bytes->size());
        v1::ReadCorpusResponse response;
        response.set_chunk(*std::move(bytes));
        return std::optional<v1::ReadCorpusResponse>(std::move(response));
      });
}

}  // namespace ondelette::server
