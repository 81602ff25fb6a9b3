#include "worker/hub/checkpoint_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"
#include "common/errors/errors.h"

namespace ondelette {
namespace {

constexpr int64_t kMaxIndexBytes = int64_t{64} << 20;
constexpr int kMaxIndexDepth = 8;
constexpr size_t kMaxShards = 10'000;
constexpr const char* kTokenizerFiles[] = {"tokenizer.json",
                                           "tokenizer_config.json",
                                           "special_tokens_map.json",
                                           "added_tokens.json",
                                           "vocab.json",
                                           "merges.txt",
                                           "vocab.txt",
                                           "tokenizer.model",
                                           "spiece.model"};

// Whether there is an entry of that name; a link that leads nowhere counts, and is reported later.
bool Exists(const std::string& folder, const char* name) {
  std::error_code error;
  auto status = std::filesystem::symlink_status(std::filesystem::path(folder) / name, error);
  return std::filesystem::exists(status);
}

absl::Status Corrupt(const std::string& path, absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "CHECKPOINT_CORRUPT", absl::StrCat(path, " ", what),
                   "remove the file and download it again");
}

absl::StatusOr<nlohmann::json> ReadIndex(const std::string& path) {
  absl::StatusOr<FileStamp> stamp = StampOf(path);
  if (!stamp.ok()) return stamp.status();
  if (stamp->bytes > kMaxIndexBytes) return Corrupt(path, "is too large to be an index");
  std::string text(static_cast<size_t>(stamp->bytes), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(text.data(), stamp->bytes);
  if (!file) return absl::UnavailableError(absl::StrCat("cannot read ", path));
  // Deep nesting is dropped as it is read, so it uses up neither memory nor stack.
  auto keep = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    return depth <= kMaxIndexDepth;
  };
  nlohmann::json json = nlohmann::json::parse(text, keep, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) return Corrupt(path, "is not a JSON object");
  return json;
}

bool IsPlainName(const std::string& name) {
  return !name.empty() && name.size() <= 255 && name[0] != '.' &&
         name.find_first_of("/\\\0", 0, 3) == std::string::npos;
}

absl::StatusOr<std::vector<std::string>> ShardedNames(const std::string& folder,
                                                      const char* index_name) {
  std::string path = absl::StrCat(folder, "/", index_name);
  absl::StatusOr<nlohmann::json> index = ReadIndex(path);
  if (!index.ok()) return index.status();
  auto weight_map = index->find("weight_map");
  if (weight_map == index->end() || !weight_map->is_object() || weight_map->empty()) {
    return Corrupt(path, "has no weight_map");
  }
  std::set<std::string> names = {index_name};
  for (const auto& [tensor, shard] : weight_map->items()) {
    const auto* name = shard.get_ptr<const std::string*>();
    if (name == nullptr || !IsPlainName(*name)) {
      return Corrupt(path, absl::StrCat("puts the tensor ", tensor, " in ", shard.dump(),
                                        ", which is not the name of a file beside it"));
    }
    names.insert(*name);
    if (names.size() > kMaxShards) return Corrupt(path, "names too many shards");
  }
  return std::vector<std::string>(names.begin(), names.end());
}

// The digest that the file's place in a Hugging Face cache promises; empty where it promises none.
std::string PromisedDigest(const std::string& canonical_path) {
  std::filesystem::path path(canonical_path);
  std::string name = path.filename().string();
  bool is_digest = name.size() == 64 && std::all_of(name.begin(), name.end(), absl::ascii_isxdigit);
  return is_digest && path.parent_path().filename() == "blobs" ? name : "";
}

absl::StatusOr<CheckpointFile> ReadFile(const std::string& folder, const std::string& name,
                                        FileKind kind, DigestCache* digests) {
  std::string path = absl::StrCat(folder, "/", name);
  absl::StatusOr<HashedFile> hashed = digests->Hash(path);
  if (!hashed.ok()) return hashed.status();
  std::string promised = PromisedDigest(hashed->canonical_path);
  if (!promised.empty() && promised != hashed->sha256) {
    return Corrupt(hashed->canonical_path,
                   absl::StrCat("(", name, ") has the SHA-256 ", hashed->sha256,
                                ", not the one it is named by"));
  }
  return CheckpointFile{name,
                        std::move(hashed->canonical_path),
                        kind,
                        hashed->stamp.bytes,
                        std::move(hashed->sha256),
                        hashed->stamp};
}

// `files` is sorted by name.
template <typename Predicate>
std::string DigestOf(const std::vector<CheckpointFile>& files, Predicate counts) {
  std::string lines;
  for (const CheckpointFile& file : files) {
    if (counts(file)) absl::StrAppend(&lines, file.sha256, "  ", file.name, "\n");
  }
  return Sha256Of(lines);
}

}  // namespace

