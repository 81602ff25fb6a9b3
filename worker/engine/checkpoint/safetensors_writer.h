// Writes a safetensors file piece by piece: all tensors are declared first, then their bytes come
// in any order and any portions, so that files larger than memory can be made.
#ifndef ONDELETTE_WORKER_ENGINE_CHECKPOINT_SAFETENSORS_WRITER_H_
#define ONDELETTE_WORKER_ENGINE_CHECKPOINT_SAFETENSORS_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "worker/engine/checkpoint/tensor_view.h"

namespace ondelette {

struct TensorDeclaration {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape = {};
};

// Not thread-safe. The file appears under its name only when Finish() succeeds; until then it is
// PATH.partial, which the destructor removes.
class SafetensorsWriter {
 public:
  // Creates the file and writes its header. INVALID_ARGUMENT where a name repeats or a shape is
  // impossible; what the file system says where it cannot be written.
  static absl::StatusOr<std::unique_ptr<SafetensorsWriter>> Create(
      const std::string& path, const std::vector<TensorDeclaration>& tensors,
      const std::map<std::string, std::string>& metadata = {});
  ~SafetensorsWriter();
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

  // Writes bytes of a declared tensor from `offset` bytes into it. Each byte of a tensor is to be
  // written exactly once. INVALID_ARGUMENT where the tensor is not declared or the bytes end beyond
  // it; RESOURCE_EXHAUSTED where the disk is full.
  absl::Status Write(absl::string_view name, int64_t offset, std::span<const std::byte> bytes);

  // Flushes to disk and gives the file its name. FAILED_PRECONDITION naming a tensor that did not
  // get all its bytes. Nothing may be called afterwards.
  absl::Status Finish();

 private:
  struct Slot {
    int64_t begin;    // in the file
    int64_t size;     // bytes
    int64_t written;  // bytes so far
  };

  SafetensorsWriter(std::string path, int descriptor) : path_(std::move(path)), fd_(descriptor) {}
  absl::Status WriteAll(int64_t position, std::span<const std::byte> bytes);

  std::string path_;
  int fd_;
  std::map<std::string, Slot, std::less<>> slots_;
};

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_CHECKPOINT_SAFETENSORS_WRITER_H_
