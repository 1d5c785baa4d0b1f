#include "io/impl/reply.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <ctime>

#include "base/check.h"

namespace gantry::io {
namespace {

constexpr size_t kSkippedBodyLimit = 64 * 1024;

bool forbids_body(int status) {
    return status == 204 || status == 304 || status < 200;
}

/// COMPAT: docker-py reads the head through a buffer and loses what arrived together with it. So
/// the stream's first bytes wait until the client has taken the head, or for some 20 ms. The kernel
/// tells how much is not taken yet, but wakes nobody when it is: hence the naps.
void wait_until_taken(int socket) {
    constexpr timespec kNap{.tv_sec = 0, .tv_nsec = 50'000};
    for (int nap = 0; nap < 200; ++nap) {
        int waiting = 0;
        if (::ioctl(socket, SIOCOUTQ, &waiting) < 0 || waiting == 0) {
            return;
        }
        ::nanosleep(&kNap, nullptr);
    }
}

}  // namespace

Reply::Reply(Server::Core& core, Stream& stream, InputBuffer& input, RequestBody& body,
             const Request& request, int minor, bool keep_alive)
    : core_(core),
      stream_(stream),
      input_(input),
      body_(body),
      request_(request),
      minor_(minor),
      head_only_(request.method == "HEAD"),
      keep_alive_(keep_alive) {}

void Reply::begin() {
    GT_CHECK(state_ == State::kOpen);
    keep_alive_ = keep_alive_ && !core_.stopping();
}

Result<> Reply::put(std::string_view head, std::string_view body) {
    auto sent = stream_.write_all(head, body, core_.options().stream_deadline);
    if (!sent) {
        state_ = State::kBroken;
    }
    return sent;
}

Result<> Reply::send(const ResponseHead& head, std::string_view body) {
    begin();
    state_ = State::kComplete;
    body_.skip_received();
    // What is left of the body would be taken for the next request.
    keep_alive_ = keep_alive_ && body_.done();
    HeadForm form{BodyForm::kLength, body.size(), keep_alive_ ? "" : "close"};
    if (forbids_body(head.status)) {
        form.body = BodyForm::kNone;
        body = {};
    }
    return put(format_head(head, form), head_only_ ? std::string_view() : body);
}

Result<ResponseStream*> Reply::stream(const ResponseHead& head) {
    begin();
    keep_alive_ = keep_alive_ && framing() == Framing::kChunked;
    state_ = State::kStreaming;
    HeadForm form = stream_form();
    form.connection = keep_alive_ ? "" : "close";
    GT_TRY(put(format_head(head, form), {}));
    return static_cast<ResponseStream*>(this);
}

Result<> Reply::write(std::string_view data) {
    if (state_ != State::kStreaming) {
        return fail(Kind::kCancelled, "the connection was closed");
    }
    if (data.empty() || head_only_) {
        return {};
    }
    if (framing() == Framing::kUntilClose) {
        return put(data, {});
    }
    return put(format_chunk(data), {});
}

Result<> Reply::finish() {
    if (state_ != State::kStreaming) {
        return fail(Kind::kCancelled, "the connection was closed");
    }
    state_ = State::kComplete;
    if (head_only_ || framing() == Framing::kUntilClose) {
        return {};
    }
    return put(kLastChunk, {});
}

Result<Hijacked> Reply::hijack(const Headers& headers) {
    GT_CHECK(state_ == State::kOpen);
    // The early bytes begin where the request's body ends.
    if (!body_.done()) {
        GT_TRY_VAR(skipped, body_.read_all(kSkippedBodyLimit));
        (void)skipped;
    }
    ResponseHead head{200, headers};
    HeadForm form{BodyForm::kUntilClose, 0, ""};
    if (request_.wants_upgrade()) {
        head.status = 101;
        head.headers.set("Upgrade", std::string(request_.headers.get("Upgrade")));
        form.connection = "Upgrade";
    }
    state_ = State::kGivenAway;
    GT_TRY(put(format_head(head, form), {}));
    if (request_.peer.transport == Transport::kUnix) {
        wait_until_taken(stream_.fd());
    }
    return Hijacked{give_away(), input_.take()};
}

Result<std::shared_ptr<Outlet>> Reply::park(const ResponseHead& head, ParkOptions options) {
    begin();
    state_ = State::kGivenAway;
    HeadForm form = stream_form();
    form.connection = "close";
    GT_TRY(put(format_head(head, form), {}));
    return core_.park(give_away(), framing(), request_.peer.transport, options.queue_limit);
}

HeadForm Reply::stream_form() const {
    return {framing() == Framing::kChunked ? BodyForm::kChunked : BodyForm::kUntilClose, 0, ""};
}

UniqueFd Reply::give_away() {
    core_.forget_socket(stream_.fd());
    return stream_.release();
}

}  // namespace gantry::io
