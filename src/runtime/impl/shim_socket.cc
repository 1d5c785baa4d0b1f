#include "runtime/impl/shim_socket.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace gantry::runtime {

namespace {

/// The address of "s" in DIR_FD, however long the directory's own path is.
sockaddr_un address_in(int dir_fd) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const std::string path = fmt::format("/proc/self/fd/{}/s", dir_fd);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

Result<UniqueFd> open_dir(const std::string& path) {
    UniqueFd dir(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!dir) {
        return fail_errno(path);
    }
    return dir;
}

Result<UniqueFd> make_socket() {
    UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!socket) {
        return fail_errno("socket");
    }
    return socket;
}

Failure shim_gone() {
    return fail(Kind::kUnavailable, "the container's shim is gone");
}

Result<> send_request(int socket, const shim::Request& request, std::string_view payload,
                      const std::vector<int>& fds) {
    // SAFETY: sendmsg(2) only reads.
    iovec parts[2] = {{const_cast<shim::Request*>(&request), sizeof request},
                      {const_cast<char*>(payload.data()), payload.size()}};
    std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
    msghdr message = {};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(item), fds.data(), fds.size() * sizeof(int));
    while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
        if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) {
            return shim_gone();
        }
        if (errno != EINTR) {
            return fail_errno("send to the shim");
        }
    }
    return {};
}

}  // namespace

Result<UniqueFd> listen_in(const std::string& shim_dir) {
    if (mkdir(shim_dir.c_str(), 0700) != 0 && errno != EEXIST) {
        return fail_errno(shim_dir);
    }
    GT_TRY_VAR(dir, open_dir(shim_dir));
    GT_TRY_VAR(socket, make_socket());
    if (unlinkat(dir.get(), "s", 0) != 0 && errno != ENOENT) {
        return fail_errno(shim_dir + "/s");
    }
    const sockaddr_un address = address_in(dir.get());
    if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(socket.get(), 16) != 0) {
        return fail_errno(shim_dir + "/s");
    }
    return std::move(socket);
}

Result<UniqueFd> connect_to(const std::string& shim_dir) {
    GT_TRY_VAR(dir, open_dir(shim_dir));
    GT_TRY_VAR(socket, make_socket());
    const sockaddr_un address = address_in(dir.get());
    if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return errno == ECONNREFUSED ? shim_gone() : fail_errno(shim_dir + "/s");
    }
    return std::move(socket);
}

Result<Reply> receive_reply(int channel, std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    pollfd waiting = {channel, POLLIN, 0};
    while (true) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        const int ready = poll(&waiting, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
        if (ready > 0) {
            break;
        }
        if (ready == 0) {
            return fail(Kind::kTimeout, "the container's shim does not answer");
        }
        if (errno != EINTR) {
            return fail_errno("poll");
        }
    }
    Reply reply;
    iovec data = {&reply.answer, sizeof reply.answer};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    if (size != static_cast<ssize_t>(sizeof reply.answer)) {
        return shim_gone();
    }
    if (const cmsghdr* item = CMSG_FIRSTHDR(&message);
        item != nullptr && item->cmsg_type == SCM_RIGHTS) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(item), sizeof fd);
        reply.fd.reset(fd);
    }
    reply.answer.noun[sizeof reply.answer.noun - 1] = '\0';
    return reply;
}

Result<UniqueFd> send_question(int socket, const shim::Request& request, std::string_view payload,
                               std::span<const int> fds) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return fail_errno("socketpair");
    }
    UniqueFd ours(pair[0]);
    // Closed here once it is sent: only the shim has it, so that its death ends our wait.
    const UniqueFd theirs(pair[1]);
    std::vector<int> all = {theirs.get()};
    all.insert(all.end(), fds.begin(), fds.end());
    GT_TRY(send_request(socket, request, payload, all));
    return ours;
}

Result<Reply> ask(int socket, const shim::Request& request, std::string_view payload,
                  std::span<const int> fds, std::chrono::milliseconds timeout) {
    GT_TRY_VAR(channel, send_question(socket, request, payload, fds));
    return receive_reply(channel.get(), timeout);
}

Result<UniqueFd> sealed_memfd(const char* name, std::string_view content) {
    // MFD_EXEC since Linux 6.3; older kernels know only the first two.
    constexpr unsigned kExec = 0x10;
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | kExec);
    if (fd < 0 && errno == EINVAL) {
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    }
    UniqueFd memfd(fd);
    if (!memfd) {
        return fail_errno("memfd_create");
    }
    while (!content.empty()) {
        const ssize_t count = write(memfd.get(), content.data(), content.size());
        if (count < 0) {
            return fail_errno("write to memfd");
        }
        content.remove_prefix(static_cast<size_t>(count));
    }
    if (fcntl(memfd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) !=
        0) {
        return fail_errno("seal memfd");
    }
    return std::move(memfd);
}

}  // namespace gantry::runtime
