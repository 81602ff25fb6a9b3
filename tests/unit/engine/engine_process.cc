#include "tests/unit/engine/engine_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "absl/time/clock.h"
#include "tests/unit/checkpoint/builders.h"

namespace ondelette::testing {
namespace {

// Starts the engine with these descriptors as its standard ones; -1 keeps the test's own.
pid_t Spawn(const std::vector<std::string>& arguments, int in, int out, int err) {
  std::string program = ONDELETTE_BIN_DIR "/ondelette-engine";
  std::vector<char*> words{program.data()};
  std::vector<std::string> copy = arguments;
  for (std::string& word : copy) words.push_back(word.data());
  words.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  if (in >= 0) dup2(in, STDIN_FILENO);
  if (out >= 0) dup2(out, STDOUT_FILENO);
  if (err >= 0) dup2(err, STDERR_FILENO);
  execv(program.c_str(), words.data());
  _exit(127);
}

int ExitStatus(int wait_status) { return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1; }

}  // namespace

Outcome RunEngine(const std::vector<std::string>& arguments, const std::string& out_path) {
  const TempFolder folder;
  const std::string out_file = out_path.empty() ? folder.Path("out") : out_path;
  const int out = open(out_file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const int err = open(folder.Path("err").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const pid_t pid = Spawn(arguments, -1, out, err);
  close(out);
  close(err);
  int wait_status = 0;
  rusage usage{};
  EXPECT_EQ(wait4(pid, &wait_status, 0, &usage), pid);
  Outcome outcome;
  outcome.status = ExitStatus(wait_status);
  if (out_path.empty()) outcome.out = ReadBytes(out_file);
  outcome.err = ReadBytes(folder.Path("err"));
  outcome.peak_kib = usage.ru_maxrss;
  return outcome;
}

std::vector<std::string> Analyze(const std::string& checkpoint, const std::string& tokens_file,
                                 int tokens, const std::vector<std::string>& more) {
  std::vector<std::string> arguments{
      "analyze",      "--checkpoint", checkpoint,
      "--tokens",     tokens_file,    "--spec",
      "paper-table5", "--set",        "tokens=" + std::to_string(tokens),
      "--device",     "cpu"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::vector<nlohmann::json> Lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(nlohmann::json::parse(line, nullptr, false));
    EXPECT_FALSE(lines.back().is_discarded()) << line;
  }
  return lines;
}

std::string TokensLine(const std::string& id, int count, int seed) {
  nlohmann::json line{{"id", id}, {"tokens", nlohmann::json::array()}};
  for (int at = 0; at < count; ++at)
    line["tokens"].push_back((at * at + 7 * seed + at * seed) % 40);
  return line.dump() + "\n";
}

ServeProcess::ServeProcess() {
  signal(SIGPIPE, SIG_IGN);
  int to_engine[2], from_engine[2];
  EXPECT_EQ(pipe2(to_engine, O_CLOEXEC), 0);
  EXPECT_EQ(pipe2(from_engine, O_CLOEXEC), 0);
  pid_ = Spawn({"serve", "--device", "cpu"}, to_engine[0], from_engine[1], -1);
  close(to_engine[0]);
  close(from_engine[1]);
  in_ = to_engine[1];
  out_ = from_engine[0];
}

ServeProcess::~ServeProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (in_ >= 0) close(in_);
  close(out_);
}

void ServeProcess::Send(const nlohmann::json& header, absl::string_view payload) {
  EXPECT_TRUE(WriteFrame(in_, header, payload).ok());
}

void ServeProcess::SendBytes(const std::string& bytes) {
  EXPECT_EQ(write(in_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

Frame ServeProcess::Receive() {
  absl::StatusOr<std::optional<Frame>> frame = ReadFrame(out_, absl::Now() + absl::Minutes(1));
  if (frame.ok() && frame->has_value()) return **frame;
  ADD_FAILURE() << "no frame: " << frame.status();
  return Frame{nlohmann::json::object(), ""};
}

Frame ServeProcess::ReceiveAnswer() {
  while (true) {
    Frame frame = Receive();
    if (frame.Type() != "progress") return frame;
    ++progress;
  }
}

int ServeProcess::Finish() {
  close(in_);
  in_ = -1;
  int wait_status = 0;
  EXPECT_EQ(waitpid(pid_, &wait_status, 0), pid_);
  pid_ = -1;
  return ExitStatus(wait_status);
}

}  // namespace ondelette::testing
