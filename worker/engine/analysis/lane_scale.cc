#include "worker/engine/analysis/lane_scale.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "worker/engine/analysis/constants.h"
#include "worker/engine/lanes/kernels.h"

namespace ondelette::engine {
namespace {

// Coefficients by level, cA_L first, and where they begin in a block's.
struct Levels {
  explicit Levels(const WaveletTable& table) {
    int64_t at = table.coefficients - table.steps.back().half;
    counts.push_back(table.steps.back().half);
    begins.push_back(at);
    for (auto step = table.steps.rbegin(); step != table.steps.rend(); ++step) {
      at -= step->half;
      counts.push_back(step->half);
      begins.push_back(at);
    }
  }
  std::vector<int64_t> counts, begins;
};

const float* Transform(const WaveletTable& table, const LaneSignals& signals, bool detrended) {
  thread_local LaneBuffer scratch;
  float mean[kLaneCount] = {};
  if (detrended) signals.Mean(mean);
  return Kernels().transform_wavelets(table, signals.x, signals.scale, mean,
                                      detrended ? table.length : signals.end_seen,
                                      scratch.AtLeast(WaveletScratch(table)));
}

bool AnyFilled(const LaneSignals& signals) {
  return std::any_of(signals.filled, signals.filled + kLaneCount,
                     [](float filled) { return filled != 0; });
}

// All rows' cA_L row by row, then all rows' cD_L, ..., cD_1, as far as there is room.
class LongVector {
 public:
  // A matrix has as many rows as keys.
  explicit LongVector(const WaveletTable& table) : levels_(table), rows_(table.length) {}

  int64_t Size() const {
    int64_t size = 0;
    for (int64_t count : levels_.counts) size += rows_ * count;
    return size;
  }
  // Keeps the first `length` numbers. All of them are there once every row is.
  void Cut(int64_t length) { length_ = length; }

  void Add(const LaneSignals& signals, const float* coefficients) {
    int64_t first_lane = 0, end_lane = kLaneCount;
    while (first_lane < kLaneCount && signals.present[first_lane] == 0) ++first_lane;
    while (end_lane > first_lane && signals.present[end_lane - 1] == 0) --end_lane;
    const int64_t row = signals.first + first_lane;
    end_lane = std::min(end_lane, first_lane + rows_ - row);
    if (end_lane <= first_lane) return;
    filled_ = filled_ || AnyFilled(signals);
    float* numbers = numbers_.AtLeast(length_);
    int64_t begin = 0;  // of the level
    for (size_t level = 0; level < levels_.counts.size(); ++level) {
      const int64_t count = levels_.counts[level];
      const int64_t at = begin + row * count;
      const int64_t room = length_ - at;
      if (room <= 0) return;
      Kernels().store_rows(coefficients + levels_.begins[level] * kLaneCount, count, first_lane,
                           end_lane, numbers + at, room);
      begin += rows_ * count;
    }
  }

  const float* numbers() { return numbers_.AtLeast(length_); }
  int64_t length() const { return length_; }
  bool filled() const { return filled_; }

 private:
  Levels levels_;
  int64_t rows_;
  LaneBuffer numbers_;
  int64_t length_ = 0;
  bool filled_ = false;  // some row is not empty
};

// u from the whole matrix, v from the shortened one, both cut to the shorter's length:
// 1 - u.v / (|u||v| + 1e-10).
class ConcatTruncate : public LaneScale {
 public:
  explicit ConcatTruncate(const LanePlan& plan) : plan_(plan), whole_(plan.wavelet) {
    int64_t reach = 0;
    for (size_t alpha = 0; alpha < plan.shortened.size(); ++alpha) {
      LongVector& vector = shortened_.emplace_back(plan.shortened[alpha]);
      const int64_t length = std::min(vector.Size(), whole_.Size());
      vector.Cut(length);
      reach = std::max(reach, length);
    }
    whole_.Cut(reach);
  }

  void AddWhole(const LaneSignals& signals, const float* coefficients) override {
    whole_.Add(signals, coefficients);
  }

  void AddShortened(size_t alpha, const LaneSignals& signals) override {
    shortened_[alpha].Add(signals, Transform(plan_.shortened[alpha], signals, false));
  }

  double Finish(size_t alpha) override {
    LongVector& v = shortened_[alpha];
    if (!whole_.filled() || !v.filled()) return kUndefined;
    const Products products = Kernels().multiply_vectors(whole_.numbers(), v.numbers(), v.length());
    return 1 - products.uv / (std::sqrt(products.uu * products.vv) + kGuard);
  }

 private:
  const LanePlan& plan_;
  LongVector whole_;
  std::vector<LongVector> shortened_;
};

// Rows i < m less their means; 1 - the mean over rows that are empty in neither matrix, and levels,
// of the cosine between their coefficients, cut to the shorter. A matrix read off the whole one is
// compared at once; others are kept until both are there.
class LevelCosine : public LaneScale {
 public:
  explicit LevelCosine(const LanePlan& plan)
      : plan_(plan), shortened_(plan.shortened.size()), sums_(plan.shortened.size()) {
    for (const WaveletTable& table : plan.shortened) longest_ = std::max(longest_, table.length);
  }

