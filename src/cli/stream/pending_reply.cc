#include "cli/stream/pending_reply.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "base/text.h"

namespace gantry::cli {
namespace {

/// The payload of a chunked body, once its last chunk is there.
Result<std::optional<std::string>> decode_chunks(std::string_view rest) {
    std::string body;
    while (true) {
        const size_t line_end = rest.find("\r\n");
        if (line_end == std::string_view::npos) {
            return std::nullopt;
        }
        const std::string_view line = cut(rest.substr(0, line_end), ';').before;
        size_t size = 0;
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
        if (error != std::errc() || end != line.data() + line.size()) {
            return fail(Kind::kInvalid, "the daemon's answer is not HTTP");
        }
        rest.remove_prefix(line_end + 2);
        if (size == 0) {
            return body;
        }
        if (rest.size() < size || rest.size() - size < 2) {
            return std::nullopt;
        }
        body += rest.substr(0, size);
        rest.remove_prefix(size + 2);
    }
}

}  // namespace

PendingReply::PendingReply(io::ClientConnection connection, const io::ClientResponse& head)
    : raw_(std::move(connection).into_raw()),
      chunked_(head.headers.has_token("Transfer-Encoding", "chunked")) {
    if (const auto length = parse_uint(head.headers.get("Content-Length"))) {
        length_ = *length;
    }
}

Result<std::optional<std::string>> PendingReply::received() const {
    if (chunked_) {
        return decode_chunks(raw_.early);
    }
    if (length_ && raw_.early.size() >= *length_) {
        return std::optional(raw_.early.substr(0, *length_));
    }
    return std::nullopt;
}

Result<std::optional<std::string>> PendingReply::receive() {
    std::array<char, 4096> buffer = {};
    const ssize_t got = ::recv(raw_.fd.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) {
        return std::nullopt;
    }
    if (got < 0) {
        return fail_errno("receive from the daemon");
    }
    if (got == 0) {
        if (chunked_ || length_) {
            return fail(Kind::kCancelled, "the daemon broke off its answer");
        }
        return std::optional(raw_.early);
    }
    raw_.early.append(buffer.data(), static_cast<size_t>(got));
    if (raw_.early.size() > kLimit) {
        return fail(Kind::kInvalid, "the daemon's answer is too long");
    }
    return received();
}

}  // namespace gantry::cli
