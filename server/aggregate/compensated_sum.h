// A float64 sum that keeps what each addition rounds away (Neumaier 1974): the total is that of
// twice the precision, rounded once, and depends on the order of its terms hardly at all.
#ifndef ONDELETTE_SERVER_AGGREGATE_COMPENSATED_SUM_H_
#define ONDELETTE_SERVER_AGGREGATE_COMPENSATED_SUM_H_

#include <cmath>

namespace ondelette::server {

// Plain data; finite terms only.
class CompensatedSum {
 public:
  void Add(double term) {
    const double total = sum_ + term;
    lost_ += std::abs(sum_) >= std::abs(term) ? (sum_ - total) + term : (term - total) + sum_;
    sum_ = total;
  }
  double Total() const { return sum_ + lost_; }

 private:
  double sum_ = 0;
  double lost_ = 0;
};

}  // namespace ondelette::server

#endif  // ONDELETTE_SERVER_AGGREGATE_COMPENSATED_SUM_H_
