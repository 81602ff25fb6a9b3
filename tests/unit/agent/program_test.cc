// The program ondelette-worker as a process: flags, metrics, signals, and what it leaves behind.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/unit/agent/scripted_coordinator.h"
#include "tests/unit/agent/worker_fixture.h"
#include "worker/agent/engine_process.h"

namespace ondelette::agent {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const char kWorker[] = ONDELETTE_BIN_DIR "/ondelette-worker";

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The state letter and the parent of a process; 'X' where there is none.
std::pair<char, pid_t> StateOf(pid_t pid) {
  const std::string stat = ReadText(absl::StrCat("/proc/", pid, "/stat"));
  const size_t end = stat.rfind(')');
  if (end == std::string::npos) return {'X', 0};
  std::istringstream rest(stat.substr(end + 1));
  char state = 'X';
  pid_t parent = 0;
  rest >> state >> parent;
  return {state, parent};
}

bool Gone(pid_t pid) {
  const char state = StateOf(pid).first;
  return state == 'X' || state == 'Z';
}

template <typename Condition>
bool Eventually(const Condition& condition) {
  const absl::Time end = absl::Now() + absl::Seconds(20);
  while (!condition()) {
    if (absl::Now() > end) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t pid = std::stoi(name);
    if (StateOf(pid).second == parent) children.push_back(pid);
  }
  return children;
}

std::string HttpGet(int port, const std::string& path) {
  const FileDescriptor connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return "";
  }
  const std::string request = absl::StrCat("GET ", path, " HTTP/1.0\r\n\r\n");
  if (write(connection.get(), request.data(), request.size()) < 0) return "";
  std::string answer;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = read(connection.get(), buffer, sizeof(buffer))) > 0) {
    answer.append(buffer, static_cast<size_t>(got));
  }
  const size_t body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "" : answer.substr(body + 4);
}

class ProgramTest : public testing::Test {
 protected:
  ~ProgramTest() override { unsetenv("ONDELETTE_TEST_BEHAVIOUR"); }

  std::vector<std::string> Arguments(const std::string& behaviour) {
    setenv("ONDELETTE_TEST_BEHAVIOUR", behaviour.c_str(), 1);
    return {kWorker,
            "--server",
            coordinator_.address(),
            "--engine",
            ONDELETTE_TEST_ENGINE,
            "--models",
            folder_ / "models",
            "--hub",
            folder_ / "hub",
            "--cache",
            folder_ / "cache",
            "--metrics-listen",
            "127.0.0.1:0",
            "--port-file",
            folder_ / "port"};
  }

  void Start(const std::string& behaviour = "well") {
    auto started = EngineProcess::Start(Arguments(behaviour));
    ASSERT_TRUE(started.ok()) << started.status();
    worker_ = *std::move(started);
  }

  int MetricsPort() {
    EXPECT_TRUE(Eventually([this] { return fs::exists(folder_ / "port"); }));
    return std::atoi(ReadText(folder_ / "port").c_str());
  }

  std::shared_ptr<Session> Greet() {
    std::shared_ptr<Session> session = coordinator_.NextSession();
    if (session == nullptr || !session->Take(Session::Kind::kHello).has_value()) return nullptr;
    session->Welcome();
    // It has seen the welcome when it asks for work.
    return session->Take(Session::Kind::kWorkRequest).has_value() ? session : nullptr;
  }

  static ProcessEnd Run(const std::vector<std::string>& arguments, std::string* errors) {
    auto process = EngineProcess::Start(arguments);
    if (!process.ok()) return {};
    ProcessEnd end = (*process)->Finish(absl::Seconds(20));
    *errors = end.last_words;
    return end;
  }

  TemporaryFolder folder_;
  ScriptedCoordinator coordinator_;
  std::unique_ptr<EngineProcess> worker_;
};

TEST_F(ProgramTest, FaultsOnTheCommandLineAreTold) {
  std::string errors;
  EXPECT_EQ(Run({kWorker}, &errors).exit_status, 2);
  EXPECT_THAT(errors, HasSubstr("--server"));
  EXPECT_EQ(Run({kWorker, "--server", "x:1", "--device", "tpu"}, &errors).exit_status, 2);
  EXPECT_THAT(errors, HasSubstr("auto, cpu or cuda:N"));
  EXPECT_EQ(Run({kWorker, "--server", "x:1", "--nonsense"}, &errors).exit_status, 2);
  EXPECT_EQ(
      Run({kWorker, "--server", "x:1", "--engine", "/nonexistent/engine"}, &errors).exit_status, 1);
  EXPECT_THAT(errors, HasSubstr("/nonexistent/engine"));
  EXPECT_EQ(Run({kWorker, "--server", "x:1", "--engine", ONDELETTE_TEST_ENGINE, "--metrics-listen",
                 "203.0.113.1:1"},
                &errors)
                .exit_status,
            1);
  EXPECT_THAT(errors, HasSubstr("203.0.113.1:1"));
  EXPECT_EQ(Run({kWorker, "--help"}, &errors).exit_status, 0);
}

