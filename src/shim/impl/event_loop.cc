#include "shim/impl/event_loop.h"

#include <sys/epoll.h>

namespace gantry::shim {

bool EventLoop::open() {
    fd_ = epoll_create1(EPOLL_CLOEXEC);
    return fd_ >= 0;
}

void EventLoop::add(Watch& watch, int fd, uint32_t events, Watch::Ready ready, void* owner) {
    watch = {fd, events, false, ready, owner};
    change(watch, events);
}

void EventLoop::change(Watch& watch, uint32_t events) {
    if (watch.added && watch.events == events) {
        return;
    }
    epoll_event event = {};
    event.events = events;
    event.data.ptr = &watch;
    if (epoll_ctl(fd_, watch.added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch.fd, &event) == 0) {
        watch.added = true;
        watch.events = events;
    }
}

void EventLoop::suspend(Watch& watch) {
    if (watch.added) {
        (void)epoll_ctl(fd_, EPOLL_CTL_DEL, watch.fd, nullptr);
        watch.added = false;
    }
}

bool EventLoop::wait(int timeout_ms) {
    epoll_event event = {};
    if (epoll_wait(fd_, &event, 1, timeout_ms) != 1) {
        return false;
    }
    auto* watch = static_cast<Watch*>(event.data.ptr);
    watch->ready(*watch, event.events);
    return true;
}

}  // namespace gantry::shim
