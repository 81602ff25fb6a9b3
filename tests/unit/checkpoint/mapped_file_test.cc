#include "worker/engine/checkpoint/mapped_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace ondelette {
namespace {

constexpr size_t kBytes = 16 << 20;

// The share of the mapping whose pages are in memory, whoever reads them.
double Resident(absl::string_view bytes) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((bytes.size() + page - 1) / page);
  EXPECT_EQ(mincore(const_cast<char*>(bytes.data()), bytes.size(), pages.data()), 0);
  const auto there =
      std::count_if(pages.begin(), pages.end(), [](unsigned char at) { return (at & 1) != 0; });
  return static_cast<double>(there) / static_cast<double>(pages.size());
}

// Linux reads no more for one call than a device takes at once, 128 KiB to a few MiB: of a large
// tensor nearly nothing was on its way.
TEST(MappedFile, ReadAheadOfMoreThanADeviceTakesAtOnceReadsAllOfIt) {
  const std::string path = testing::TempDir() + "/read_ahead";
  std::ofstream(path) << std::string(kBytes, 'x');
  const int descriptor = open(path.c_str(), O_RDWR);
  ASSERT_GE(descriptor, 0);
  fdatasync(descriptor);
  posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  close(descriptor);
  auto file = MappedFile::Open(path);
  unlink(path.c_str());
  ASSERT_TRUE(file.ok()) << file.status();
  if (Resident(file->bytes()) > 0) GTEST_SKIP() << "this file system keeps its pages";
  file->ReadAhead(std::as_bytes(std::span(file->bytes().data(), file->bytes().size())));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (Resident(file->bytes()) < 1 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(Resident(file->bytes()), 1);
}

}  // namespace
}  // namespace ondelette
