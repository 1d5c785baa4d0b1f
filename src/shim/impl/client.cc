#include "shim/impl/client.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/impl/stdio.h"

namespace gantry::shim {

namespace {

constexpr int64_t kMaxStall = 60000;
/// After the process' end nothing holds the output back; more than this is not kept for a client.
constexpr size_t kMaxBacklog = size_t{4} << 20;

}  // namespace

void Client::open(Environment& environment, Stdio& stdio, int fd, const Options& options) {
    environment_ = &environment;
    stdio_ = &stdio;
    notify_id_ = options.notify_id;
    flags_ = options.flags;
    keys_size_ = stdio.is_terminal() ? options.detach_keys_size : 0;
    memcpy(keys_, options.detach_keys, keys_size_);
    environment.loop.add(watch_, fd, 0, &Client::on_ready, this);
    update_interest();
}

void Client::close() {
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
    const bool reads =
        gives_input() && !input_over_ && held_input_.empty() && stdio_->accepts_input();
    if (hung_up_ && !reads) {
        // Its hang-up would wake us for ever.
        environment_->loop.suspend(watch_);
        if (held_input_.empty()) {
            die();
        }
        return;
    }
    environment_->loop.change(
        watch_, (reads ? uint32_t{EPOLLIN} : 0) | (backlog_.empty() ? 0 : uint32_t{EPOLLOUT}));
}

void Client::on_ready(Watch& watch, uint32_t events) {
    auto& client = *static_cast<Client*>(watch.owner);
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        client.hung_up_ = true;
        client.backlog_.clear();
    } else if ((events & EPOLLOUT) != 0) {
        client.flush_backlog();
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
        scan_input(environment_->buffers->input, static_cast<size_t>(size));
    } else if (size == 0) {
        input_over_ = true;
        if (held_input_.empty()) {
            input_ended();
        }
    } else if (errno != EAGAIN && errno != EINTR) {
        die();
    }
}

void Client::take_input(const char* data, size_t size) {
    if (gives_input() && size > 0) {
        scan_input(data, size);
        if (!dead_) {
            update_interest();
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
            input_ended();
        }
        update_interest();
    }
}

void Client::input_ended() {
    stdio_->client_input_ended();
}

void Client::send(int stream, const char* data, size_t size) {
    if (dead_ || hung_up_) {
        return;
    }
    unsigned char frame[8] = {static_cast<unsigned char>(stream + 1)};
    for (int i = 0; i < 4; ++i) {
        frame[4 + i] = static_cast<unsigned char>(size >> (24 - 8 * i));
    }
    const size_t frame_size =
        (flags_ & kAttachFramed) != 0 && !stdio_->is_terminal() ? sizeof frame : 0;
    size_t sent = 0;
    if (backlog_.empty()) {
        // SAFETY: sendmsg(2) only reads.
        iovec parts[2] = {{frame, frame_size}, {const_cast<char*>(data), size}};
        msghdr message = {};
        message.msg_iov = parts;
        message.msg_iovlen = 2;
        const ssize_t count = sendmsg(watch_.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN && errno != EINTR) {
            hung_up_ = true;
            update_interest();
            return;
        }
        sent = count < 0 ? 0 : static_cast<size_t>(count);
        blocked_until_ = monotonic_ms() + kMaxStall;
    }
    if (sent == frame_size + size) {
        return;
    }
    const size_t frame_sent = sent < frame_size ? sent : frame_size;
    const size_t data_sent = sent - frame_sent;
    if (backlog_.size() > kMaxBacklog ||
        !backlog_.append(reinterpret_cast<char*>(frame) + frame_sent, frame_size - frame_sent) ||
        !backlog_.append(data + data_sent, size - data_sent)) {
        die();
        return;
    }
    update_interest();
}

void Client::flush_backlog() {
    const ssize_t count =
        ::send(watch_.fd, backlog_.data(), backlog_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) {
        backlog_.consume(static_cast<size_t>(count));
        blocked_until_ = monotonic_ms() + kMaxStall;
    } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
        hung_up_ = true;
        backlog_.clear();
    }
    if (backlog_.empty()) {
        if (finishing_) {
            die();
        } else {
            stdio_->resume_output();
        }
    }
}

void Client::finish() {
    finishing_ = true;
    if (backlog_.empty()) {
        die();
    }
}

void Client::check_deadline(int64_t now) {
    if (is_blocked() && now >= blocked_until_) {
        die();
    }
}

}  // namespace gantry::shim
