#pragma once

#include <string_view>

#include "api/call.h"
#include "engine/container/attach.h"

namespace gantry::api {

inline constexpr std::string_view kRawStream = "application/vnd.docker.raw-stream";
inline constexpr std::string_view kMultiplexedStream = "application/vnd.docker.multiplexed-stream";

/// Of a log or an upgraded connection (behaviours C2).
inline std::string_view stream_type(bool tty, ApiVersion version) {
    return tty || version < ApiVersion{1, 42} ? kRawStream : kMultiplexedStream;
}

/// kInvalid unless the request asks for a web socket that we speak; the answer's headers otherwise.
Result<io::Headers> accept_web_socket(const io::Request& request);

/// Answers with 101 and HEADERS and connects the client's socket to TICKET's stream.
Result<> hijack_for(Call& call, engine::StreamTicket& ticket, const io::Headers& headers);

/// Answers with 101 or 200 (C1) and connects the client's socket to TICKET's stream.
Result<> hijack_for(Call& call, engine::StreamTicket& ticket);

}  // namespace gantry::api
