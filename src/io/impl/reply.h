#pragma once

#include "io/http.h"
#include "io/impl/input_buffer.h"
#include "io/impl/request_body.h"
#include "io/impl/response_text.h"
#include "io/impl/server_core.h"
#include "io/impl/stream.h"

namespace gantry::io {

/// The answer to one request on one connection.
class Reply final : public Responder, private ResponseStream {
public:
    Reply(Server::Core& core, Stream& stream, InputBuffer& input, RequestBody& body,
          const Request& request, int minor, bool keep_alive);

    Result<> send(const ResponseHead& head, std::string_view body) override;
    Result<ResponseStream*> stream(const ResponseHead& head) override;
    Result<Hijacked> hijack(const Headers& headers) override;
    Result<std::shared_ptr<Outlet>> park(const ResponseHead& head, ParkOptions options) override;
    bool answered() const override { return state_ != State::kOpen; }

    /// The answer is complete and the next request may follow on the same connection.
    bool may_continue() const {
        // A stream may have begun before the body was read, so it is asked at the end.
        return state_ == State::kComplete && keep_alive_ && body_.done();
    }

private:
    enum class State { kOpen, kStreaming, kComplete, kBroken, kGivenAway };

    Result<> write(std::string_view data) override;
    Result<> finish() override;

    void begin();
    Result<> put(std::string_view head, std::string_view body);
    Framing framing() const { return minor_ == 1 ? Framing::kChunked : Framing::kUntilClose; }
    HeadForm stream_form() const;
    /// ORDER: stop() must not cut the descriptor once it is somebody else's.
    UniqueFd give_away();

    Server::Core& core_;
    Stream& stream_;
    InputBuffer& input_;
    RequestBody& body_;
    const Request& request_;
    const int minor_;
    const bool head_only_;
    bool keep_alive_;
    State state_ = State::kOpen;
};

}  // namespace gantry::io
