// Makes checkpoint files byte by byte, sound or broken in one chosen place.
#ifndef ONDELETTE_TESTS_UNIT_CHECKPOINT_BUILDERS_H_
#define ONDELETTE_TESTS_UNIT_CHECKPOINT_BUILDERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace ondelette {

// A fresh folder under testing::TempDir(), removed with everything in it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string Path(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  void Write(const std::string& name, const std::string& bytes) const;

 private:
  std::string path_;
};

std::string ReadBytes(const std::string& path);

// Little-endian bytes of a number.
template <typename T>
std::string Bytes(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}
std::string Floats(const std::vector<float>& values);

// --- safetensors: any header, any data.
std::string Safetensors(const std::string& header, const std::string& data);
// One entry of a header: "name":{"dtype":...}
std::string Entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets);
// A sound file with tensor w, F32 [2, 3] = 0, 1, ... 5, and v, F32 [2] = 6, 7.
std::string SoundSafetensors();

// --- zip archives.
struct ZipPart {
  std::string name;
  std::string data = {};  // as it is to lie in the file
  uint16_t method = 0;
  uint16_t flags = 0;
  std::optional<uint32_t> crc = {};         // of data where absent
  std::optional<uint32_t> size = {};        // uncompressed; data's where absent
  std::optional<uint32_t> compressed = {};  // data's where absent
  std::optional<uint32_t> offset = {};      // of the local header, as the directory says it
  std::string local_name = {};              // name where empty
  bool zip64 = false;                       // sizes and offset in a zip64 field
};
std::string Zip(const std::vector<ZipPart>& parts, bool zip64_end = false);
std::string Deflate(const std::string& bytes);  // a raw deflate stream

// --- pickles of protocol 2.
std::string PickleOf(const std::string& value);  // header and STOP around it
std::string Str(const std::string& text);
std::string Int(int64_t value);
std::string Tuple(const std::vector<std::string>& items);
std::string Global(const std::string& module, const std::string& name);
std::string Storage(const std::string& type, const std::string& key, int64_t elements);
std::string TorchTensor(const std::string& storage, int64_t offset,
                        const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides);
std::string Dict(const std::vector<std::string>& keys_and_values);

// torch.save's archive around a pickle and the storages "0", "1", ...
std::string TorchZip(const std::string& pickle, const std::vector<std::string>& storages);
// The sound one, with the tensors of SoundSafetensors.
std::string SoundTorch();

// A config.json of a GPT-NeoX small enough for anything.
std::string SoundConfig();

// What a model does to use a checkpoint: opens it, asks for tensor w of [2, 3], widens it.
absl::Status Load(const std::string& folder);

}  // namespace ondelette

#endif  // ONDELETTE_TESTS_UNIT_CHECKPOINT_BUILDERS_H_
