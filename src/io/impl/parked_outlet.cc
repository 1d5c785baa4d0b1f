#include "io/impl/parked_outlet.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "io/impl/response_text.h"

namespace gantry::io {

ParkedOutlet::ParkedOutlet(Loop& loop, UniqueFd fd, const ParkedOutletOptions& options,
                           std::function<void()> released)
    : loop_(loop), options_(options), released_(std::move(released)), fd_(std::move(fd)) {}

Result<std::shared_ptr<ParkedOutlet>> ParkedOutlet::make(Loop& loop, UniqueFd fd,
                                                         const ParkedOutletOptions& options,
                                                         std::function<void()> released) {
    std::shared_ptr<ParkedOutlet> outlet(
        new ParkedOutlet(loop, std::move(fd), options, std::move(released)));
    // ORDER: the lock holds back an event that comes before watch_ is set.
    MutexLock lock(outlet->mutex_);
    GT_TRY_VAR(watch, loop.watch(outlet->fd_.get(), options.hangup_events,
                                 [weak = std::weak_ptr(outlet)](uint32_t events) {
                                     if (const auto self = weak.lock()) {
                                         self->on_events(events);
                                     }
                                 }));
    outlet->watch_ = std::move(watch);
    return outlet;
}

ParkedOutlet::~ParkedOutlet() {
    watch_.reset();
    fd_.reset();
    if (released_) {
        released_();
    }
}

Outlet::Push ParkedOutlet::push(std::string_view data) {
    MutexLock lock(mutex_);
    if (closed_ || finishing_) {
        return Push::kClosed;
    }
    if (data.empty()) {
        return Push::kAccepted;
    }
    return enqueue(options_.framing == Framing::kChunked ? format_chunk(data) : std::string(data));
}

void ParkedOutlet::finish() {
    MutexLock lock(mutex_);
    if (closed_ || finishing_) {
        return;
    }
    finishing_ = true;
    if (enqueue(options_.framing == Framing::kChunked ? kLastChunk : "") == Push::kClosed) {
        return;
    }
    if (pending_.empty()) {
        drop();
        return;
    }
    // The owner may let go meanwhile: the loop keeps the outlet until the rest is sent.
    finish_timer_ =
        loop_.after(options_.finish_deadline, [self = shared_from_this()] { self->abort(); });
}

bool ParkedOutlet::closed() const {
    MutexLock lock(mutex_);
    return closed_;
}

void ParkedOutlet::on_closed(std::function<void()> callback) {
    MutexLock lock(mutex_);
    if (fd_) {
        std::swap(on_closed_, callback);
    } else {
        loop_.post(std::move(callback));
    }
}

void ParkedOutlet::abort() {
    MutexLock lock(mutex_);
    drop();
}

void ParkedOutlet::on_events(uint32_t events) {
    MutexLock lock(mutex_);
    if (closed_) {
        return;
    }
    if ((events & (options_.hangup_events | EPOLLHUP | EPOLLERR)) != 0 || !flush()) {
        drop();
        return;
    }
    if (pending_.empty()) {
        unwatch_writable();
        if (finishing_) {
            drop();
        }
    }
}

Outlet::Push ParkedOutlet::enqueue(std::string_view frame) {
    const bool direct = pending_.empty();
    pending_ += frame;
    if ((direct && !flush()) || pending_.size() > options_.queue_limit) {
        drop();
        return Push::kClosed;
    }
    if (!pending_.empty()) {
        watch_writable();
    }
    return Push::kAccepted;
}

bool ParkedOutlet::flush() {
    size_t sent = 0;
    while (sent < pending_.size()) {
        const ssize_t count = ::send(fd_.get(), pending_.data() + sent, pending_.size() - sent,
                                     MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno != EINTR) {
            const bool full = errno == EAGAIN;
            pending_.erase(0, sent);
            return full;
        }
        sent += count > 0 ? static_cast<size_t>(count) : 0;
    }
    pending_.clear();
    return true;
}

// Both fail only for lack of kernel memory; the queue limit ends the client's stream then.
void ParkedOutlet::watch_writable() {
    if (!std::exchange(writable_watched_, true)) {
        (void)watch_.set_events(options_.hangup_events | EPOLLOUT);
    }
}

void ParkedOutlet::unwatch_writable() {
    if (std::exchange(writable_watched_, false)) {
        (void)watch_.set_events(options_.hangup_events);
    }
}

void ParkedOutlet::drop() {
    if (closed_) {
        return;
    }
    closed_ = true;
    pending_ = std::string();
    // The descriptor is still ours: it is closed on the loop's thread, after this.
    (void)::shutdown(fd_.get(), SHUT_RDWR);
    loop_.post([self = shared_from_this()] { self->close_on_loop(); });
}

void ParkedOutlet::close_on_loop() {
    LoopHandle watch;
    LoopHandle timer;
    UniqueFd fd;
    std::function<void()> on_closed;
    std::function<void()> released;
    {
        MutexLock lock(mutex_);
        watch = std::move(watch_);
        timer = std::move(finish_timer_);
        fd = std::move(fd_);
        on_closed = std::exchange(on_closed_, nullptr);
        released = std::exchange(released_, nullptr);
    }
    watch.reset();
    fd.reset();
    if (released) {
        released();
    }
    if (on_closed) {
        on_closed();
    }
}

}  // namespace gantry::io
