#include "worker/hub/prefetch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/hub/test_folder.h"
#include "worker/hub/checkpoint_files.h"

namespace ondelette {
namespace {

constexpr size_t kBytes = size_t{16} << 20;

// Pages of a file that are in memory.
size_t ResidentPages(const std::string& path) {
  int file = open(path.c_str(), O_RDONLY);
  void* mapped = mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, file, 0);
  std::vector<unsigned char> pages(kBytes / 4096);
  EXPECT_EQ(mincore(mapped, kBytes, pages.data()), 0);
  munmap(mapped, kBytes);
  close(file);
  return static_cast<size_t>(std::count_if(pages.begin(), pages.end(),
                                           [](unsigned char page) { return (page & 1) != 0; }));
}

void Evict(const std::string& path) {
  int file = open(path.c_str(), O_RDONLY);
  fsync(file);
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  close(file);
}

TEST(PrefetchTest, BringsTheWeightsIntoMemory) {
  TestFolder folder;
  folder.WriteCheckpoint(".", std::string(kBytes, 'w'));
  DigestCache digests("");
  ResolvedCheckpoint checkpoint = *ReadCheckpoint("m", "main", "", folder.path(), &digests);
  Evict(folder / "model.safetensors");
  std::atomic<bool> stop{false};
  absl::StatusOr<int64_t> bytes = Prefetch(checkpoint, stop);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(*bytes, static_cast<int64_t>(kBytes));
  EXPECT_EQ(ResidentPages(folder / "model.safetensors"), kBytes / 4096);

  stop = true;
  EXPECT_EQ(Prefetch(checkpoint, stop).status().code(), absl::StatusCode::kCancelled);
  stop = false;
  std::filesystem::remove(folder / "model.safetensors");
  absl::Status status = Prefetch(checkpoint, stop).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(folder / "model.safetensors"));
}

}  // namespace
}  // namespace ondelette
