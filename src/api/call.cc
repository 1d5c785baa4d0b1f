#include "api/call.h"

#include <fmt/core.h>

#include "base/text.h"
#include "engine/system/system_service.h"

namespace gantry::api {
namespace {

/// Far beyond any request that makes sense; keeps one client from filling our memory.
constexpr size_t kJsonBodyLimit = 8 * 1024 * 1024;

}  // namespace

io::ResponseHead answer_head(int status, std::string_view content_type) {
    io::ResponseHead head{status, {}};
    head.headers.add("Api-Version", kMaxVersion.to_string());
    head.headers.add("Docker-Experimental", "false");
    head.headers.add("Ostype", "linux");
    // COMPAT: clients find the daemon's system by the pattern "Docker/VERSION (SYSTEM)".
    head.headers.add("Server", fmt::format("Docker/{} (linux)", engine::gantry_version()));
    if (!content_type.empty()) {
        head.headers.add("Content-Type", std::string(content_type));
    }
    return head;
}

Result<> check_content_type(std::string_view content_type, std::optional<uint64_t> length) {
    if (content_type.empty() && length == 0U) {
        return {};
    }
    const std::string_view type = trim(cut(content_type, ';').before);
    if (type.empty()) {
        return fail(Kind::kInvalid, "malformed Content-Type header (): mime: no media type");
    }
    if (!equals_ignoring_case(type, kJson)) {
        return fail(Kind::kInvalid,
                    fmt::format("unsupported Content-Type header ({}): must be 'application/json'",
                                content_type));
    }
    return {};
}

Result<std::string> Call::json_text() const {
    GT_TRY(check_content_type(request.headers.get("Content-Type"), request.body.length()));
    auto text = request.body.read_all(kJsonBodyLimit);
    if (text && trim(*text).empty()) {
        return fail(Kind::kInvalid, "invalid JSON: got EOF while reading request body");
    }
    return text;
}

Failure Call::invalid_json(const Error& error) {
    // A second document behind the first is not bad JSON but a bad request, for Docker.
    if (error.kind() != Kind::kInvalid || error.text() == "unexpected content after JSON") {
        return fail(error.kind(), error.text());
    }
    // Docker reads from a stream, where the end of the text has another name.
    const bool truncated = error.text() == "unexpected end of JSON input";
    return fail(Kind::kInvalid,
                fmt::format("invalid JSON: {}", truncated ? "unexpected EOF" : error.text()));
}

Result<> Call::send_json(int status, std::string json) const {
    json += '\n';
    return responder.send(answer_head(status, kJson), json);
}

Result<> Call::send_empty(int status) const {
    return responder.send(answer_head(status), "");
}

}  // namespace gantry::api
