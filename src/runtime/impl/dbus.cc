#include "runtime/impl/dbus.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "sys/files.h"

namespace gantry::runtime {

namespace {

constexpr std::chrono::seconds kPatience(30);

Kind kind_of(std::string_view error_name) {
    struct Row {
        std::string_view ending;
        Kind kind;
    };
    constexpr Row kRows[] = {
        {".NoSuchUnit", Kind::kNotFound},
        {".UnitExists", Kind::kConflict},
        {".AccessDenied", Kind::kForbidden},
        {".InteractiveAuthorizationRequired", Kind::kForbidden},
        {".InvalidArgs", Kind::kInvalid},
        {".PropertyReadOnly", Kind::kInvalid},
    };
    const auto* row = std::ranges::find_if(
        kRows, [&](const Row& entry) { return error_name.ends_with(entry.ending); });
    return row == std::end(kRows) ? Kind::kInternal : row->kind;
}

Error error_of(const DbusMessage& message) {
    std::string text = message.error_name;
    if (message.signature.starts_with('s')) {
        DbusReader reader(message.body);
        text = reader.string();
    }
    return Error(kind_of(message.error_name), std::move(text));
}

}  // namespace

Result<Dbus> Dbus::connect(const std::string& path, Peer peer) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return fail(Kind::kInvalid, fmt::format("{}: path too long for a socket", path));
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    Dbus bus;
    bus.peer_ = peer;
    bus.socket_.reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!bus.socket_) {
        return fail_errno("socket");
    }
    // SAFETY: the sockets API wants every address as a sockaddr.
    if (::connect(bus.socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
        0) {
        const bool absent = errno == ECONNREFUSED || errno == EAGAIN;
        return absent ? fail(Kind::kUnavailable, fmt::format("{}: {}", path, strerror(errno)))
                      : fail_errno(path);
    }
    GT_TRY(bus.authenticate());
    if (peer == Peer::kBus) {
        DbusMessage hello;
        hello.destination = "org.freedesktop.DBus";
        hello.path = "/org/freedesktop/DBus";
        hello.interface = "org.freedesktop.DBus";
        hello.member = "Hello";
        GT_TRY(bus.call(std::move(hello)));
    }
    return bus;
}

Result<> Dbus::authenticate() {
    const std::string uid = std::to_string(geteuid());
    const std::string hex =
        // SAFETY: bytes of a string as unsigned ones.
        to_hex({reinterpret_cast<const unsigned char*>(uid.data()), uid.size()});
    GT_TRY(sys::write_all(socket_.get(),
                          std::string(1, '\0') + "AUTH EXTERNAL " + hex + "\r\nBEGIN\r\n"));
    const Deadline deadline = std::chrono::steady_clock::now() + kPatience;
    size_t end = 0;
    while ((end = input_.find("\r\n")) == std::string::npos) {
        GT_TRY(fill(deadline));
    }
    if (!input_.starts_with("OK ")) {
        return fail(Kind::kForbidden, "D-Bus: not let in");
    }
    input_.erase(0, end + 2);
    return {};
}

Result<> Dbus::fill(Deadline deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd watched = {socket_.get(), POLLIN, 0};
    const int ready = poll(&watched, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (ready < 0) {
        return errno == EINTR ? Result<>() : fail_errno("poll");
    }
    if (ready == 0) {
        return fail(Kind::kTimeout, "no answer over D-Bus");
    }
    char bytes[4096];
    const ssize_t size = recv(socket_.get(), bytes, sizeof bytes, 0);
    if (size < 0) {
        return errno == EINTR || errno == EAGAIN ? Result<>() : fail_errno("recv");
    }
    if (size == 0) {
        return fail(Kind::kUnavailable, "the D-Bus connection was closed");
    }
    input_.append(bytes, static_cast<size_t>(size));
    return {};
}

Result<DbusMessage> Dbus::receive(Deadline deadline) {
    for (;;) {
        GT_TRY_VAR(size, dbus_message_size(input_));
        if (size && input_.size() >= *size) {
            auto message = parse_dbus_message(std::string_view(input_).substr(0, *size));
            input_.erase(0, *size);
            return message;
        }
        GT_TRY(fill(deadline));
    }
}

Result<DbusMessage> Dbus::call(DbusMessage call) {
    call.type = DbusMessage::Type::kCall;
    call.serial = ++serial_;
    if (peer_ == Peer::kDirect) {
        call.destination.clear();
    }
    GT_TRY(sys::write_all(socket_.get(), serialize(call)));
    const Deadline deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
        GT_TRY_VAR(message, receive(deadline));
        if (message.type == DbusMessage::Type::kSignal) {
            signals_.push_back(std::move(message));
        } else if (message.reply_serial == call.serial) {
            if (message.type == DbusMessage::Type::kError) {
                return Failure(error_of(message));
            }
            return std::move(message);
        }
    }
}

Result<> Dbus::wait_signal(const std::function<bool(const DbusMessage&)>& wanted) {
    const auto found = std::ranges::find_if(signals_, wanted);
    if (found != signals_.end()) {
        signals_.erase(found);
        return {};
    }
    const Deadline deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
        GT_TRY_VAR(message, receive(deadline));
        if (message.type == DbusMessage::Type::kSignal && wanted(message)) {
            return {};
        }
    }
}

}  // namespace gantry::runtime
