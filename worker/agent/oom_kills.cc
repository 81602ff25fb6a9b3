#include "worker/agent/oom_kills.h"

#include <fstream>

namespace ondelette::agent {

std::optional<int64_t> OomKills(const std::string& vmstat) {
  std::ifstream file(vmstat);
  std::string name;
  int64_t value = 0;
  while (file >> name >> value) {
    if (name == "oom_kill") return value;
  }
  return std::nullopt;
}

}  // namespace ondelette::agent
