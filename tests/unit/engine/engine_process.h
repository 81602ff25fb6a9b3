// The real ondelette-engine as a child process.
#ifndef ONDELETTE_TESTS_UNIT_ENGINE_ENGINE_PROCESS_H_
#define ONDELETTE_TESTS_UNIT_ENGINE_ENGINE_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/engine/frames/frame.h"

namespace ondelette::testing {

struct Outcome {
  int status = -1;  // the exit status, or -1 where a signal ended it
  std::string out;
  std::string err;
  int64_t peak_kib = 0;  // largest resident memory
};

// Runs `ondelette-engine ARGUMENTS` to its end. Its standard output goes to the file `out_path`
// where one is given.
Outcome RunEngine(const std::vector<std::string>& arguments, const std::string& out_path = "");

// The arguments of `analyze` with spec paper-table5 of `tokens` tokens on the CPU, and more.
std::vector<std::string> Analyze(const std::string& checkpoint, const std::string& tokens_file,
                                 int tokens, const std::vector<std::string>& more = {});

// Lines of JSON.
std::vector<nlohmann::json> Lines(const std::string& text);

// A line for a tokens file: `count` ids below 40.
std::string TokensLine(const std::string& id, int count, int seed = 1);

// `ondelette-engine serve --device cpu` with its pipes. Ended with the object if it still runs.
class ServeProcess {
 public:
  ServeProcess();
  ~ServeProcess();
  ServeProcess(const ServeProcess&) = delete;
  ServeProcess& operator=(const ServeProcess&) = delete;

  void Send(const nlohmann::json& header, absl::string_view payload = "");
  void SendBytes(const std::string& bytes);
  // The next frame; a test failure and an empty one where none comes within a minute.
  Frame Receive();
  // The next frame that is not `progress`; counts those into `progress`.
  Frame ReceiveAnswer();
  int progress = 0;
  // Closes its input and waits. The exit status, or -1.
  int Finish();

 private:
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1;
};

}  // namespace ondelette::testing

#endif  // ONDELETTE_TESTS_UNIT_ENGINE_ENGINE_PROCESS_H_