  void AddWhole(const LaneSignals& signals, const float* /*coefficients*/) override {
    if (signals.first >= longest_) return;
    if (!plan_.needs_shortened) whole_.clear();
    whole_.emplace_back(plan_.wavelet, signals);
  }

  void AddShortened(size_t alpha, const LaneSignals& signals) override {
    Block block(plan_.shortened[alpha], signals);
    if (plan_.needs_shortened) {
      shortened_[alpha].push_back(std::move(block));
    } else {
      Compare(whole_.back(), block, alpha);
    }
  }

  double Finish(size_t alpha) override {
    for (size_t at = 0; at < shortened_[alpha].size(); ++at) {
      Compare(whole_[at], shortened_[alpha][at], alpha);
    }
    const auto levels = static_cast<double>(plan_.spec.level + 1);
    const Sums& sums = sums_[alpha];
    return 1 -
           std::accumulate(sums.cosines, sums.cosines + kLaneCount, 0.0) / (sums.count * levels);
  }

 private:
  struct Block {
    Block(const WaveletTable& table, const LaneSignals& signals) {
      const float* detrended = Transform(table, signals, true);
      const int64_t numbers = table.coefficients * kLaneCount;
      coefficients = buffer.AtLeast(numbers);
      std::copy_n(detrended, numbers, coefficients);
      std::copy_n(signals.filled, kLaneCount, filled);
    }
    LaneBuffer buffer;
    float* coefficients;
    float filled[kLaneCount];
  };
  struct Sums {
    double cosines[kLaneCount] = {};
    double count = 0;
  };

  void Compare(const Block& whole, const Block& shortened, size_t alpha) {
    float both[kLaneCount];
    for (int64_t lane = 0; lane < kLaneCount; ++lane) {
      both[lane] = whole.filled[lane] * shortened.filled[lane];
      sums_[alpha].count += both[lane];
    }
    Kernels().add_cosines(plan_.wavelet, whole.coefficients, plan_.shortened[alpha],
                          shortened.coefficients, both, sums_[alpha].cosines);
  }

  const LanePlan& plan_;
  int64_t longest_ = 0;  // rows of the longest shortened matrix
  std::vector<Block> whole_;
  std::vector<std::vector<Block>> shortened_;  // by alpha
  std::vector<Sums> sums_;
};

// Half the L1 distance between the two mean profiles of wavelet energy.
class ProfileDistance : public LaneScale {
 public:
  explicit ProfileDistance(const LanePlan& plan)
      : plan_(plan), whole_(plan), shortened_(plan.shortened.size(), Profile(plan)) {}

  void AddWhole(const LaneSignals& signals, const float* coefficients) override {
    whole_.Add(plan_.wavelet, signals, coefficients);
  }

  void AddShortened(size_t alpha, const LaneSignals& signals) override {
    const WaveletTable& table = plan_.shortened[alpha];
    shortened_[alpha].Add(table, signals, Transform(table, signals, false));
  }

  double Finish(size_t alpha) override {
    double distance = 0;
    for (int level = 0; level <= plan_.spec.level; ++level) {
      distance += std::abs(whole_.Mean(level) - shortened_[alpha].Mean(level));
    }
    return distance / 2;
  }

 private:
  class Profile {
   public:
    explicit Profile(const LanePlan& plan)
        : sums_(static_cast<size_t>(plan.spec.level + 1) * kLaneCount) {}

    void Add(const WaveletTable& table, const LaneSignals& signals, const float* coefficients) {
      Kernels().add_wavelet_figures(table, coefficients, signals.filled, signals.end_seen, true,
                                    sums_.data(), nullptr);
      filled_ += std::accumulate(signals.filled, signals.filled + kLaneCount, 0.0);
    }
    // NaN without any signal.
    double Mean(int level) const {
      auto begin = sums_.begin() + level * kLaneCount;
      return std::accumulate(begin, begin + kLaneCount, 0.0) / filled_;
    }

   private:
    std::vector<double> sums_;  // [levels][kLaneCount]
    double filled_ = 0;
  };

  const LanePlan& plan_;
  Profile whole_;
  std::vector<Profile> shortened_;
};

}  // namespace

std::unique_ptr<LaneScale> MakeLaneScale(const LanePlan& plan) {
  switch (plan.spec.scale_compare) {
    case ScaleCompare::kConcatTruncate:
      return std::make_unique<ConcatTruncate>(plan);
    case ScaleCompare::kLevelCosine:
      return std::make_unique<LevelCosine>(plan);
    case ScaleCompare::kProfileDistance:
      break;
  }
  return std::make_unique<ProfileDistance>(plan);
}

}  // namespace ondelette::engine
