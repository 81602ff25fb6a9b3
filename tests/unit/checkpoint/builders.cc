#include "tests/unit/checkpoint/builders.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "worker/engine/checkpoint/checkpoint.h"
#include "worker/engine/checkpoint/widen.h"

namespace ondelette {

TempFolder::TempFolder() : path_(testing::TempDir() + "/checkpoint_XXXXXX") {
  EXPECT_NE(mkdtemp(path_.data()), nullptr);
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TempFolder::Write(const std::string& name, const std::string& bytes) const {
  // A new file each time: some file systems flush one that is cut to nothing and written again.
  std::filesystem::remove(Path(name));
  std::ofstream(Path(name), std::ios::binary) << bytes;
}

std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string Floats(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

std::string Safetensors(const std::string& header, const std::string& data) {
  return Bytes<uint64_t>(header.size()) + header + data;
}

std::string Entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

std::string SoundSafetensors() {
  return Safetensors("{\"__metadata__\":{\"format\":\"pt\"}," +
                         Entry("w", "F32", "[2,3]", "[0,24]") + "," +
                         Entry("v", "F32", "[2]", "[24,32]") + "}",
                     Floats({0, 1, 2, 3, 4, 5, 6, 7}));
}

namespace {

uint32_t Crc(const std::string& bytes) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

// The fields that local and central headers share, from flags to sizes.
std::string SharedFields(const ZipPart& part, uint32_t size, uint32_t compressed) {
  return Bytes<uint16_t>(part.flags) + Bytes<uint16_t>(part.method) + Bytes<uint32_t>(0) +
         Bytes<uint32_t>(part.crc.value_or(Crc(part.data))) + Bytes<uint32_t>(compressed) +
         Bytes<uint32_t>(size);
}

}  // namespace

std::string Zip(const std::vector<ZipPart>& parts, bool zip64_end) {
  std::string file;
  std::string directory;
  for (const ZipPart& part : parts) {
    uint32_t size = part.size.value_or(static_cast<uint32_t>(part.data.size()));
    uint32_t compressed = part.compressed.value_or(static_cast<uint32_t>(part.data.size()));
    uint32_t offset = part.offset.value_or(static_cast<uint32_t>(file.size()));
    std::string local = part.local_name.empty() ? part.name : part.local_name;
    file += "PK\x03\x04" + Bytes<uint16_t>(0) + SharedFields(part, size, compressed) +
            Bytes<uint16_t>(static_cast<uint16_t>(local.size())) + Bytes<uint16_t>(0) + local +
            part.data;
    std::string extra;
    if (part.zip64) {
      extra = Bytes<uint16_t>(1) + Bytes<uint16_t>(24) + Bytes<uint64_t>(size) +
              Bytes<uint64_t>(compressed) + Bytes<uint64_t>(offset);
      size = compressed = offset = 0xFFFFFFFF;
    }
    directory += "PK\x01\x02" + Bytes<uint32_t>(0) + SharedFields(part, size, compressed) +
                 Bytes<uint16_t>(static_cast<uint16_t>(part.name.size())) +
                 Bytes<uint16_t>(static_cast<uint16_t>(extra.size())) + std::string(10, '\0') +
                 Bytes<uint32_t>(offset) + part.name + extra;
  }
  uint64_t begin = file.size();
  uint64_t count = parts.size();
  file += directory;
  if (zip64_end) {
    uint64_t end = file.size();
    file += "PK\x06\x06" + Bytes<uint64_t>(44) + std::string(12, '\0') + Bytes(count) +
            Bytes(count) + Bytes<uint64_t>(directory.size()) + Bytes(begin);
    file += "PK\x06\x07" + Bytes<uint32_t>(0) + Bytes(end) + Bytes<uint32_t>(1);
    begin = 0xFFFFFFFF;
  }
  return file + "PK\x05\x06" + Bytes<uint32_t>(0) + Bytes(static_cast<uint16_t>(count)) +
         Bytes(static_cast<uint16_t>(count)) + Bytes(static_cast<uint32_t>(directory.size())) +
         Bytes(static_cast<uint32_t>(begin)) + Bytes<uint16_t>(0);
}

std::string Deflate(const std::string& bytes) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string PickleOf(const std::string& value) { return "\x80\x02" + value + "."; }

std::string Str(const std::string& text) {
  return "X" + Bytes(static_cast<uint32_t>(text.size())) + text;
}

std::string Int(int64_t value) { return "\x8a\x08" + Bytes(value); }

std::string Tuple(const std::vector<std::string>& items) {
  std::string all = "(";
  for (const std::string& item : items) all += item;
  return all + "t";
}

std::string Global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}

std::string Storage(const std::string& type, const std::string& key, int64_t elements) {
  return Tuple({Str("storage"), Global("torch", type), Str(key), Str("cpu"), Int(elements)}) + "Q";
}

std::string TorchTensor(const std::string& storage, int64_t offset,
                        const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides) {
  auto ints = [](const std::vector<int64_t>& values) {
    std::vector<std::string> items(values.size());
    std::transform(values.begin(), values.end(), items.begin(), Int);
    return Tuple(items);
  };
  return Global("torch._utils", "_rebuild_tensor_v2") +
         Tuple({storage, Int(offset), ints(sizes), ints(strides), "\x89",
                Global("collections", "OrderedDict") + ")R"}) +
         "R";
}

std::string Dict(const std::vector<std::string>& keys_and_values) {
  std::string all = "}(";
  for (const std::string& item : keys_and_values) all += item;
  return all + "u";
}

std::string TorchZip(const std::string& pickle, const std::vector<std::string>& storages) {
  std::vector<ZipPart> parts{{.name = "archive/data.pkl", .data = pickle},
                             {.name = "archive/byteorder", .data = "little"}};
  for (size_t i = 0; i < storages.size(); ++i) {
    parts.push_back({.name = "archive/data/" + std::to_string(i), .data = storages[i]});
  }
  return Zip(parts);
}

std::string SoundTorch() {
  return TorchZip(
      PickleOf(Dict({Str("w"), TorchTensor(Storage("FloatStorage", "0", 6), 0, {2, 3}, {3, 1}),
                     Str("v"), TorchTensor(Storage("FloatStorage", "1", 2), 0, {2}, {1})})),
      {Floats({0, 1, 2, 3, 4, 5}), Floats({6, 7})});
}

std::string SoundConfig() {
  return R"({"architectures": ["GPTNeoXForCausalLM"], "model_type": "gpt_neox", "hidden_size": 8,
             "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 32,
             "vocab_size": 16, "max_position_embeddings": 64, "rotary_pct": 0.5})";
}

absl::Status Load(const std::string& folder) {
  absl::StatusOr<Checkpoint> checkpoint = Checkpoint::Open(folder);
  if (!checkpoint.ok()) return checkpoint.status();
  absl::StatusOr<TensorView> view = checkpoint->Tensor("w", {2, 3});
  if (!view.ok()) return view.status();
  std::vector<float> values(6);
  return WidenToFloat(*view, values);
}

}  // namespace ondelette
