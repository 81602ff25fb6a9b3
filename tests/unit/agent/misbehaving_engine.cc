// An engine that speaks real frames and does what it is told to, most of it wrong: the supervisor's
// and the work loop's counterpart in tests. The behaviour is ONDELETTE_TEST_BEHAVIOUR, or the
// --device it is given. With ONDELETTE_TEST_ONCE naming a file that does not exist, it is made and
// the behaviour holds for this process only; later ones are "well".
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/spec/columns.h"
#include "common/spec/spec.h"
#include "worker/engine/frames/frame.h"

namespace ondelette {
namespace {

using nlohmann::json;

constexpr size_t kLayers = 2;
constexpr size_t kHeads = 3;

std::string behaviour;
std::string prepared_digest;  // of the last `prepare` frame

bool Is(absl::string_view name) { return behaviour == name; }

void Send(const json& header, absl::string_view payload = "") {
  if (!WriteFrame(STDOUT_FILENO, header, payload).ok()) _exit(1);
}

void SendRaw(const std::string& bytes) {
  if (write(STDOUT_FILENO, bytes.data(), bytes.size()) < 0) _exit(1);
}

[[noreturn]] void Hang() {
  while (true) absl::SleepFor(absl::Seconds(1));
}

// What can go wrong at any request.
void Misbehave() {
  if (Is("crash")) {
    std::fputs("about to crash\n", stderr);
    std::abort();
  }
  if (Is("killed")) kill(getpid(), SIGKILL);
  if (Is("exit")) {
    std::fputs("out of ideas\n", stderr);
    _exit(3);
  }
  if (Is("hang")) Hang();
  if (Is("garbage")) SendRaw("this is a log line, not a frame\n");
  if (Is("huge-frame")) SendRaw(std::string("ODF1\x10\0\0\0\xff\xff\xff\xff", 12));
  if (Is("end-mid-frame")) {
    SendRaw(std::string("ODF1\x10\0\0\0\0\0\0\0{\"ty", 16));
    _exit(0);
  }
  if (Is("close-output")) {
    close(STDOUT_FILENO);
    Hang();
  }
}

void Analyze(const Frame& frame) {
  const Spec spec = *ParseSpec(frame.header["spec"].dump());
  const size_t columns = Columns(spec).size();
  const json job = frame.header["job"];
  int64_t done = 0;
  const char* tokens = frame.payload.data();
  for (const json& sequence : frame.header["sequences"]) {
    if (Is("slow")) absl::SleepFor(absl::Milliseconds(100));
    Send({{"type", "progress"}, {"job", job}, {"sequences_done", done}, {"layers_done", 1}});
    int32_t first_token = 0;
    std::copy(tokens, tokens + sizeof(first_token), reinterpret_cast<char*>(&first_token));
    tokens += sequence["tokens"].get<size_t>() * sizeof(int32_t);
    json index = sequence["sequence"];
    if (Is("wrong-order")) index = 12345;
    if (Is("skip")) {
      Send({{"type", "skipped"}, {"job", job}, {"sequence", index}, {"reason", "token 7"}});
      continue;
    }
    const size_t sent = Is("wrong-columns") ? columns + 1 : columns;
    // A record tells the sequence it was made of.
    std::vector<float> record(kLayers * kHeads * sent, static_cast<float>(first_token));
    Send({{"type", "records"},
          {"job", job},
          {"sequence", index},
          {"layers", kLayers},
          {"heads", kHeads},
          {"columns", sent}},
         {reinterpret_cast<const char*>(record.data()), record.size() * sizeof(float)});
    ++done;
    if (Is("done-early")) break;
  }
  Send({{"type", "done"}, {"job", job}, {"seconds", 0.25}});
}

void Answer(const Frame& frame) {
  const std::string type = frame.Type();
  if (type == "prepare") {
    prepared_digest = frame.header["digest"].get<std::string>();
    return;
  }
  if (type == "load") {
    std::fprintf(stderr, "load %s\n", frame.header["checkpoint"].get<std::string>().c_str());
    if (Is("crash-on-load")) std::abort();
    Send({{"type", "progress"}});
    Send({{"type", "loaded"},
          {"layers", Is("no-layers") ? size_t{0} : kLayers},
          {"heads", kHeads},
          {"architecture", frame.header["digest"] == prepared_digest ? "prepared" : "test"},
          {"bytes", 1000},
          {"seconds", 0.5}});
    return;
  }
  Misbehave();
  if (Is("fail") || Is("internal")) {
    const auto code = Is("fail") ? absl::StatusCode::kDataLoss : absl::StatusCode::kInternal;
    json header = StatusToHeader(absl::Status(code, "tensor w of model.safetensors is short"));
    header["reason"] = Is("fail") ? "CHECKPOINT_CORRUPT" : "ENGINE_FAULT";
    return Send(header);
  }
  if (type == "analyze") return Analyze(frame);
  const std::vector<float> values(2 * Columns(*ParseSpec(frame.header["spec"].dump())).size(), 1);
  Send({{"type", "controls"}, {"patterns", {"uniform", "sink"}}},
       {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
}

void ChooseBehaviour(int argc, char** argv) {
  const char* name = std::getenv("ONDELETTE_TEST_BEHAVIOUR");
  if (name == nullptr && argc > 3) name = argv[3];  // serve --device NAME
  behaviour = name == nullptr ? "well" : name;
  if (const char* once = std::getenv("ONDELETTE_TEST_ONCE")) {
    if (open(once, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600) < 0) behaviour = "well";
  }
}

int Serve() {
  if (Is("die-at-start")) {
    std::fputs("no such device\n", stderr);
    return 4;
  }
  if (Is("silent-start")) Hang();
  Send({{"type", "hello"},
        {"version", "9.9"},
        {"device", "test device"},
        {"memory_bytes", 1 << 30}});
  if (Is("deaf")) Hang();
  if (Is("die-idle")) return 5;
  while (true) {
    auto frame = ReadFrame(STDIN_FILENO);
    if (!frame.ok()) return 1;
    if (!frame->has_value()) return 0;
    Answer(**frame);
  }
}

}  // namespace
}  // namespace ondelette

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  ondelette::ChooseBehaviour(argc, argv);
  return ondelette::Serve();
}
