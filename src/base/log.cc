#include "base/log.h"

#include <unistd.h>

#include <atomic>

#include "base/clock.h"

namespace gantry::log {
namespace {

std::atomic<Level> minimum_level = Level::kInfo;
std::atomic<Format> output_format = Format::kText;

std::string_view name_of(Level level) {
    switch (level) {
        case Level::kDebug: return "debug";
        case Level::kInfo: return "info";
        case Level::kWarn: return "warning";
        case Level::kError: return "error";
    }
    return "?";
}

/// TEXT between double quotes with quotes, backslashes and control characters escaped: valid in
/// JSON and harmless on a terminal.
void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
            out += c;
        }
    }
    out += '"';
}

bool is_plain(std::string_view text) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/:@+";
    return !text.empty() && text.find_first_not_of(kPlain) == text.npos;
}

void append_field(std::string& out, Format format, std::string_view name, std::string_view value) {
    if (format == Format::kJson) {
        out += out.empty() ? "{" : ",";
        append_quoted(out, name);
        out += ':';
        append_quoted(out, value);
        return;
    }
    if (!out.empty()) {
        out += ' ';
    }
    out += name;
    out += '=';
    if (is_plain(value)) {
        out += value;
    } else {
        append_quoted(out, value);
    }
}

}  // namespace

void configure(Level minimum, Format format) {
    minimum_level = minimum;
    output_format = format;
}

bool enabled(Level level) {
    return level >= minimum_level;
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
    if (!enabled(level)) {
        return;
    }
    const Format format = output_format;
    std::string line;
    append_field(line, format, "time", format_rfc3339_fixed(wall_now()));
    append_field(line, format, "level", name_of(level));
    append_field(line, format, "msg", message);
    for (const auto& [name, value] : fields) {
        append_field(line, format, name, value);
    }
    line += format == Format::kJson ? "}\n" : "\n";
    // A log that cannot be written has nowhere to complain.
    (void)!::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace gantry::log
