#pragma once

#include <string>
#include <string_view>

#include "io/http.h"

namespace gantry::io {

/// How the end of a body is told.
enum class BodyForm { kLength, kChunked, kUntilClose, kNone };

struct HeadForm {
    BodyForm body = BodyForm::kNone;
    uint64_t length = 0;
    /// Value of the Connection field; "" leaves it out, which means keep-alive.
    std::string_view connection;
};

/// Status line and fields up to the blank line. Control characters in values become blanks: no
/// value can end its line.
std::string format_head(const ResponseHead& head, const HeadForm& form);

std::string format_chunk(std::string_view data);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// A complete response of the server itself: {"message":"TEXT"}, and the connection closes. TEXT is
/// one of ours and needs no escaping.
std::string format_refusal(int status, std::string_view text);

}  // namespace gantry::io
