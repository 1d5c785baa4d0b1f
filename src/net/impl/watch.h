#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "net/endpoint.h"
#include "sys/netlink.h"

namespace gantry::net {

/// Notices when somebody else changes our table (nft flush ruleset, firewalld) or takes the
/// gateway's address away (ip link del, ip addr flush).
class Watch {
public:
    struct Subject {
        std::string table;
        uint32_t own_port_id = 0;  // of the socket by which we change the table ourselves
        Ipv4 gateway;
    };
    static Result<Watch> open(Subject subject);

    /// Readable when there may be something to read().
    int fd() const { return state_->epoll.get(); }

    /// Takes in all notifications so far. True: something of ours was changed, or notifications
    /// were lost and it may have been. Thread-safe.
    Result<bool> read();

private:
    struct State {
        Subject subject;
        UniqueFd epoll;
        Mutex mutex;
        sys::NetlinkSocket nft GT_GUARDED_BY(mutex);
        sys::NetlinkSocket route GT_GUARDED_BY(mutex);
    };
    explicit Watch(std::unique_ptr<State> state) : state_(std::move(state)) {}

    std::unique_ptr<State> state_;
};

}  // namespace gantry::net
