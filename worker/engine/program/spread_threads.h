// Threads on processors of their own while they work together.
#ifndef ONDELETTE_WORKER_ENGINE_PROGRAM_SPREAD_THREADS_H_
#define ONDELETTE_WORKER_ENGINE_PROGRAM_SPREAD_THREADS_H_

namespace ondelette::engine {

// While it lives, the threads that share this thread's parallel work stay off each other's
// processors; where there are more processors than threads, they move among the others as ever. After
// a pause Linux may wake two of them on one processor and, because they wait for each other in turn,
// leave them there: on 2 processors a sequence of 112 tokens half a second after the one before it
// took 34 ms instead of 15. Does nothing for one thread, or for more threads than processors.
// Threads that are made meanwhile begin with RoamFreely.
class SpreadThreads {
 public:
  SpreadThreads();
  ~SpreadThreads();
  SpreadThreads(const SpreadThreads&) = delete;
  SpreadThreads& operator=(const SpreadThreads&) = delete;

 private:
  bool spread_ = false;
};

// Lets this thread run wherever the process could when it started.
void RoamFreely();

}  // namespace ondelette::engine

#endif  // ONDELETTE_WORKER_ENGINE_PROGRAM_SPREAD_THREADS_H_