TEST_F(ProgramTest, SaysHelloSoon) {
  const absl::Time start = absl::Now();
  Start();
  ASSERT_NE(Greet(), nullptr);
  EXPECT_LT(absl::Now() - start, absl::Seconds(2));
}

TEST_F(ProgramTest, MetricsAnswerWhileTheEngineHangsAndPassPromtool) {
  Start("hang");
  auto session = Greet();
  ASSERT_NE(session, nullptr);
  v1::CoordinatorMessage task;
  task.mutable_task()->set_id(1);
  task.mutable_task()->mutable_controls()->set_spec_json("{}");
  session->Send(task);
  const int port = MetricsPort();
  std::string text;
  ASSERT_TRUE(Eventually([&] {
    text = HttpGet(port, "/metrics");
    return text.find("ondelette_worker_connected 1") != std::string::npos;
  })) << text;
  for (int i = 0; i < 20; ++i) {
    const absl::Time start = absl::Now();
    EXPECT_NE(HttpGet(port, "/metrics"), "");
    EXPECT_LT(absl::Now() - start, absl::Milliseconds(100));
  }
  for (const char* series :
       {"ondelette_worker_jobs_total{outcome=\"succeeded\"} 0",
        "ondelette_worker_sequences_total 0",
        "ondelette_worker_engine_restarts_total{cause=\"hang\"} 0",
        "ondelette_worker_engine_busy_seconds_total 0", "ondelette_worker_load_seconds_count 0",
        "ondelette_worker_load_bytes_total 0", "ondelette_worker_build_info{"}) {
    EXPECT_THAT(text, HasSubstr(series));
  }
  if (access("/usr/bin/promtool", X_OK) != 0) GTEST_SKIP() << "promtool is not installed";
  WriteFile(folder_ / "metrics", text);
  std::string errors;
  const ProcessEnd checked =
      Run({"/bin/sh", "-c", absl::StrCat("promtool check metrics <", folder_ / "metrics", " >&2")},
          &errors);
  EXPECT_EQ(checked.exit_status, 0) << errors;
  EXPECT_EQ(errors, "");
}

TEST_F(ProgramTest, SigtermDrainsAndLeavesNothing) {
  Start();
  auto session = Greet();
  ASSERT_NE(session, nullptr);
  MetricsPort();
  const std::vector<pid_t> engines = ChildrenOf(worker_->pid());
  ASSERT_EQ(engines.size(), 1U);
  kill(worker_->pid(), SIGTERM);
  EXPECT_TRUE(session->Take(Session::Kind::kDraining).has_value());
  const ProcessEnd end = worker_->Finish(absl::Seconds(20));
  EXPECT_EQ(end.Text(), "ended with exit status 0");
  EXPECT_TRUE(Eventually([&] { return Gone(engines[0]); }));
  EXPECT_FALSE(fs::exists(folder_ / "port"));
}

TEST_F(ProgramTest, AKilledWorkerLeavesNoEngine) {
  Start();
  ASSERT_NE(Greet(), nullptr);
  const std::vector<pid_t> engines = ChildrenOf(worker_->pid());
  ASSERT_EQ(engines.size(), 1U);
  kill(worker_->pid(), SIGKILL);
  EXPECT_TRUE(Eventually([&] { return Gone(engines[0]); }));
}

TEST_F(ProgramTest, EndsWithItsParent) {
  std::string command;
  for (const std::string& argument : Arguments("well")) absl::StrAppend(&command, argument, " ");
  auto shell = EngineProcess::Start(
      {"/bin/sh", "-c",
       absl::StrCat(command, "--exit-with-parent & while true; do sleep 1; done")});
  ASSERT_TRUE(shell.ok());
  ASSERT_NE(Greet(), nullptr);
  pid_t worker = 0;
  for (pid_t child : ChildrenOf((*shell)->pid())) {
    if (ReadText(absl::StrCat("/proc/", child, "/comm")).rfind("ondelette-worke", 0) == 0) {
      worker = child;
    }
  }
  ASSERT_GT(worker, 0);
  const std::vector<pid_t> engines = ChildrenOf(worker);
  ASSERT_EQ(engines.size(), 1U);
  kill((*shell)->pid(), SIGKILL);
  EXPECT_TRUE(Eventually([&] { return Gone(worker); }));
  EXPECT_TRUE(Eventually([&] { return Gone(engines[0]); }));
}

}  // namespace
}  // namespace ondelette::agent
