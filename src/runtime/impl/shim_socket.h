#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"
#include "shim/protocol.h"

namespace gantry::runtime {

/// SHIM_DIR/s as a listening SEQPACKET socket; the directory is made when missing and an old socket
/// replaced. Works for paths longer than a socket address.
Result<UniqueFd> listen_in(const std::string& shim_dir);
/// kNotFound without a socket, kUnavailable when nobody listens.
Result<UniqueFd> connect_to(const std::string& shim_dir);

struct Reply {
    shim::Answer answer = {};
    /// What came with it, if anything.
    UniqueFd fd;
};

/// Sends one request; its answer comes on the channel that is given back. FDS stay the caller's.
Result<UniqueFd> send_question(int socket, const shim::Request& request, std::string_view payload,
                               std::span<const int> fds);
/// Waits for the answer. kUnavailable when the shim is gone, kTimeout at the deadline.
Result<Reply> receive_reply(int channel, std::chrono::milliseconds timeout);
/// Both.
Result<Reply> ask(int socket, const shim::Request& request, std::string_view payload,
                  std::span<const int> fds, std::chrono::milliseconds timeout);

/// CONTENT in a memfd that nobody can change any more.
Result<UniqueFd> sealed_memfd(const char* name, std::string_view content);

}  // namespace gantry::runtime
