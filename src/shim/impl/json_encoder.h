#pragma once

#include <cstddef>
#include <cstdint>

namespace gantry::shim {

/// Longest output of append_json_escaped() for SIZE bytes, with the room that it may write beyond.
constexpr size_t max_escaped_size(size_t size) {
    return size * 6 + 32;
}

/// Bytes behind the input that append_json_escaped() may read (and ignore).
inline constexpr size_t kEncoderOverread = 16;

/// Writes SIZE bytes of TEXT as the inside of a JSON string, the way Docker's json-file driver does
/// (a copy of Go's encoder with HTML escaping): \" \\ \n \r, \u00XX for other control characters
/// and < > &, \u2028 and \u2029, \ufffd for each byte that is not UTF-8. Returns the end.
char* append_json_escaped(char* out, const char* text, size_t size);

/// "2006-01-02T15:04:05.999999999Z": RFC3339Nano in UTC, without trailing zeros of the fraction.
/// Writes at most 32 bytes; returns the end. Remembers the last second, since calls come in bursts.
class TimeFormatter {
public:
    char* append(char* out, int64_t nanoseconds);

private:
    int64_t second_ = INT64_MIN;
    char text_[20] = {};  // up to the seconds
};

/// Decimal digits of VALUE; returns the end.
char* append_decimal(char* out, uint64_t value);

}  // namespace gantry::shim
