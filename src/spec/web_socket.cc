#include "spec/web_socket.h"

#include <array>
#include <bit>

#include "spec/base64.h"

namespace gantry::spec {
namespace {

constexpr std::string_view kMagic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr size_t kBlock = 64;

using Hash = std::array<uint32_t, 5>;

void append_big_endian(std::string& out, uint64_t value, unsigned bytes) {
    for (unsigned i = bytes; i > 0; --i) {
        out += static_cast<char>(value >> (8 * (i - 1)));
    }
}

std::array<uint32_t, 80> schedule(std::string_view block) {
    std::array<uint32_t, 80> words{};
    for (size_t i = 0; i < kBlock; ++i) {
        words[i / 4] = words[i / 4] << 8 | static_cast<unsigned char>(block[i]);
    }
    for (size_t i = 16; i < words.size(); ++i) {
        words[i] = std::rotl(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    }
    return words;
}

void add_block(Hash& hash, std::string_view block) {
    auto [a, b, c, d, e] = hash;
    const auto words = schedule(block);
    for (size_t i = 0; i < words.size(); ++i) {
        const uint32_t mix = i < 20   ? ((b & c) | (~b & d)) + 0x5A827999
                             : i < 40 ? (b ^ c ^ d) + 0x6ED9EBA1
                             : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC
                                      : (b ^ c ^ d) + 0xCA62C1D6;
        const uint32_t next = std::rotl(a, 5) + mix + e + words[i];
        e = d;
        d = c;
        c = std::rotl(b, 30);
        b = a;
        a = next;
    }
    const Hash added = {a, b, c, d, e};
    for (size_t i = 0; i < hash.size(); ++i) {
        hash[i] += added[i];
    }
}

/// SHA-1: the protocol wants it; it protects nothing here.
std::string sha1(std::string text) {
    const uint64_t bits = uint64_t{text.size()} * 8;
    text += '\x80';
    text.append((2 * kBlock - 8 - text.size() % kBlock) % kBlock, '\0');
    append_big_endian(text, bits, 8);
    Hash hash = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    for (size_t at = 0; at < text.size(); at += kBlock) {
        add_block(hash, std::string_view(text).substr(at, kBlock));
    }
    std::string out;
    for (const uint32_t word : hash) {
        append_big_endian(out, word, 4);
    }
    return out;
}

}  // namespace

std::string web_socket_accept(std::string_view key) {
    return encode_base64(sha1(std::string(key) + std::string(kMagic)));
}

std::string web_socket_head(WebSocketOpcode opcode, size_t size) {
    const unsigned bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
    std::string head;
    head += static_cast<char>(0x80 | static_cast<unsigned>(opcode));
    head += static_cast<char>(bytes == 0 ? size : bytes == 2 ? 126 : 127);
    append_big_endian(head, size, bytes);
    return head;
}

}  // namespace gantry::spec
