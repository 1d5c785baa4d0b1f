#pragma once

#include <pthread.h>

#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "base/unique_fd.h"
#include "io/impl/deadline.h"
#include "io/impl/parked_outlet.h"
#include "io/server.h"

namespace gantry::io {

/// Everything that a Server's threads share: its settings, who is connected, and how it stops.
///
/// Connection threads are joinable but nobody waits for each of them: a thread that ends leaves its
/// handle in a slot and joins the thread whose handle it found there. So at most one ended thread
/// is not joined at any time, and stop() joins that one.
class Server::Core : public std::enable_shared_from_this<Server::Core> {
public:
    Core(Loop& loop, ServerOptions options, Handler handler);
    ~Core();

    Result<> start(std::vector<Listener> listeners);
    bool stop(Deadline deadline);
    /// After stop(): until the last handler has returned.
    void wait_for_threads();
    size_t connections() const;

    const ServerOptions& options() const { return options_; }
    const Handler& handler() const { return handler_; }
    /// Readable from the moment of stop() on.
    int stopped_fd() const { return stopped_.get(); }
    bool stopping() const;

    /// Puts the connection's socket on the loop.
    Result<std::shared_ptr<Outlet>> park(UniqueFd fd, Framing framing, Transport transport,
                                         size_t queue_limit);

    /// The sockets of running connections, so that stop() can cut them.
    /// ORDER: forget before the descriptor is closed or given away.
    void remember_socket(int fd);
    void forget_socket(int fd);

private:
    struct Arrival;

    void accept_loop();
    void accept_from(const Listener& listener);
    void admit(UniqueFd fd, const Listener& listener);
    void shed(int listener_fd);
    static void* run_connection(void* arrival);
    void thread_ended();

    Loop& loop_;
    const ServerOptions options_;
    const Handler handler_;
    UniqueFd stopped_;
    /// Given up for a moment when the process is out of descriptors, so that a waiting client can
    /// be accepted and told so instead of being left in the queue, where poll(2) would report it
    /// again and again.
    UniqueFd reserve_;
    std::vector<Listener> listeners_;
    std::thread acceptor_;

    mutable Mutex mutex_;
    Condition changed_;
    size_t threads_ GT_GUARDED_BY(mutex_) = 0;
    std::optional<pthread_t> ended_ GT_GUARDED_BY(mutex_);
    std::unordered_set<int> sockets_ GT_GUARDED_BY(mutex_);
    uint64_t next_parked_ GT_GUARDED_BY(mutex_) = 0;
    std::unordered_map<uint64_t, std::weak_ptr<ParkedOutlet>> parked_ GT_GUARDED_BY(mutex_);
    bool stopping_ GT_GUARDED_BY(mutex_) = false;
};

}  // namespace gantry::io
