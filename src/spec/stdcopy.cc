#include "spec/stdcopy.h"

#include <fmt/core.h>

#include <algorithm>

namespace gantry::spec {

std::array<char, kStdcopyHeaderSize> stdcopy_header(StdStream stream, uint32_t size) {
    return {static_cast<char>(stream),
            0,
            0,
            0,
            static_cast<char>(size >> 24),
            static_cast<char>(size >> 16),
            static_cast<char>(size >> 8),
            static_cast<char>(size)};
}

Result<StdcopyDecoder::Piece> StdcopyDecoder::next(std::string_view& input) {
    while (left_ == 0 && !input.empty()) {
        const size_t count = std::min(input.size(), kStdcopyHeaderSize - header_size_);
        std::ranges::copy(input.substr(0, count), header_.begin() + header_size_);
        header_size_ += count;
        input.remove_prefix(count);
        if (header_size_ < kStdcopyHeaderSize) {
            return Piece{};
        }
        header_size_ = 0;
        const auto byte = [&](size_t at) { return uint32_t{static_cast<uint8_t>(header_[at])}; };
        if (byte(0) > static_cast<uint32_t>(StdStream::kSystemError)) {
            return fail(Kind::kInvalid, fmt::format("Unrecognized input header: {}", byte(0)));
        }
        stream_ = static_cast<StdStream>(byte(0));
        left_ = byte(4) << 24 | byte(5) << 16 | byte(6) << 8 | byte(7);
    }
    const std::string_view payload = input.substr(0, left_);
    input.remove_prefix(payload.size());
    left_ -= static_cast<uint32_t>(payload.size());
    return Piece{stream_, payload};
}

}  // namespace gantry::spec
