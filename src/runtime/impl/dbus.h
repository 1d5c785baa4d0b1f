#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "runtime/impl/dbus_message.h"

namespace gantry::runtime {

/// A D-Bus connection over a unix socket, for one thread that calls and waits: as much of the
/// protocol as talking to systemd takes. Every wait ends after half a minute with kTimeout.
class Dbus {
public:
    enum class Peer {
        kDirect,  // the service itself listens
        kBus,     // a bus daemon does; it knows the service by its name
    };

    /// Connects to the socket PATH as our uid. kNotFound and kUnavailable: nobody listens.
    static Result<Dbus> connect(const std::string& path, Peer peer);

    Peer peer() const { return peer_; }

    /// Sends CALL and waits for the answer. An error's text is the service's; kNotFound,
    /// kConflict and kForbidden follow from its name, anything else is kInternal.
    Result<DbusMessage> call(DbusMessage call);

    /// Waits for a signal that WANTED takes. One that came during a call is not missed.
    Result<> wait_signal(const std::function<bool(const DbusMessage&)>& wanted);

private:
    using Deadline = std::chrono::steady_clock::time_point;

    Result<> authenticate();
    Result<> fill(Deadline deadline);
    Result<DbusMessage> receive(Deadline deadline);

    UniqueFd socket_;
    Peer peer_ = Peer::kDirect;
    uint32_t serial_ = 0;
    std::string input_;
    std::list<DbusMessage> signals_;
};

}  // namespace gantry::runtime
