#pragma once

#include <cstddef>
#include <cstdint>

namespace gantry::shim {

// The server's side of RFC 6455, as far as one stream needs it. The daemon has shaken hands.

inline constexpr uint8_t kWebSocketText = 1;
inline constexpr uint8_t kWebSocketBinary = 2;
inline constexpr uint8_t kWebSocketClose = 8;
inline constexpr uint8_t kWebSocketPing = 9;
inline constexpr uint8_t kWebSocketPong = 10;

/// What a control frame carries at most.
inline constexpr size_t kMaxControl = 125;
/// The longest head of a frame without mask.
inline constexpr size_t kMaxWebSocketHead = 10;

/// The bytes that the head of a frame of SIZE bytes takes.
constexpr size_t web_socket_head_size(size_t size) {
    return size < 126 ? 2 : size < 65536 ? 4 : 10;
}
/// Writes it to OUT.
void write_web_socket_head(char* out, uint8_t opcode, size_t size);

/// Takes a client's frames apart as their bytes arrive, in pieces of any size.
class WebSocketInput {
public:
    enum class Kind {
        /// All bytes are used up.
        kNone,
        /// Of a text or binary frame, which of them is not told.
        kData,
        /// Whole.
        kPing,
        kClose,
        /// No client that is right sends this.
        kBroken,
    };
    struct Piece {
        Kind kind = Kind::kNone;
        char* data = nullptr;
        size_t size = 0;
    };

    /// Takes the next piece off the front of the SIZE bytes at DATA, which it may change. The piece
    /// points into them, or into this object until the next call.
    Piece next(char*& data, size_t& size);

private:
    bool take_head(char*& data, size_t& size);
    bool begin_frame();
    Piece take_control(char*& data, size_t& size);
    void unmask(char* data, size_t size);

    unsigned char head_[14] = {};
    size_t head_size_ = 0;
    bool in_frame_ = false;
    uint64_t left_ = 0;
    uint32_t masked_ = 0;
    unsigned char mask_[4] = {};
    char control_[kMaxControl] = {};
    size_t control_size_ = 0;
};

}  // namespace gantry::shim
