#include "io/impl/response_text.h"

#include <fmt/core.h>

#include <array>
#include <ctime>

namespace gantry::io {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    for (const char c : value) {
        const bool control = (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f;
        out += control ? ' ' : c;
    }
    out += "\r\n";
}

std::string http_date() {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 40> text{};
    const size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    return {text.data(), size};
}

}  // namespace

std::string format_head(const ResponseHead& head, const HeadForm& form) {
    std::string out = fmt::format("HTTP/1.1 {} {}\r\n", head.status, status_text(head.status));
    out.reserve(512);
    for (const auto& [name, value] : head.headers) {
        append_field(out, name, value);
    }
    append_field(out, "Date", http_date());
    switch (form.body) {
        case BodyForm::kLength:
            append_field(out, "Content-Length", fmt::format("{}", form.length));
            break;
        case BodyForm::kChunked: append_field(out, "Transfer-Encoding", "chunked"); break;
        case BodyForm::kUntilClose:
        case BodyForm::kNone: break;
    }
    if (!form.connection.empty()) {
        append_field(out, "Connection", form.connection);
    }
    out += "\r\n";
    return out;
}

std::string format_chunk(std::string_view data) {
    std::string out = fmt::format("{:x}\r\n", data.size());
    out.reserve(out.size() + data.size() + 2);
    out += data;
    out += "\r\n";
    return out;
}

std::string format_refusal(int status, std::string_view text) {
    const std::string body = fmt::format("{{\"message\":\"{}\"}}\n", text);
    ResponseHead head{status, {}};
    head.headers.add("Content-Type", "application/json");
    return format_head(head, {BodyForm::kLength, body.size(), "close"}) + body;
}

}  // namespace gantry::io
