#include "client/commands/corpus.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "client/commands/commands.h"
#include "client/commands/input_file.h"
#include "common/rpc/rpc_status.h"

namespace ondelette::client {
namespace {

constexpr size_t kChunk = 512 << 10;

void ListCorpora(Session& session) {
  RowWriter rows(session.output,
                 {{"name", "", 0},
                  {"sequences", "", 0},
                  {"bytes", "", 0},
                  {"tokenized", "", 0},
                  {"digest", "", 0}},
                 std::cout);
  v1::ListCorporaRequest request;
  do {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ListCorporaResponse response;
    absl::Status status =
        FromRpcStatus(session.corpora().ListCorpora(&context, request, &response));
    if (!status.ok()) return session.Report(status);
    for (const v1::Corpus& corpus : response.corpora()) {
      rows.Add(
          {corpus.name(), corpus.sequences(), corpus.bytes(), corpus.tokenized(), corpus.digest()});
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  rows.Finish();
}

}  // namespace

absl::StatusOr<v1::Corpus> UploadCorpus(Session& session, const std::string& path,
                                        const std::string& name) {
  absl::StatusOr<std::ifstream> file = OpenInput(path);
  if (!file.ok()) return file.status();
  grpc::ClientContext context;
  v1::Corpus corpus;
  auto writer = session.corpora().UploadCorpus(&context, &corpus);
  v1::UploadCorpusRequest request;
  request.set_name(name);
  std::string buffer(kChunk, '\0');
  bool open = true;
  // An empty file still sends its name, so that the coordinator can say that it is empty.
  do {
    file->read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    request.set_chunk(buffer.data(), static_cast<size_t>(file->gcount()));
    open = writer->Write(request);
    request.clear_name();
  } while (open && *file);
  writer->WritesDone();
  if (absl::Status status = FromRpcStatus(writer->Finish()); !status.ok()) return status;
  return corpus;
}

absl::StatusOr<std::string> CorpusFromFlag(Session& session, const std::string& corpus) {
  std::error_code error;
  if (std::filesystem::is_regular_file(corpus, error)) {
    absl::StatusOr<v1::Corpus> uploaded =
        UploadCorpus(session, corpus, std::filesystem::path(corpus).stem().string());
    if (!uploaded.ok()) return uploaded.status();
    return uploaded->digest();
  }
  grpc::ClientContext context;
  SetDeadline(context);
  v1::GetCorpusRequest request;
  request.set_corpus(corpus);
  v1::Corpus found;
  absl::Status status = FromRpcStatus(session.corpora().GetCorpus(&context, request, &found));
  if (!status.ok()) return status;
  return found.digest();
}

void AddCorpusCommands(CLI::App& app, Session& session) {
  CLI::App* corpus =
      app.add_subcommand("corpus", "Corpora: files of JSON lines, kept by their content");
  corpus->require_subcommand(1);

  struct AddFlags {
    std::string path;
    std::string name;
  };
  auto flags = std::make_shared<AddFlags>();
  CLI::App* add = corpus->add_subcommand(
      "add", "Upload a file of {\"id\", \"text\"} or {\"id\", \"tokens\"} lines");
  add->add_option("file", flags->path, "The file")->required();
  add->add_option("--name", flags->name, "A name for it; the file's own by default");
  add->footer("Example:\n  ondelette corpus add passages.jsonl --name austen");
  add->callback([flags, &session] {
    std::string name =
        flags->name.empty() ? std::filesystem::path(flags->path).stem().string() : flags->name;
    absl::StatusOr<v1::Corpus> stored = UploadCorpus(session, flags->path, name);
    if (!stored.ok()) return session.Report(stored.status());
    RowWriter rows(session.output,
                   {{"name", "", 0}, {"sequences", "", 0}, {"bytes", "", 0}, {"digest", "", 0}},
                   std::cout);
    rows.Add({stored->name(), stored->sequences(), stored->bytes(), stored->digest()});
    rows.Finish();
  });

  corpus->add_subcommand("list", "The stored corpora")->callback([&session] {
    ListCorpora(session);
  });
}

}  // namespace ondelette::client
