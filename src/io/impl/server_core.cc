#include "io/impl/server_core.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/scope_guard.h"
#include "io/impl/connection.h"
#include "io/impl/response_text.h"

namespace gantry::io {
namespace {

#ifdef GANTRY_SANITIZED
constexpr size_t kStackSize = 2 * 1024 * 1024;  // Sanitizers widen every frame.
#else
constexpr size_t kStackSize = 256 * 1024;
#endif

/// How long the acceptor rests when not even the reserve descriptor helps.
constexpr int kOutOfDescriptorsPauseMs = 50;

UniqueFd open_reserve() {
    return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

/// Says no without waiting for anything.
void refuse(int fd, std::string_view text) {
    const std::string answer = format_refusal(503, text);
    (void)::send(fd, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)::shutdown(fd, SHUT_WR);
}

void set_tcp_options(int fd) {
    // Both are improvements only: a socket without them works.
    const int on = 1;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

}  // namespace

struct Server::Core::Arrival {
    std::shared_ptr<Core> core;
    UniqueFd fd;
    Transport transport;
    bool loopback;
};

Server::Core::Core(Loop& loop, ServerOptions options, Handler handler)
    : loop_(loop), options_(options), handler_(std::move(handler)) {}

Server::Core::~Core() = default;

Result<> Server::Core::start(std::vector<Listener> listeners) {
    stopped_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stopped_) {
        return fail_errno("eventfd");
    }
    reserve_ = open_reserve();
    listeners_ = std::move(listeners);
    acceptor_ = std::thread([this] { accept_loop(); });
    return {};
}

bool Server::Core::stop(Deadline deadline) {
    std::vector<std::shared_ptr<ParkedOutlet>> parked;
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        for (const auto& [id, outlet] : parked_) {
            if (auto strong = outlet.lock()) {
                parked.push_back(std::move(strong));
            }
        }
    }
    if (stopped_) {
        (void)::eventfd_write(stopped_.get(), 1);
    }
    if (acceptor_.joinable()) {
        acceptor_.join();
    }
    listeners_.clear();
    for (const auto& outlet : parked) {
        outlet->abort();
    }
    MutexLock lock(mutex_);
    while (threads_ > 0) {
        if (!changed_.wait_until(mutex_, deadline)) {
            break;
        }
    }
    for (const int fd : sockets_) {
        (void)::shutdown(fd, SHUT_RDWR);
    }
    return threads_ == 0;
}

void Server::Core::wait_for_threads() {
    std::optional<pthread_t> last;
    {
        MutexLock lock(mutex_);
        while (threads_ > 0) {
            changed_.wait(mutex_);
        }
        last = std::exchange(ended_, std::nullopt);
    }
    if (last) {
        (void)::pthread_join(*last, nullptr);
    }
}

size_t Server::Core::connections() const {
    MutexLock lock(mutex_);
    return threads_ + parked_.size();
}

bool Server::Core::stopping() const {
    MutexLock lock(mutex_);
    return stopping_;
}

Result<std::shared_ptr<Outlet>> Server::Core::park(UniqueFd fd, Framing framing,
                                                   Transport transport, size_t queue_limit) {
    uint64_t id;
    {
        MutexLock lock(mutex_);
        id = next_parked_++;
        parked_.emplace(id, std::weak_ptr<ParkedOutlet>());
    }
    // Runs also when make() fails.
    auto released = [weak = weak_from_this(), id] {
        if (const auto core = weak.lock()) {
            MutexLock lock(core->mutex_);
            core->parked_.erase(id);
        }
    };
    ParkedOutletOptions options;
    options.framing = framing;
    options.queue_limit = queue_limit;
    options.hangup_events = transport == Transport::kTcp ? EPOLLRDHUP : 0U;
    GT_TRY_VAR(outlet, ParkedOutlet::make(loop_, std::move(fd), options, std::move(released)));
    bool too_late;
    {
        MutexLock lock(mutex_);
        if (const auto entry = parked_.find(id); entry != parked_.end()) {
            entry->second = outlet;
        }
        too_late = stopping_;
    }
    if (too_late) {
        outlet->abort();
    }
    return std::shared_ptr<Outlet>(std::move(outlet));
}

void Server::Core::remember_socket(int fd) {
    MutexLock lock(mutex_);
    sockets_.insert(fd);
}

void Server::Core::forget_socket(int fd) {
    MutexLock lock(mutex_);
    sockets_.erase(fd);
}

void Server::Core::accept_loop() {
    std::vector<pollfd> fds{{stopped_.get(), POLLIN, 0}};
    for (const Listener& listener : listeners_) {
        fds.push_back({listener.fd(), POLLIN, 0});
    }
    for (;;) {
        const int ready = ::poll(fds.data(), fds.size(), -1);
        if (fds[0].revents != 0) {
            return;
        }
        for (size_t i = 1; ready > 0 && i < fds.size(); ++i) {
            if (fds[i].revents != 0) {
                accept_from(listeners_[i - 1]);
            }
        }
    }
}

void Server::Core::accept_from(const Listener& listener) {
    UniqueFd fd(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    if (fd) {
        admit(std::move(fd), listener);
    } else if (errno == EMFILE || errno == ENFILE) {
        shed(listener.fd());
    } else if (errno == ENOBUFS || errno == ENOMEM) {
        pollfd stop{stopped_.get(), POLLIN, 0};
        (void)::poll(&stop, 1, kOutOfDescriptorsPauseMs);
    }
    // Anything else concerns a client that is gone already (accept(2), "Error handling").
}

void Server::Core::shed(int listener_fd) {
    reserve_.reset();
    if (const UniqueFd fd(::accept4(listener_fd, nullptr, nullptr, SOCK_CLOEXEC)); fd) {
        refuse(fd.get(), "the daemon is out of file descriptors");
    }
    reserve_ = open_reserve();
    if (!reserve_) {
        pollfd stop{stopped_.get(), POLLIN, 0};
        (void)::poll(&stop, 1, kOutOfDescriptorsPauseMs);
    }
}

void Server::Core::admit(UniqueFd fd, const Listener& listener) {
    {
        MutexLock lock(mutex_);
        if (threads_ + parked_.size() >= options_.max_connections) {
            refuse(fd.get(), "the daemon has too many connections");
            return;
        }
        ++threads_;
    }
    if (listener.transport() == Transport::kTcp) {
        set_tcp_options(fd.get());
    }
    const int socket = fd.get();
    auto arrival = std::make_unique<Arrival>(
        Arrival{shared_from_this(), std::move(fd), listener.transport(), listener.loopback()});
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    const ScopeGuard destroy([&] { ::pthread_attr_destroy(&attributes); });
    ::pthread_attr_setstacksize(&attributes, kStackSize);
    pthread_t thread;
    if (::pthread_create(&thread, &attributes, run_connection, arrival.get()) != 0) {
        refuse(socket, "the daemon is out of threads");
        MutexLock lock(mutex_);
        --threads_;
        changed_.notify_all();
        return;
    }
    (void)arrival.release();  // SAFETY: owned by the new thread.
}

void* Server::Core::run_connection(void* arrival) {
    std::unique_ptr<Arrival> own(static_cast<Arrival*>(arrival));
    Core& core = *own->core;
    {
        Connection connection(core, std::move(own->fd), own->transport, own->loopback);
        connection.run();
    }
    // SAFETY: the Server waits for threads_ to become 0 before it lets go of the Core, so the
    // reference outlives thread_ended(); it must not be us who frees it.
    own.reset();
    core.thread_ended();
    return nullptr;
}

void Server::Core::thread_ended() {
    std::optional<pthread_t> previous;
    {
        MutexLock lock(mutex_);
        previous = std::exchange(ended_, ::pthread_self());
        --threads_;
        changed_.notify_all();
    }
    if (previous) {
        (void)::pthread_join(*previous, nullptr);
    }
}

Server::Server(Loop& loop, ServerOptions options, Handler handler)
    : core_(std::make_shared<Core>(loop, options, std::move(handler))) {}

Server::~Server() {
    (void)stop(std::chrono::steady_clock::now());
    core_->wait_for_threads();
}

Result<> Server::start(std::vector<Listener> listeners) {
    return core_->start(std::move(listeners));
}

bool Server::stop(std::chrono::steady_clock::time_point deadline) {
    return core_->stop(deadline);
}

size_t Server::connections() const {
    return core_->connections();
}

}  // namespace gantry::io
