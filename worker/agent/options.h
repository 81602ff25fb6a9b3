// The worker's command line.
#ifndef ONDELETTE_WORKER_AGENT_OPTIONS_H_
#define ONDELETTE_WORKER_AGENT_OPTIONS_H_

#include <string>
#include <variant>
#include <vector>

namespace ondelette::agent {

struct Options {
  std::string server;               // "HOST:PORT"
  std::vector<std::string> models;  // folders
  std::string hub;                  // Hugging Face cache folder
  std::string device = "auto";
  std::string engine;  // path of ondelette-engine
  std::string cache;   // folder
  std::string metrics_listen = "127.0.0.1:7472";
  std::string port_file;
  std::string name;
  double engine_timeout_seconds = 600;
  double drain_seconds = 60;
  bool exit_with_parent = false;
};

// The options, or the status to exit with: 0 after --help and --version, 2 after a fault, whose
// message is on stderr. Defaults that come from the environment are filled in.
std::variant<Options, int> ParseOptions(int argc, char** argv);

}  // namespace ondelette::agent

#endif  // ONDELETTE_WORKER_AGENT_OPTIONS_H_
