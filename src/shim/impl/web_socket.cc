#include "shim/impl/web_socket.h"

#include <string.h>

namespace gantry::shim {

namespace {

constexpr unsigned char kFinal = 0x80;
constexpr unsigned char kMasked = 0x80;
constexpr unsigned char kReserved = 0x70;
constexpr unsigned char kOpcode = 0x0F;

/// Of the head whose first two bytes are HEAD: with the size and the mask.
size_t head_size(const unsigned char* head) {
    const unsigned size = head[1] & 0x7F;
    return 2 + (size == 126 ? 2U : size == 127 ? 8U : 0U) + 4;
}

}  // namespace

void write_web_socket_head(char* out, uint8_t opcode, size_t size) {
    const size_t head = web_socket_head_size(size);
    out[0] = static_cast<char>(kFinal | opcode);
    out[1] = static_cast<char>(head == 2 ? size : head == 4 ? 126 : 127);
    for (size_t i = 2; i < head; ++i) {
        out[i] = static_cast<char>(uint64_t{size} >> (8 * (head - 1 - i)));
    }
}

WebSocketInput::Piece WebSocketInput::next(char*& data, size_t& size) {
    for (;;) {
        if (!in_frame_) {
            if (!take_head(data, size)) {
                return {};
            }
            if (!begin_frame()) {
                return {.kind = Kind::kBroken};
            }
        }
        if ((head_[0] & kOpcode) >= kWebSocketClose) {
            const Piece piece = take_control(data, size);
            // What was not asked for, a pong, is of no interest.
            if (piece.kind == Kind::kNone && !in_frame_) {
                continue;
            }
            return piece;
        }
        const size_t part = size < left_ ? size : static_cast<size_t>(left_);
        const Piece piece = {Kind::kData, data, part};
        unmask(data, part);
        data += part;
        size -= part;
        left_ -= part;
        in_frame_ = left_ > 0;
        if (part > 0) {
            return piece;
        }
        if (size == 0) {
            return {};
        }
    }
}

bool WebSocketInput::take_head(char*& data, size_t& size) {
    while (size > 0 && (head_size_ < 2 || head_size_ < head_size(head_))) {
        head_[head_size_++] = static_cast<unsigned char>(*data++);
        --size;
    }
    return head_size_ >= 2 && head_size_ == head_size(head_);
}

bool WebSocketInput::begin_frame() {
    const size_t end = head_size_ - 4;
    left_ = end == 2 ? head_[1] & 0x7FU : 0;
    for (size_t i = 2; i < end; ++i) {
        left_ = left_ << 8 | head_[i];
    }
    memcpy(mask_, head_ + end, sizeof mask_);
    head_size_ = 0;
    masked_ = 0;
    control_size_ = 0;
    in_frame_ = true;
    const unsigned opcode = head_[0] & kOpcode;
    const bool control = opcode >= kWebSocketClose;
    return (head_[1] & kMasked) != 0 && (head_[0] & kReserved) == 0 && left_ >> 63 == 0 &&
           (control ? opcode <= kWebSocketPong && left_ <= kMaxControl && (head_[0] & kFinal) != 0
                    : opcode <= kWebSocketBinary);
}

WebSocketInput::Piece WebSocketInput::take_control(char*& data, size_t& size) {
    const size_t part = size < left_ ? size : static_cast<size_t>(left_);
    memcpy(control_ + control_size_, data, part);
    unmask(control_ + control_size_, part);
    control_size_ += part;
    data += part;
    size -= part;
    left_ -= part;
    if (left_ > 0) {
        return {};
    }
    in_frame_ = false;
    switch (head_[0] & kOpcode) {
        case kWebSocketClose: return {Kind::kClose, control_, control_size_};
        case kWebSocketPing: return {Kind::kPing, control_, control_size_};
        default: return {};
    }
}

void WebSocketInput::unmask(char* data, size_t size) {
    for (size_t i = 0; i < size; ++i) {
        data[i] = static_cast<char>(data[i] ^ mask_[masked_++ % 4]);
    }
}

}  // namespace gantry::shim
