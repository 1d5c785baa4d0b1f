#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::spec {

/// The stream numbers of Docker's multiplexed streams (behaviours C3).
enum class StdStream : uint8_t { kStdin = 0, kStdout = 1, kStderr = 2, kSystemError = 3 };

inline constexpr size_t kStdcopyHeaderSize = 8;

/// The frame's head: stream number, three zeros, SIZE big-endian. The payload follows it.
std::array<char, kStdcopyHeaderSize> stdcopy_header(StdStream stream, uint32_t size);

/// Takes a multiplexed stream apart as its bytes arrive, in pieces of any size, without holding
/// payload. One object per stream; not thread-safe.
class StdcopyDecoder {
public:
    struct Piece {
        StdStream stream = StdStream::kStdout;
        /// Points into the input.
        std::string_view payload;
    };

    /// Takes the next piece off the front of INPUT. Its payload is empty when INPUT is used up.
    /// kInvalid "Unrecognized input header: 7" for a stream number that Docker does not know.
    Result<Piece> next(std::string_view& input);

    /// Whether the stream may end here: no frame is half read.
    bool at_frame_end() const { return header_size_ == 0 && left_ == 0; }

private:
    std::array<char, kStdcopyHeaderSize> header_{};
    size_t header_size_ = 0;
    uint32_t left_ = 0;
    StdStream stream_ = StdStream::kStdout;
};

}  // namespace gantry::spec
