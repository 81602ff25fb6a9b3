#include "worker/engine/checkpoint/json_text.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "worker/engine/checkpoint/file_errors.h"
#include "worker/engine/checkpoint/mapped_file.h"
#include "worker/engine/checkpoint/tensor_view.h"

namespace ondelette {
namespace {

using nlohmann::json;

// Watches a parse go by. nlohmann keeps the last of equal keys and nests without limit: both are
// noticed here, and nothing is kept from then on.
class Watch {
 public:
  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    if (!problem_.empty()) return false;
    if (depth > kMaxJsonDepth) {
      problem_ = absl::StrCat("nests deeper than ", kMaxJsonDepth, " levels");
    } else if (event == json::parse_event_t::object_start) {
      keys_.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys_.pop_back();
    } else if (event == json::parse_event_t::key) {
      const std::string& key = parsed.get_ref<const std::string&>();
      if (!keys_.back().insert(key).second) {
        problem_ = absl::StrCat("has the key ", Quoted(key), " twice in one object");
      }
    }
    return problem_.empty();
  }
  const std::string& problem() const { return problem_; }

 private:
  std::vector<absl::flat_hash_set<std::string>> keys_;  // of the objects that are open
  std::string problem_;
};

}  // namespace

absl::StatusOr<json> ParseJsonObject(absl::string_view text, absl::string_view file,
                                     absl::string_view what) {
  Watch watch;
  json value = json::parse(
      text.begin(), text.end(),
      [&watch](int depth, json::parse_event_t event, json& parsed) {
        return watch(depth, event, parsed);
      },
      /*allow_exceptions=*/false);
  if (!watch.problem().empty()) return CorruptFile(file, absl::StrCat(what, " ", watch.problem()));
  if (value.is_discarded()) return CorruptFile(file, absl::StrCat(what, " is not valid JSON"));
  if (!value.is_object()) return CorruptFile(file, absl::StrCat(what, " is not a JSON object"));
  return value;
}

absl::StatusOr<json> ReadJsonObject(const std::string& path, size_t max_bytes) {
  absl::StatusOr<MappedFile> file = MappedFile::Open(path);
  if (!file.ok()) return file.status();
  if (file->bytes().size() > max_bytes) {
    return CorruptFile(path, absl::StrCat("is ", file->bytes().size(),
                                          " bytes long, more than the ", max_bytes, " it may be"));
  }
  return ParseJsonObject(file->bytes(), path, "the file");
}

}  // namespace ondelette
