#include "shim/impl/client.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string_view>

#include "shim/impl/stdio.h"

namespace gantry::shim {

namespace {

/// Records that one client gets in a row.
constexpr int kTurn = 16;
constexpr size_t kFrameSize = 8;
/// COMPAT: the third stream of Docker's framing is an error of the daemon's; clients print it and
/// fail.
constexpr int kSystemError = 2;
constexpr std::string_view kDropNotice = "output is missing: it was not read in time";
/// Of RFC 6455's reasons to close.
constexpr unsigned kNormalClose = 1000;
constexpr unsigned kProtocolError = 1002;
constexpr unsigned kPolicyViolation = 1008;
/// Who asks so often without reading has no use for answers.
constexpr size_t kMaxControls = 131072;

}  // namespace

void Client::open(Environment& environment, Stdio& stdio, int fd, const Options& options) {
    environment_ = &environment;
    stdio_ = &stdio;
    notify_id_ = options.notify_id;
    flags_ = options.flags;
    keys_size_ = stdio.is_terminal() ? options.detach_keys_size : 0;
    memcpy(keys_, options.detach_keys, keys_size_);
    moved_at_ = monotonic_ms();
    environment.loop.add(watch_, fd, 0, &Client::on_ready, this);
    update_interest();
}

void Client::close() {
    if (is_web_socket() && !hung_up_ && !told_end_ && backlog_.empty()) {
        tell_close(kNormalClose, {});
    }
    // Unread input would turn our close into a reset that can cost the client its last output.
    (void)shutdown(watch_.fd, SHUT_WR);
    for (int i = 0; i < 16; ++i) {
        if (recv(watch_.fd, environment_->buffers->input, sizeof environment_->buffers->input,
                 MSG_DONTWAIT) <= 0) {
            break;
        }
    }
    abandon();
}

void Client::abandon() {
    environment_->loop.suspend(watch_);
    ::close(watch_.fd);
    watch_.fd = -1;
}

void Client::update_interest() {
    // A web socket has more to say than input.
    const bool reads = (gives_input() || is_web_socket()) && !input_over_ && held_input_.empty() &&
                       stdio_->accepts_input();
    if (hung_up_ && !reads) {
        // Its hang-up would wake us for ever.
        environment_->loop.suspend(watch_);
        if (held_input_.empty()) {
            die();
        }
        return;
    }
    environment_->loop.change(
        watch_, (reads ? uint32_t{EPOLLIN} : 0) |
                    (behind_ || !backlog_.empty() ? uint32_t{EPOLLOUT} : uint32_t{0}));
}

void Client::on_ready(Watch& watch, uint32_t events) {
    auto& client = *static_cast<Client*>(watch.owner);
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        client.hang_up();
        client.stdio_->client_moved();
    } else if ((events & EPOLLOUT) != 0) {
        client.catch_up();
        client.stdio_->client_moved();
    }
    if ((events & EPOLLIN) != 0) {
        client.read_input();
    }
    if (!client.dead_) {
        client.update_interest();
    }
}

void Client::read_input() {
    const ssize_t size = recv(watch_.fd, environment_->buffers->input,
                              sizeof environment_->buffers->input, MSG_DONTWAIT);
    if (size > 0) {
        receive(environment_->buffers->input, static_cast<size_t>(size));
    } else if (size == 0) {
        end_input();
        if (is_web_socket()) {
            hang_up();  // there are no halves of it
        }
    } else if (errno != EAGAIN && errno != EINTR) {
        die();
    }
}

void Client::take_input(char* data, size_t size) {
    if (size > 0 && (gives_input() || is_web_socket())) {
        receive(data, size);
        if (!dead_) {
            update_interest();
        }
    }
}

void Client::receive(char* data, size_t size) {
    if (!is_web_socket()) {
        scan_input(data, size);
        return;
    }
    while (!dead_ && !hung_up_) {
        const WebSocketInput::Piece piece = frames_.next(data, size);
        switch (piece.kind) {
            case WebSocketInput::Kind::kNone: return;
            case WebSocketInput::Kind::kData:
                if (gives_input()) {
                    scan_input(piece.data, piece.size);
                }
                break;
            case WebSocketInput::Kind::kPing: tell(kWebSocketPong, piece.data, piece.size); break;
            case WebSocketInput::Kind::kClose:
                tell(kWebSocketClose, piece.data, piece.size);
                end_input();
                hang_up();
                break;
            case WebSocketInput::Kind::kBroken:
                tell_close(kProtocolError, {});
                die();
                break;
        }
    }
}

void Client::scan_input(const char* data, size_t size) {
    if (keys_size_ == 0) {
        deliver(data, size);
        return;
    }
    size_t plain = 0;  // where the bytes begin that are no part of a match
    for (size_t i = 0; i < size; ++i) {
        if (data[i] == keys_[keys_matched_]) {
            if (keys_matched_ == 0) {
                deliver(data + plain, i - plain);
            }
            plain = i + 1;
            if (++keys_matched_ == keys_size_) {
                detached_ = true;
                die();
                return;
            }
        } else if (keys_matched_ > 0) {
            // Not the sequence after all: the process gets the bytes that were kept from it. This
            // byte may begin the sequence again.
            deliver(keys_, keys_matched_);
            keys_matched_ = 0;
            plain = i;
            --i;
        }
    }
    deliver(data + plain, size - plain);
}

void Client::deliver(const char* data, size_t size) {
    if (size == 0) {
        return;
    }
    const size_t taken = held_input_.empty() ? stdio_->write_input(data, size) : 0;
    if (taken < size) {
        if (!held_input_.append(data + taken, size - taken)) {
            die();
            return;
        }
        stdio_->watch_input();
    }
}

