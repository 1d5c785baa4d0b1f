#include "io/impl/request_body.h"

#include <array>
#include <utility>

#include "base/text.h"

namespace gantry::io {

RequestBody::RequestBody(Parser& parser, InputBuffer& input, Stream& stream,
                         std::chrono::milliseconds idle)
    : parser_(parser),
      input_(input),
      stream_(stream),
      idle_(idle),
      awaits_continue_(!parser.message_done() &&
                       equals_ignoring_case(parser.head().headers.get("Expect"), "100-continue")) {}

Result<size_t> RequestBody::read(std::span<char> into) {
    return read_before(into, std::chrono::steady_clock::now() + idle_);
}

Result<size_t> RequestBody::read_before(std::span<char> into, Deadline deadline) {
    if (into.empty()) {
        return size_t{0};
    }
    if (std::exchange(awaits_continue_, false) && input_.empty()) {
        GT_TRY(stream_.write_all("HTTP/1.1 100 Continue\r\n\r\n", {}, idle_));
    }
    while (!parser_.message_done()) {
        GT_TRY_VAR(step, parser_.parse_body(input_.data(), into));
        input_.consume(step.consumed);
        if (step.produced > 0) {
            return step.produced;
        }
        if (step.consumed > 0) {
            continue;
        }
        const std::span<char> room = input_.room();
        if (room.empty()) {
            return fail(Kind::kInvalid, "malformed HTTP message: chunk header is too long");
        }
        GT_TRY_VAR(count, stream_.read_some(room, deadline, StopRule::kWatch));
        if (count == 0) {
            return fail(Kind::kCancelled, "the client hung up before the end of the request body");
        }
        input_.added(count);
    }
    return size_t{0};
}

void RequestBody::skip_received() {
    std::array<char, 4096> ignored;
    while (!parser_.message_done() && !input_.empty()) {
        const auto step = parser_.parse_body(input_.data(), ignored);
        if (!step || step->consumed == 0) {
            return;
        }
        input_.consume(step->consumed);
    }
}

}  // namespace gantry::io
