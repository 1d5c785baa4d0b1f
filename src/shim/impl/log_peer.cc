#include "shim/impl/log_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shim/impl/log_encoding.h"

namespace gantry::shim {

namespace {

/// What waits for a peer that is gone, and for a slow one before the container has to wait.
constexpr size_t kQueueSize = 1048576;
constexpr size_t kBlockSize = 262144;
constexpr int64_t kRetryTime = 1000;

/// Only what is used of it becomes memory; empty between calls.
alignas(4096) char g_message[kMaxMessage];

/// What tells that the peer is gone while there is nothing to send.
uint32_t idle_events(const PlanView& plan) {
    return plan.header().log_stream_socket != 0 ? uint32_t{EPOLLRDHUP} : 0;
}

int64_t monotonic() {
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

}  // namespace

void LogPeer::open(EventLoop& loop, const PlanView& plan, int fd, void (*on_room)(void*),
                   void* owner) {
    loop_ = &loop;
    plan_ = plan;
    on_room_ = on_room;
    owner_ = owner;
    may_block_ = plan.header().log_buffer == 0;
    timespec now = {};
    clock_gettime(CLOCK_REALTIME, &now);
    epoch_ = static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    loop.add(watch_, fd, idle_events(plan_), &LogPeer::on_ready, this);
}

void LogPeer::write(int stream, std::string_view record, int64_t now) {
    LogMessage message = {};
    message.stream = stream;
    message.ends = record.ends_with('\n');
    message.text = message.ends ? record.substr(0, record.size() - 1) : record;
    message.time = now;
    message.ordinal = ++ordinal_;
    message.epoch = epoch_;
    Partial& partial = partial_[stream];
    if (partial.ordinal > 0 || !message.ends) {
        partial.id = partial.ordinal == 0 ? epoch_ + ordinal_ : partial.id;
        message.partial_id = partial.id;
        message.partial_ordinal = ++partial.ordinal;
        partial.ordinal = message.ends ? 0 : partial.ordinal;
    }
    send_or_queue(g_message, encode_message(g_message, plan_, message));
}

void LogPeer::send_or_queue(const char* data, size_t size) {
    const bool stream = plan_.header().log_stream_socket != 0;
    size_t sent = 0;
    if (queue_.empty() && watch_.fd >= 0 && !connecting_) {
        const ssize_t count = send(watch_.fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count == static_cast<ssize_t>(size)) {
            return;
        }
        if (count < 0 && errno == EMSGSIZE) {
            drop(EMSGSIZE);
            return;
        }
        if (count < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
            disconnect(errno);
        }
        sent = count > 0 && stream ? static_cast<size_t>(count) : 0;
    }
    const size_t limit = plan_.header().log_buffer != 0 ? plan_.header().log_buffer : kQueueSize;
    const bool waits = may_block_ && watch_.fd >= 0 && !connecting_;
    const auto length = static_cast<uint32_t>(size);
    if (sent == 0 && !waits && !queue_.empty() && queue_.size() + size > limit) {
        drop(EAGAIN);
        return;
    }
    if (!queue_.append(reinterpret_cast<const char*>(&length), sizeof length) ||
        !queue_.append(data, size)) {
        drop(ENOMEM);
        queue_.clear();  // half a message may be in it
        sent_ = 0;
        return;
    }
    sent_ = sent > 0 ? sent : sent_;
    if (watch_.fd >= 0) {
        loop_->change(watch_, uint32_t{EPOLLOUT} | idle_events(plan_));
    }
    update_blocked();
}

void LogPeer::on_ready(Watch& watch, uint32_t events) {
    auto& peer = *static_cast<LogPeer*>(watch.owner);
    int error = 0;
    socklen_t size = sizeof error;
    (void)getsockopt(watch.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0 || (events & (EPOLLHUP | EPOLLRDHUP)) != 0) {
        peer.disconnect(error != 0 ? error : EPIPE);
        return;
    }
    peer.connecting_ = false;
    peer.drain();
}

void LogPeer::drain() {
    while (!queue_.empty() && watch_.fd >= 0) {
        uint32_t size = 0;
        memcpy(&size, queue_.data(), sizeof size);
        const ssize_t count = send(watch_.fd, queue_.data() + sizeof size + sent_, size - sent_,
                                   MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0) {
            if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS) {
                break;
            }
            if (errno != EMSGSIZE) {
                disconnect(errno);
                return;
            }
            drop(EMSGSIZE);
        }
        sent_ += count < 0 ? size - sent_ : static_cast<size_t>(count);
        if (sent_ == size) {
            queue_.consume(sizeof size + size);
            sent_ = 0;
        }
    }
    loop_->change(watch_,
                  queue_.empty() ? idle_events(plan_) : uint32_t{EPOLLOUT} | idle_events(plan_));
    update_blocked();
}

void LogPeer::update_blocked() {
    const bool was = blocked_;
    const bool there = watch_.fd >= 0 && !connecting_;
    // Some way down before it goes on, or every message would stop and start everything.
    blocked_ = may_block_ && there && queue_.size() > (was ? kBlockSize / 2 : kBlockSize);
    if (was && !blocked_) {
        on_room_(owner_);
    }
}

void LogPeer::stop_blocking() {
    may_block_ = false;
    update_blocked();
}

void LogPeer::drop(int error) {
    ++dropped_;
    drop_reason_ = error;
}

void LogPeer::disconnect(int error) {
    drop_reason_ = error;
    loop_->suspend(watch_);
    close(watch_.fd);
    watch_.fd = -1;
    connecting_ = false;
    // A message of which the peer got a part is sent again, whole.
    sent_ = 0;
    retry_at_ = monotonic() + kRetryTime;
    update_blocked();
}

void LogPeer::tick(int64_t now_ms) {
    if (now_ms < retry_at_) {
        return;
    }
    retry_at_ = connect_again() ? INT64_MAX : now_ms + kRetryTime;
}

bool LogPeer::connect_again() {
    const PlanHeader& header = plan_.header();
    sockaddr_storage address = {};
    if (header.log_address.size > sizeof address) {
        return false;
    }
    memcpy(&address, plan_.text(header.log_address), header.log_address.size);
    const int type = header.log_stream_socket != 0 ? SOCK_STREAM : SOCK_DGRAM;
    const int fd = socket(address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return false;
    }
    const int failed =
        connect(fd, reinterpret_cast<const sockaddr*>(&address), header.log_address.size);
    if (failed != 0 && errno != EINPROGRESS) {
        close(fd);
        return false;
    }
    connecting_ = failed != 0;
    loop_->add(watch_, fd, EPOLLOUT, &LogPeer::on_ready, this);
    return true;
}

}  // namespace gantry::shim