void Client::give_held_input() {
    held_input_.consume(stdio_->write_input(held_input_.data(), held_input_.size()));
    if (held_input_.empty()) {
        if (input_over_) {
            stdio_->client_input_ended();
        }
        update_interest();
    }
}

/// The client will give no more.
void Client::end_input() {
    input_over_ = true;
    if (gives_input() && held_input_.empty()) {
        stdio_->client_input_ended();
    }
}

size_t Client::frame_size(size_t size) const {
    if (is_web_socket()) {
        return web_socket_head_size(size);
    }
    return (flags_ & kAttachFramed) != 0 && !stdio_->is_terminal() ? kFrameSize : 0;
}

/// What stands in front of SIZE bytes of STREAM; OUT is where it begins.
void Client::write_frame(char* out, int stream, size_t size) const {
    if (is_web_socket()) {
        const bool text = (flags_ & kAttachWebSocketText) != 0;
        write_web_socket_head(out, text ? kWebSocketText : kWebSocketBinary, size);
    } else if (frame_size(size) != 0) {
        memset(out, 0, kFrameSize);
        out[0] = static_cast<char>(stream + 1);
        for (int i = 0; i < 4; ++i) {
            out[4 + i] = static_cast<char>(size >> (24 - 8 * i));
        }
    }
}

/// Sends what the socket takes at once; the rest becomes the backlog. False when the client is not
/// ready for more.
bool Client::put(const char* data, size_t size) {
    const ssize_t count = ::send(watch_.fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
        hang_up();
        return false;
    }
    const size_t sent = count < 0 ? 0 : static_cast<size_t>(count);
    if (sent > 0) {
        moved_at_ = monotonic_ms();
    }
    if (sent == size) {
        return true;
    }
    if (!backlog_.append(data + sent, size - sent)) {
        die();
    }
    return false;
}

void Client::send(int stream, char* data, size_t size, uint64_t later) {
    char* const begin = data - frame_size(size);
    write_frame(begin, stream, size);
    if (!put(begin, static_cast<size_t>(data - begin) + size)) {
        behind_ = !hung_up_;
        position_ = later;
        update_interest();
    }
}

bool Client::flush_backlog() {
    const ssize_t count =
        ::send(watch_.fd, backlog_.data(), backlog_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) {
        backlog_.consume(static_cast<size_t>(count));
        moved_at_ = monotonic_ms();
    } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
        hang_up();
    }
    return backlog_.empty() && !hung_up_;
}

/// The next record out of the spool.
bool Client::send_record() {
    ReadBuffer& buffer = environment_->buffers->output;
    OutputSpool::Record record = {};
    if (!stdio_->spool().read(position_, &record, buffer.data)) {
        drop();
        return false;
    }
    position_ = OutputSpool::next(position_, record);
    environment_->output_used = true;
    const int stream = static_cast<int>(record.stream);
    if (!wants(stream)) {
        return true;
    }
    const size_t frame = frame_size(record.size);
    char* const begin = buffer.data - frame;
    write_frame(begin, stream, record.size);
    return put(begin, frame + record.size);
}

void Client::catch_up() {
    if (!backlog_.empty() && !flush_backlog()) {
        return;
    }
    if (dropped_) {
        die();
        return;
    }
    for (int i = 0; i < kTurn && position_ != stdio_->spool().end(); ++i) {
        if (!send_record()) {
            return;
        }
    }
    if (position_ == stdio_->spool().end()) {
        behind_ = false;
        if (finishing_) {
            die();
        }
    }
}

void Client::hang_up() {
    hung_up_ = true;
    behind_ = false;
    backlog_.clear();
}

void Client::drop() {
    behind_ = false;
    dropped_ = true;
    // Behind what is left of a record, so that it is a whole one.
    if (is_web_socket()) {
        tell_close(kPolicyViolation, kDropNotice);
    } else if (frame_size(kDropNotice.size()) != 0) {
        char notice[kFrameSize + kDropNotice.size()];
        write_frame(notice, kSystemError, kDropNotice.size());
        memcpy(notice + kFrameSize, kDropNotice.data(), kDropNotice.size());
        if (!backlog_.append(notice, sizeof notice)) {
            die();
        }
    } else {
        die();
    }
    moved_at_ = monotonic_ms();
    update_interest();
}

/// Puts a control frame behind what is on its way.
void Client::tell(uint8_t opcode, const char* data, size_t size) {
    char frame[2 + kMaxControl];
    write_web_socket_head(frame, opcode, size);
    memcpy(frame + 2, data, size);
    if (backlog_.size() > kMaxControls || !backlog_.append(frame, 2 + size)) {
        die();
        return;
    }
    told_end_ = told_end_ || opcode == kWebSocketClose;
    if (!behind_ && !dropped_) {
        behind_ = true;
        position_ = stdio_->spool().end();
    }
    catch_up();
}

void Client::tell_close(unsigned code, std::string_view reason) {
    char text[kMaxControl];
    text[0] = static_cast<char>(code >> 8);
    text[1] = static_cast<char>(code);
    memcpy(text + 2, reason.data(), reason.size());
    tell(kWebSocketClose, text, 2 + reason.size());
}

void Client::finish() {
    finishing_ = true;
    moved_at_ = monotonic_ms();
    if (!behind_ && backlog_.empty()) {
        die();
    }
}

int64_t Client::deadline(bool holds_up) const {
    if (dropped_ || (behind_ && finishing_)) {
        return moved_at_ + kMaxLinger;
    }
    return behind_ && holds_up ? moved_at_ + kMaxStall : kNever;
}

bool Client::check_deadline(int64_t now, bool holds_up) {
    if (now < deadline(holds_up)) {
        return false;
    }
    if (dropped_ || finishing_) {
        die();
    } else {
        drop();
    }
    return true;
}

}  // namespace gantry::shim
