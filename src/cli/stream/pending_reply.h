#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "io/client.h"

namespace gantry::cli {

/// The answer to a call that takes as long as a container runs. Its head has come; the body, one
/// short JSON document, can be waited for together with signals and streams: poll fd() and call
/// receive() when it is readable.
class PendingReply {
public:
    PendingReply(io::ClientConnection connection, const io::ClientResponse& head);

    int fd() const { return raw_.fd.get(); }

    /// Takes in what has come; blocks if nothing has. The whole body once it is there.
    /// kCancelled: the daemon broke off.
    Result<std::optional<std::string>> receive();

    /// The body, if it came together with the head already.
    Result<std::optional<std::string>> received() const;

private:
    static constexpr size_t kLimit = 1 << 20;

    io::RawConnection raw_;
    bool chunked_;
    /// Bytes of the body; empty: it ends with the connection.
    std::optional<size_t> length_;
};

}  // namespace gantry::cli
