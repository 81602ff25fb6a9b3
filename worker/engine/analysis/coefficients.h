// Wavelet coefficients of a whole matrix, collected as its rows arrive.
#ifndef ONDELETTE_WORKER_ENGINE_ANALYSIS_COEFFICIENTS_H_
#define ONDELETTE_WORKER_ENGINE_ANALYSIS_COEFFICIENTS_H_

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ondelette::engine {

// One long vector a head: all rows' cA_L row by row, then all rows' cD_L, ..., all rows' cD_1, of
// `rows` rows and `lengths` coefficients a row and level; float32, and only its first `capacity`
// numbers. A row or a coefficient beyond these bounds is dropped. Not thread-safe.
class Coefficients {
 public:
  // The whole vector's length.
  static int64_t Size(int64_t rows, const std::vector<int64_t>& lengths);

  Coefficients(int64_t heads, int64_t rows, std::vector<int64_t> lengths, int64_t capacity,
               at::Device device);

  // Rows first.. of every level, each [heads, rows, lengths[level] or more].
  void Add(int64_t first, const std::vector<at::Tensor>& levels);

  // [heads, capacity].
  const at::Tensor& vector() const { return vector_; }
  size_t levels() const { return lengths_.size(); }
  // One level as [heads, rows, lengths[level]]. Only where capacity is the whole size.
  at::Tensor Level(size_t level) const;

 private:
  int64_t rows_;
  std::vector<int64_t> lengths_;
  at::Tensor vector_;
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_ANALYSIS_COEFFICIENTS_H_
