// A team: `kSize` threads that work on one signal and share memory. What a kernel needs of it is
//
//   For(count, work)               work(i) for i = 0..count-1, by whichever threads, in any order;
//                                  all of it is done, and seen by all, when For returns
//   Reduce(count, zero, add, merge) add(part, i) for every i, into a part of each thread's own; the
//                                  parts are then merged in an order that depends on kSize alone,
//                                  merge(part, other), and every thread has the result
//
// so that a kernel is written once, runs on a GPU by blocks (device_team.h) and on a CPU by
// HostTeam, and sums in the same order there.
#ifndef ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_H_
#define ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_H_

namespace ondelette::engine {

// Threads of a GPU that step together.
inline constexpr int kWarp = 32;

// One thread that stands for all, kSize a multiple of kWarp. Stateless.
template <int size>
class HostTeam {
 public:
  static constexpr int kSize = size;

  template <typename Work>
  void For(int count, Work work) const {
    for (int i = 0; i < count; ++i) work(i);
  }

  template <typename Part, typename Add, typename Merge>
  Part Reduce(int count, Part zero, Add add, Merge merge) const {
    Part parts[size];
    for (Part& part : parts) part = zero;
    for (int i = 0; i < count; ++i) add(parts[i % size], i);
    for (int warp = 0; warp < size; warp += kWarp) {
      for (int apart = kWarp / 2; apart > 0; apart /= 2) {
        for (int at = warp; at < warp + apart; ++at) merge(parts[at], parts[at + apart]);
      }
    }
    for (int warp = kWarp; warp < size; warp += kWarp) merge(parts[0], parts[warp]);
    return parts[0];
  }
};

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_TEAMS_TEAM_H_
