#include "api/hijack.h"

#include <utility>

namespace gantry::api {

Result<> hijack_for(Call& call, engine::StreamTicket& ticket) {
    // COMPAT: without an upgrade the type is always the raw one, whatever follows.
    const bool upgrade = call.request.wants_upgrade();
    const auto type = upgrade ? stream_type(ticket.tty(), call.version) : kRawStream;
    GT_TRY_VAR(raw, call.responder.hijack(answer_head(200, type).headers));
    ticket.connect(std::move(raw.fd), raw.early);
    return {};
}

}  // namespace gantry::api
