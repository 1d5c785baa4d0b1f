#include "shim/impl/json_encoder.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace gantry::shim {

namespace {

#if !defined(__SSE2__)
bool is_plain(unsigned char c) {
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}
#endif

/// Copies plain bytes until the first that is not; returns how many. May read and write up to 16
/// bytes further.
size_t copy_plain(char* out, const char* text, size_t size) {
    size_t done = 0;
#if defined(__SSE2__)
    constexpr char kSpecial[] = {'"', '\\', '<', '>', '&'};
    while (done < size) {
        const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + done));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + done), block);
        // Signed compare: bytes from 0x80 on are negative, so they count as "< 0x20" too.
        __m128i special = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));
        for (const char c : kSpecial) {
            special = _mm_or_si128(special, _mm_cmpeq_epi8(block, _mm_set1_epi8(c)));
        }
        const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
        if (mask != 0) {
            const size_t plain = done + static_cast<size_t>(__builtin_ctz(mask));
            return plain < size ? plain : size;
        }
        done += 16;
    }
    return size;
#else
    while (done < size && is_plain(static_cast<unsigned char>(text[done]))) {
        out[done] = text[done];
        ++done;
    }
    return done;
#endif
}

struct Rune {
    uint32_t value;
    size_t size;  // 0: not UTF-8
};

bool is_continuation(unsigned char c) {
    return (c & 0xC0) == 0x80;
}

/// The rune at TEXT, whose first byte is >= 0x80. Overlong forms, surrogates and values beyond
/// U+10FFFF are not UTF-8.
Rune decode_rune(const char* text, size_t left) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(text);
    const unsigned char lead = bytes[0];
    const size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || size > left) {
        return {0, 0};
    }
    uint32_t value = lead & (0x7FU >> size);
    for (size_t i = 1; i < size; ++i) {
        if (!is_continuation(bytes[i])) {
            return {0, 0};
        }
        value = value << 6 | (bytes[i] & 0x3FU);
    }
    const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
    if (overlong || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
        return {0, 0};
    }
    return {value, size};
}

char* append_text(char* out, const char* text, size_t size) {
    memcpy(out, text, size);
    return out + size;
}

char* append_special_ascii(char* out, unsigned char c) {
    constexpr char kHex[] = "0123456789abcdef";
    switch (c) {
        case '"': return append_text(out, "\\\"", 2);
        case '\\': return append_text(out, "\\\\", 2);
        case '\n': return append_text(out, "\\n", 2);
        case '\r': return append_text(out, "\\r", 2);
        default: {
            const char escaped[] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
            return append_text(out, escaped, sizeof escaped);
        }
    }
}

}  // namespace

char* append_json_escaped(char* out, const char* text, size_t size) {
    size_t at = 0;
    while (true) {
        const size_t plain = copy_plain(out, text + at, size - at);
        out += plain;
        at += plain;
        if (at == size) {
            return out;
        }
        const auto c = static_cast<unsigned char>(text[at]);
        if (c < 0x80) {
            out = append_special_ascii(out, c);
            ++at;
            continue;
        }
        const Rune rune = decode_rune(text + at, size - at);
        if (rune.size == 0) {
            out = append_text(out, "\\ufffd", 6);
            ++at;
        } else if (rune.value == 0x2028 || rune.value == 0x2029) {
            out = append_text(out, rune.value == 0x2028 ? "\\u2028" : "\\u2029", 6);
            at += rune.size;
        } else {
            out = append_text(out, text + at, rune.size);
            at += rune.size;
        }
    }
}

char* append_decimal(char* out, uint64_t value) {
    char digits[20];
    size_t size = 0;
    do {
        digits[size++] = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (size > 0) {
        *out++ = digits[--size];
    }
    return out;
}

namespace {

char* append_padded(char* out, int64_t value, int width) {
    for (int i = width - 1; i >= 0; --i) {
        out[i] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
    return out + width;
}

/// "2006-01-02T15:04:05" of SECOND since 1970.
void format_second(char* out, int64_t second) {
    constexpr int64_t kDay = 86400;
    const int64_t of_day = (second % kDay + kDay) % kDay;
    // Days since 0000-03-01, where every era of 400 years has the same length.
    const int64_t day = (second - of_day) / kDay + 719468;
    const int64_t era = (day >= 0 ? day : day - 146096) / 146097;
    const int64_t of_era = day - era * 146097;
    const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted = (5 * of_year + 2) / 153;
    const int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    out = append_padded(out, year, 4);
    *out++ = '-';
    out = append_padded(out, month, 2);
    *out++ = '-';
    out = append_padded(out, of_year - (153 * shifted + 2) / 5 + 1, 2);
    *out++ = 'T';
    out = append_padded(out, of_day / 3600, 2);
    *out++ = ':';
    out = append_padded(out, of_day / 60 % 60, 2);
    *out++ = ':';
    append_padded(out, of_day % 60, 2);
}

}  // namespace

char* TimeFormatter::append(char* out, int64_t nanoseconds) {
    constexpr int64_t kSecond = 1000000000;
    const int64_t fraction = (nanoseconds % kSecond + kSecond) % kSecond;
    const int64_t second = (nanoseconds - fraction) / kSecond;
    if (second != second_) {
        format_second(text_, second);
        second_ = second;
    }
    out = append_text(out, text_, 19);
    if (fraction != 0) {
        *out++ = '.';
        out = append_padded(out, fraction, 9);
        while (out[-1] == '0') {
            --out;
        }
    }
    *out++ = 'Z';
    return out;
}

}  // namespace gantry::shim
