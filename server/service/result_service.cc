#include "server/service/result_service.h"

#include <memory>
#include <utility>

#include "common/spec/columns.h"
#include "ondelette/v1/results.grpc.pb.h"
#include "server/service/reactors.h"
#include "server/service/result_rows.h"
#include "server/service/result_selection.h"

namespace ondelette::server {
namespace {

// The batches of an answer, which is begun with the first of them: on the pool, where reading the
// store may block.
template <typename Answer, typename Rows, typename Query>
typename StreamReactor<Rows>::Next Batches(const ResultSource& source, const Query& query) {
  return [source, query,
          answer = std::shared_ptr<Answer>()]() mutable -> absl::StatusOr<std::optional<Rows>> {
    if (answer == nullptr) {
      auto begun = Answer::Of(source, query);
      if (!begun.ok()) return begun.status();
      answer = std::make_shared<Answer>(*std::move(begun));
    }
    return answer->Next();
  };
}

absl::Status ReadControls(Store& store, const v1::ControlQuery& query, v1::ControlRows& rows) {
  v1::Filter filter;
  filter.set_sweep(query.sweep());
  auto selection = Select(store, filter);
  if (!selection.ok()) return selection.status();
  auto controls = store.GetControls(selection->sweep.spec_digest);
  if (!controls.ok()) return controls.status();
  for (const std::string& label : selection->labels) rows.add_columns(label);
  for (const v1::ControlPattern& pattern : controls->patterns()) {
    v1::ControlRow& row = *rows.add_rows();
    row.set_pattern(pattern.name());
    *row.mutable_values() = pattern.values();
  }
  return absl::OkStatus();
}

class ResultService final : public v1::ResultService::CallbackService {
 public:
  ResultService(Store& store, Pool& pool, StallGuard& guard)
      : store_(store), pool_(pool), guard_(guard) {}

  grpc::ServerWriteReactor<v1::RecordRows>* QueryRecords(grpc::CallbackServerContext* context,
                                                         const v1::RecordQuery* query) override {
    return Stream<RecordAnswer, v1::RecordRows>(context, *query);
  }
  grpc::ServerWriteReactor<v1::AggregateRows>* QueryAggregates(
      grpc::CallbackServerContext* context, const v1::AggregateQuery* query) override {
    if (query->packed()) return Stream<BlockAnswer, v1::AggregateRows>(context, *query);
    return Stream<AggregateAnswer, v1::AggregateRows>(context, *query);
  }
  grpc::ServerWriteReactor<v1::CorrelationRows>* QueryCorrelations(
      grpc::CallbackServerContext* context, const v1::CorrelationQuery* query) override {
    return Stream<CorrelationAnswer, v1::CorrelationRows>(context, *query);
  }
  grpc::ServerUnaryReactor* QueryControls(grpc::CallbackServerContext* context,
                                          const v1::ControlQuery* query,
                                          v1::ControlRows* rows) override {
    return RunUnary(pool_, context,
                    [this, query, rows] { return ReadControls(store_, *query, *rows); });
  }

 private:
  template <typename Answer, typename Rows, typename Query>
  grpc::ServerWriteReactor<Rows>* Stream(grpc::CallbackServerContext* context, const Query& query) {
    return StreamReactor<Rows>::Start(pool_, guard_, context,
                                      Batches<Answer, Rows>({store_, partials_}, query));
  }

  Store& store_;
  PartialAggregates partials_;
  Pool& pool_;
  StallGuard& guard_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeResultService(Store& store, Pool& pool, StallGuard& guard) {
  return std::make_unique<ResultService>(store, pool, guard);
}

}  // namespace ondelette::server