bool IsCheckpointFolder(const std::string& folder) { return Exists(folder, "config.json"); }

absl::StatusOr<std::vector<std::string>> WeightFileNames(const std::string& folder) {
  for (const char* stem : {"model.safetensors", "pytorch_model.bin"}) {
    std::string index = absl::StrCat(stem, ".index.json");
    if (Exists(folder, stem)) return std::vector<std::string>{stem};
    if (Exists(folder, index.c_str())) return ShardedNames(folder, index.c_str());
  }
  return MakeError(absl::StatusCode::kNotFound, "CHECKPOINT_INCOMPLETE",
                   absl::StrCat(folder,
                                " has no weights: neither model.safetensors nor "
                                "pytorch_model.bin, nor an index of either"),
                   "finish or repeat the download");
}

absl::StatusOr<ResolvedCheckpoint> ReadCheckpoint(const std::string& model,
                                                  const std::string& revision,
                                                  const std::string& commit,
                                                  const std::string& folder, DigestCache* digests) {
  absl::StatusOr<std::vector<std::string>> weights = WeightFileNames(folder);
  if (!weights.ok()) return weights.status();
  std::vector<std::pair<std::string, FileKind>> names = {{"config.json", FileKind::kConfig}};
  for (std::string& name : *weights) names.emplace_back(std::move(name), FileKind::kWeights);
  for (const char* name : kTokenizerFiles) {
    if (Exists(folder, name)) names.emplace_back(name, FileKind::kTokenizer);
  }
  std::sort(names.begin(), names.end());
  ResolvedCheckpoint checkpoint{model, revision, commit, folder, {}, "", ""};
  for (const auto& [name, kind] : names) {
    // An index may call a shard config.json; it is one file all the same.
    if (!checkpoint.files.empty() && checkpoint.files.back().name == name) continue;
    absl::StatusOr<CheckpointFile> file = ReadFile(folder, name, kind, digests);
    if (!file.ok()) return file.status();
    checkpoint.files.push_back(*std::move(file));
  }
  absl::Status saved = digests->Save();
  if (!saved.ok()) std::cerr << "ondelette: " << saved.message() << std::endl;
  checkpoint.weights_digest = DigestOf(
      checkpoint.files, [](const CheckpointFile& file) { return file.kind == FileKind::kWeights; });
  // Where there is a tokenizer.json the tokenizer is that alone (common/tokenizer/tokenizer.h).
  const bool has_json = Exists(folder, "tokenizer.json");
  checkpoint.digest = DigestOf(checkpoint.files, [has_json](const CheckpointFile& file) {
    return file.kind != FileKind::kTokenizer || !has_json || file.name == "tokenizer.json";
  });
  return checkpoint;
}

absl::Status VerifyUnchanged(const ResolvedCheckpoint& checkpoint) {
  for (const CheckpointFile& file : checkpoint.files) {
    // Through the folder, as the engine goes: a link may lead elsewhere by now.
    std::string path = absl::StrCat(checkpoint.folder, "/", file.name);
    absl::StatusOr<FileStamp> now = StampOf(path);
    // A new hard link or new permissions move changed_ns and leave the content alone.
    if (now.ok()) now->changed_ns = file.stamp.changed_ns;
    if (now.ok() && *now == file.stamp) continue;
    return MakeError(
        absl::StatusCode::kAborted, "CHECKPOINT_CHANGED",
        absl::StrCat(path, now.ok() ? " is no longer the file" : " is gone", " that was hashed"),
        "leave the files of a model alone while a sweep reads them");
  }
  return absl::OkStatus();
}

int64_t TotalBytes(const ResolvedCheckpoint& checkpoint) {
  int64_t total = 0;
  for (const CheckpointFile& file : checkpoint.files) total += file.bytes;
  return total;
}

}  // namespace ondelette
