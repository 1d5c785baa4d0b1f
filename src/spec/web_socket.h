#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::spec {

// What a server needs of RFC 6455 before and around a stream of frames. Who takes a client's frames
// apart is whoever has the connection in the end (the shim).

enum class WebSocketOpcode : uint8_t { kText = 1, kBinary = 2 };

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string web_socket_accept(std::string_view key);

/// The head of an unmasked frame with SIZE bytes, which follow.
std::string web_socket_head(WebSocketOpcode opcode, size_t size);

}  // namespace gantry::spec
