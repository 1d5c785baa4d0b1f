#include "io/http.h"

namespace gantry::io {
namespace {

/// For a body that is read as a whole: long enough for the largest JSON over a slow line.
constexpr std::chrono::seconds kWholeBodyDeadline{60};

}  // namespace

Result<std::string> Body::read_all(size_t limit) {
    const auto too_large = [&] {
        return fail(Kind::kInvalid,
                    "request body is larger than " + std::to_string(limit) + " bytes");
    };
    const std::optional<uint64_t> declared = length();
    if (declared && *declared > limit) {
        return too_large();
    }
    const auto deadline = std::chrono::steady_clock::now() + kWholeBodyDeadline;
    std::string out;
    size_t used = 0;
    for (;;) {
        if (used == out.size()) {
            // A declared length may be a lie: memory follows the bytes that really came.
            out.resize(used + 8192);
        }
        GT_TRY_VAR(count, read_before(std::span(out).subspan(used), deadline));
        used += count;
        if (used > limit) {
            return too_large();
        }
        if (count == 0) {
            out.resize(used);
            return out;
        }
    }
}

bool Request::wants_upgrade() const {
    return headers.find("Upgrade") != nullptr && headers.has_token("Connection", "Upgrade");
}

std::string_view status_text(int status) {
    switch (status) {
        case 100: return "Continue";
        case 101: return "UPGRADED";
        case 200: return "OK";
        case 201: return "Created";
        case 204: return "No Content";
        case 304: return "Not Modified";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 413: return "Request Entity Too Large";
        case 417: return "Expectation Failed";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 503: return "Service Unavailable";
        case 505: return "HTTP Version Not Supported";
        default: return "Unknown";
    }
}

}  // namespace gantry::io
