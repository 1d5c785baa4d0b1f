#include "api/hijack.h"

#include <string>
#include <utility>

#include "base/text.h"
#include "spec/base64.h"
#include "spec/web_socket.h"

namespace gantry::api {

namespace {

constexpr size_t kKeySize = 16;

}  // namespace

Result<io::Headers> accept_web_socket(const io::Request& request) {
    const io::Headers& headers = request.headers;
    const std::string_view key = headers.get("Sec-WebSocket-Key");
    if (!request.wants_upgrade() || !equals_ignoring_case(headers.get("Upgrade"), "websocket") ||
        key.empty()) {
        return fail(Kind::kInvalid, "not websocket protocol");
    }
    if (headers.get("Sec-WebSocket-Version") != "13") {
        return fail(Kind::kInvalid, "missing or bad WebSocket Version");
    }
    const auto nonce = spec::decode_base64(key);
    if (!nonce || nonce->size() != kKeySize) {
        return fail(Kind::kInvalid, "mismatch challenge/response");
    }
    io::Headers answer;
    answer.set("Sec-WebSocket-Accept", spec::web_socket_accept(key));
    const std::string_view offered = headers.get("Sec-WebSocket-Protocol");
    if (const std::string_view first = trim(cut(offered, ',').before); !first.empty()) {
        answer.set("Sec-WebSocket-Protocol", std::string(first));
    }
    return answer;
}

Result<> hijack_for(Call& call, engine::StreamTicket& ticket, const io::Headers& headers) {
    GT_TRY_VAR(raw, call.responder.hijack(headers));
    ticket.connect(std::move(raw.fd), raw.early);
    return {};
}

Result<> hijack_for(Call& call, engine::StreamTicket& ticket) {
    // COMPAT: without an upgrade the type is always the raw one, whatever follows.
    const bool upgrade = call.request.wants_upgrade();
    const auto type = upgrade ? stream_type(ticket.tty(), call.version) : kRawStream;
    return hijack_for(call, ticket, answer_head(200, type).headers);
}

}  // namespace gantry::api
