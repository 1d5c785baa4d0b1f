#include "shim/impl/web_socket.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace gantry::shim {
namespace {

using Kind = WebSocketInput::Kind;
using Pieces = std::vector<std::pair<Kind, std::string>>;

/// A client's frame. FIRST is the first byte: the opcode, and 0x80 in the last frame of a message.
std::string frame(int first, const std::string& payload) {
    const char mask[] = {'\x11', '\x22', '\x33', '\xF4'};
    std::string out(kMaxWebSocketHead, '\0');
    write_web_socket_head(out.data(), 0, payload.size());
    out.resize(web_socket_head_size(payload.size()));
    out[0] = static_cast<char>(first);
    out[1] = static_cast<char>(out[1] | 0x80);
    out.append(mask, sizeof mask);
    for (size_t i = 0; i < payload.size(); ++i) {
        out += static_cast<char>(payload[i] ^ mask[i % 4]);
    }
    return out;
}

/// What comes out of BYTES that arrive STEP at a time; data that follows data is joined.
Pieces pieces(const std::string& bytes, size_t step) {
    WebSocketInput input;
    Pieces found;
    for (size_t at = 0; at < bytes.size(); at += step) {
        std::string part = bytes.substr(at, step);
        char* data = part.data();
        size_t size = part.size();
        for (;;) {
            const WebSocketInput::Piece piece = input.next(data, size);
            if (piece.kind == Kind::kNone) {
                break;
            }
            const std::string text(piece.data, piece.size);
            if (piece.kind == Kind::kData && !found.empty() && found.back().first == Kind::kData) {
                found.back().second += text;
            } else {
                found.emplace_back(piece.kind, text);
            }
            if (piece.kind == Kind::kBroken) {
                return found;
            }
        }
    }
    return found;
}

TEST(WebSocketInput, TakesFramesOfEveryLengthApartInPiecesOfAnySize) {
    const std::string big(70000, 'b');
    const std::string middle(126, 'm');
    const std::string bytes = frame(0x82, "hello") + frame(0x81, "") + frame(0x02, middle) +
                              frame(0x89, "ping") + frame(0x80, big) + frame(0x8A, "pong") +
                              frame(0x88, std::string("\x03\xe8", 2));
    const Pieces wanted = {{Kind::kData, "hello" + middle},
                           {Kind::kPing, "ping"},
                           {Kind::kData, big},
                           {Kind::kClose, std::string("\x03\xe8", 2)}};
    for (const size_t step : {size_t{1}, size_t{3}, size_t{7}, size_t{4096}, bytes.size()}) {
        EXPECT_TRUE(pieces(bytes, step) == wanted) << step;
    }
}

TEST(WebSocketInput, EmptyControlFrames) {
    const Pieces wanted = {{Kind::kPing, ""}, {Kind::kClose, ""}};
    EXPECT_TRUE(pieces(frame(0x89, "") + frame(0x88, ""), 1) == wanted);
}

TEST(WebSocketInput, RefusesWhatNoClientMaySend) {
    const Pieces broken = {{Kind::kBroken, ""}};
    std::string unmasked = frame(0x82, "x");
    unmasked[1] = '\x01';
    EXPECT_TRUE(pieces(unmasked, 1) == broken) << "unmasked";
    EXPECT_TRUE(pieces(frame(0xC2, "x"), 1) == broken) << "a reserved bit";
    EXPECT_TRUE(pieces(frame(0x83, "x"), 1) == broken) << "an unknown opcode";
    EXPECT_TRUE(pieces(frame(0x8B, "x"), 1) == broken) << "an unknown control frame";
    EXPECT_TRUE(pieces(frame(0x09, "x"), 1) == broken) << "a ping in parts";
    EXPECT_TRUE(pieces(frame(0x89, std::string(126, 'x')), 1) == broken) << "a long ping";
    std::string huge = "\x82\xFF\x80";
    huge.append(11, '\0');
    EXPECT_TRUE(pieces(huge, 1) == broken) << "a length with its highest bit";
}

}  // namespace
}  // namespace gantry::shim
