#include "worker/engine/checkpoint/checkpoint.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "worker/engine/checkpoint/file_errors.h"
#include "worker/engine/checkpoint/json_text.h"

namespace ondelette {
namespace {

using nlohmann::json;

constexpr size_t kMaxIndexBytes = 16 << 20;
constexpr size_t kMaxShards = 4096;

// What is looked for, best first.
struct Layout {
  const char* file;
  bool sharded;
};
constexpr Layout kLayouts[] = {{"model.safetensors", false},
                               {"model.safetensors.index.json", true},
                               {"pytorch_model.bin", false},
                               {"pytorch_model.bin.index.json", true}};

// Whether there is something of that name, were it a link to nowhere: opening that says what is
// wrong, while going on to another file would hide it.
bool Exists(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

absl::StatusOr<std::unique_ptr<WeightFile>> OpenWeights(const std::string& path) {
  return absl::EndsWith(path, ".safetensors") ? OpenSafetensors(path) : OpenTorchFile(path);
}

// A plain file name of a known format: a shard lies beside its index.
bool IsShardName(absl::string_view name) {
  return name.find_first_of(absl::string_view("/\\\0", 3)) == absl::string_view::npos &&
         !absl::StartsWith(name, ".") &&
         (absl::EndsWith(name, ".safetensors") || absl::EndsWith(name, ".bin"));
}

using ShardMap = std::map<std::string, std::vector<std::string>>;  // shard to its tensors

absl::StatusOr<ShardMap> ReadIndex(const std::string& path) {
  absl::StatusOr<json> index = ReadJsonObject(path, kMaxIndexBytes);
  if (!index.ok()) return index.status();
  auto weight_map = index->find("weight_map");
  if (weight_map == index->end() || !weight_map->is_object() || weight_map->empty()) {
    return CorruptFile(path, "has no 'weight_map' of tensors to files");
  }
  ShardMap shards;
  for (const auto& [tensor, shard] : weight_map->items()) {
    if (!shard.is_string() || !IsShardName(shard.get_ref<const std::string&>())) {
      return CorruptFile(
          path, absl::StrCat("puts tensor ", Quoted(tensor), " into ",
                             Quoted(shard.dump(-1, ' ', true, json::error_handler_t::replace)),
                             ", which is not the name of a weight file beside it"));
    }
    shards[shard.get<std::string>()].push_back(tensor);
  }
  if (shards.size() > kMaxShards) {
    return CorruptFile(path, absl::StrCat("names more than ", kMaxShards, " files"));
  }
  return shards;
}

}  // namespace

absl::StatusOr<Checkpoint> Checkpoint::Open(const std::string& folder) {
  Checkpoint checkpoint;
  checkpoint.folder_ = folder;
  absl::StatusOr<ModelConfig> config = ReadModelConfig(absl::StrCat(folder, "/config.json"));
  if (!config.ok()) return config.status();
  checkpoint.config_ = *config;
  std::string tried;
  for (const Layout& layout : kLayouts) {
    if (!Exists(absl::StrCat(folder, "/", layout.file))) {
      absl::StrAppend(&tried, tried.empty() ? "" : ", ", layout.file);
      continue;
    }
    absl::Status opened =
        layout.sharded ? checkpoint.OpenSharded(layout.file) : checkpoint.OpenSingle(layout.file);
    if (!opened.ok()) return opened;
    return checkpoint;
  }
  return IncompleteCheckpoint(folder, absl::StrCat("holds no weights; looked for ", tried),
                              "give a folder in Hugging Face's layout");
}

absl::Status Checkpoint::OpenSingle(const std::string& name) {
  absl::StatusOr<std::unique_ptr<WeightFile>> file = OpenWeights(absl::StrCat(folder_, "/", name));
  if (!file.ok()) return file.status();
  for (const TensorView& view : (*file)->tensors()) {
    tensors_[view.name] = Place{file->get(), &view};
  }
  files_.push_back(*std::move(file));
  return absl::OkStatus();
}

absl::Status Checkpoint::OpenSharded(const std::string& index_name) {
  std::string index = absl::StrCat(folder_, "/", index_name);
  absl::StatusOr<ShardMap> shards = ReadIndex(index);
  if (!shards.ok()) return shards.status();
  for (const auto& [shard, names] : *shards) {
    std::string path = absl::StrCat(folder_, "/", shard);
    if (!Exists(path)) {
      return IncompleteCheckpoint(
          path,
          absl::StrCat("is missing, with the ", names.size(), " tensors, ", Quoted(names.front()),
                       " among them, that ", index, " puts into it"),
          "fetch every shard the index names");
    }
    absl::StatusOr<std::unique_ptr<WeightFile>> file = OpenWeights(path);
    if (!file.ok()) return file.status();
    for (const std::string& name : names) {
      const TensorView* view = (*file)->Find(name);
      if (view == nullptr) {
        return IncompleteCheckpoint(
            path, absl::StrCat("lacks tensor ", Quoted(name), ", which ", index, " puts into it"),
            "index and shards are not of one checkpoint: fetch them again");
      }
      tensors_[view->name] = Place{file->get(), view};
    }
    files_.push_back(*std::move(file));
  }
  return absl::OkStatus();
}

std::vector<std::string> Checkpoint::files() const {
  std::vector<std::string> paths;
  for (const auto& file : files_) paths.push_back(file->path());
  return paths;
}

std::vector<absl::string_view> Checkpoint::TensorNames() const {
  std::vector<absl::string_view> names;
  names.reserve(tensors_.size());
  for (const auto& [name, place] : tensors_) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

int64_t Checkpoint::TotalBytes() const {
  int64_t total = 0;
  for (const auto& [name, place] : tensors_) {
    total += static_cast<int64_t>(place.view->bytes.size());
  }
  return total;
}

bool Checkpoint::Contains(absl::string_view name) const { return tensors_.contains(name); }

absl::StatusOr<TensorView> Checkpoint::Find(absl::string_view name,
                                            std::span<const int64_t> expected_shape) const {
  auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    return IncompleteCheckpoint(
        files_.size() == 1 ? files_.front()->path() : folder_,
        absl::StrCat("has no tensor ", Quoted(name), " among its ", tensors_.size()),
        "config.json and weights must be of one model, whole");
  }
  const TensorView& view = *found->second.view;
  if (!std::equal(view.shape.begin(), view.shape.end(), expected_shape.begin(),
                  expected_shape.end())) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "CHECKPOINT_SHAPE",
        absl::StrCat(view.file, ": tensor ", Quoted(name), " has shape ", ShapeText(view.shape),
                     " where config.json asks for ", ShapeText(expected_shape)),
        "config.json and weights must be of one model");
  }
  return view;
}

absl::Status Checkpoint::Verify(absl::string_view name) const {
  const Place& place = tensors_.at(name);
  return place.file->Verify(*place.view);
}

void Checkpoint::ReadAhead(absl::string_view name) const {
  const Place& place = tensors_.at(name);
  place.file->file().ReadAhead(place.view->bytes);
}

void Checkpoint::Release(absl::string_view name) const {
  const Place& place = tensors_.at(name);
  place.file->file().Release(place.view->bytes);
}

absl::StatusOr<TensorView> Checkpoint::Tensor(absl::string_view name,
                                              std::span<const int64_t> expected_shape) const {
  absl::StatusOr<TensorView> view = Find(name, expected_shape);
  if (!view.ok()) return view;
  if (absl::Status verified = Verify(name); !verified.ok()) return verified;
  return view;
}

}  // namespace ondelette
