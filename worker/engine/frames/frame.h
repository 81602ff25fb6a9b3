// Frames: what the agent and its engine say to each other over two pipes (the engine's stdin and
// stdout).
//
// A frame on the wire, all integers little-endian:
//   u32 magic "ODF1" | u32 header bytes | u32 payload bytes | header | payload
// The header is one JSON object; its field "type" says what the frame is. The payload is raw
// numbers.
//
//   agent -> engine
//     load     {checkpoint: folder, digest: text, spec: object, device: "cpu" | "cuda:N" | "auto"}
//              Replaces whatever is loaded. Of the spec what ModelVariant tells counts: it serves
//              `analyze` frames of the same variant. Answered by `loaded` or `failed`.
//     prepare  {the fields of load}: that is what will be asked for next. May come at any time, and
//              is read within a layer while an analysis is under way. The engine loads it beside
//              its work, where there is memory for both. Not answered: the `load` of the same
//              digest finds it done, or does it and says what is wrong. Digests are only compared.
//     analyze  {job: key, spec: object, sequences: [{sequence: index, tokens: count}, ...]}
//              payload: the token ids of all sequences one after the other, int32. Answered by
//              `records` frames in the order of the sequences, `skipped` frames for those that
//              cannot be measured, `progress` at least once a layer, and at the end `done` or
//              `failed`.
//     controls {spec: object}
//              The analytic patterns (uniform-causal, uniform, sink, identity, previous) through
//              the analyzer; needs no checkpoint. Answered by `controls` or `failed`.
//   engine -> agent
//     hello    {version, device, blas, libtorch, threads, memory_bytes}: once, at start
//     loaded   {layers, heads, architecture, bytes, prepared: bool, seconds}
//     progress {job, sequences_done, layers_done}: also the sign of life during a load
//     records  {job, sequence: index, layers, heads, columns}
//              payload: float32 [layers, heads, columns], NaN where undefined; columns as
//              Columns(spec) lists them
//     skipped  {job, sequence: index, reason}
//     done     {job, seconds}
//     controls {patterns: [name, ...], columns}
//              payload: float32 [patterns, columns], NaN where undefined
//     failed   {job (if any), code: absl status code, reason, message, remedy}
//
// End of file on stdin ends the engine with exit status 0. The engine's stderr is its log, for
// people.
#ifndef ONDELETTE_WORKER_ENGINE_FRAMES_FRAME_H_
#define ONDELETTE_WORKER_ENGINE_FRAMES_FRAME_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace ondelette {

inline constexpr uint32_t kFrameMagic = 0x3146444f;  // "ODF1"
inline constexpr uint32_t kLargestHeader = 16u << 20;
inline constexpr uint32_t kLargestPayload = 256u << 20;

struct Frame {
  nlohmann::json header;
  std::string payload;

  // header["type"], or "" where there is none.
  std::string Type() const;
};

// Reads one frame, blocking until `deadline`. An empty optional is a clean end of file between
// frames. DEADLINE_EXCEEDED when nothing complete came in time; DATA_LOSS when what came is not a
// frame, or the file ended within one (the peer died): the pipe is useless afterwards.
absl::StatusOr<std::optional<Frame>> ReadFrame(int fd,
                                               absl::Time deadline = absl::InfiniteFuture());

// Writes one frame whole. ABORTED when the peer is gone (callers ignore SIGPIPE), INVALID_ARGUMENT
// when it is too large. One writer at a time.
absl::Status WriteFrame(int fd, const nlohmann::json& header, absl::string_view payload = "");

// A status as the fields of a `failed` frame, and back.
nlohmann::json StatusToHeader(const absl::Status& status);
absl::Status StatusFromHeader(const nlohmann::json& header);

}  // namespace ondelette

#endif  // ONDELETTE_WORKER_ENGINE_FRAMES_FRAME_H_
