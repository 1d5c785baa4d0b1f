#include "io/cancellation.h"

#include <poll.h>

#include <array>
#include <cerrno>

#include "io/impl/deadline.h"

namespace gantry::io {

bool Cancellation::requested() const {
    std::array<pollfd, 2> fds{{{socket_, hangup_events_, 0}, {stopped_, POLLIN, 0}}};
    return ::poll(fds.data(), fds.size(), 0) > 0;
}

Result<Wakeup> Cancellation::wait(int fd, short events,
                                  std::chrono::steady_clock::time_point deadline) const {
    std::array<pollfd, 3> fds{
        {{fd, events, 0}, {socket_, hangup_events_, 0}, {stopped_, POLLIN, 0}}};
    for (;;) {
        const int ready = ::poll(fds.data(), fds.size(), poll_timeout(deadline));
        if (ready < 0 && errno != EINTR) {
            return fail_errno("poll");
        }
        if (ready > 0) {
            return fds[0].revents != 0 ? Wakeup::kReady : Wakeup::kCancelled;
        }
        if (ready == 0 && std::chrono::steady_clock::now() >= deadline) {
            return Wakeup::kTimeout;
        }
    }
}

}  // namespace gantry::io
