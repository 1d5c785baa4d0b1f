#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "io/http.h"

namespace gantry::io {

/// A socket that accepts connections. A unix socket's file is removed when the Listener goes.
class Listener {
public:
    Listener(Listener&&) noexcept = default;
    Listener& operator=(Listener&& other) noexcept;
    ~Listener();

    int fd() const { return fd_.get(); }
    Transport transport() const { return transport_; }
    /// TCP on 127.0.0.0/8 or ::1: a browser on this machine can reach it.
    bool loopback() const { return loopback_; }
    /// TCP: the bound port, useful after asking for port 0.
    uint16_t port() const { return port_; }

private:
    friend struct ListenerMaker;
    Listener() = default;

    UniqueFd fd_;
    Transport transport_ = Transport::kUnix;
    bool loopback_ = false;
    uint16_t port_ = 0;
    std::string unlink_path_;
};

struct UnixListenOptions {
    std::string path;
    mode_t mode = 0660;
    /// Owning group of the socket; empty: the process's own.
    std::optional<gid_t> group;
};

/// Listens on a unix socket. A socket file that nobody listens on is replaced; a live socket and
/// anything that is not a socket, symbolic links included, is kConflict and stays as it is.
Result<Listener> listen_unix(const UnixListenOptions& options);

/// Listens on a numeric IPv4 or IPv6 address; port 0 lets the kernel choose.
Result<Listener> listen_tcp(const std::string& address, uint16_t port);

/// Takes over a listening socket made by somebody else (systemd's LISTEN_FDS).
Result<Listener> adopt_listener(UniqueFd fd);

}  // namespace gantry::io
