#include "cli/stream/stream_loop.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <span>
#include <utility>

#include "cli/stream/detach_matcher.h"
#include "cli/stream/stdio_sink.h"
#include "spec/stdcopy.h"

namespace gantry::cli {
namespace {

constexpr size_t kBufferSize = 32 * 1024;
constexpr int kForcedExitAfter = 3;

/// Ours alone, unlike the standard streams, so it can be non-blocking.
Result<> make_nonblocking(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        return fail_errno("making the stream non-blocking");
    }
    return {};
}

bool ends_program(int signal) {
    return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT ||
           signal == SIGUSR1 || signal == SIGUSR2 || signal == SIGALRM;
}

/// One attachment while it lasts.
class Carrier {
public:
    explicit Carrier(StreamPlan plan)
        : socket_(std::move(plan.connection.fd)),
          framing_(plan.framing),
          reading_stdin_(plan.stdin_attached),
          out_(STDOUT_FILENO),
          err_(STDERR_FILENO) {
        if (!plan.detach_keys.empty()) {
            detach_.emplace(std::move(plan.detach_keys));
        }
        early_ = std::move(plan.connection.early);
    }

    Result<> start() {
        GT_TRY(make_nonblocking(socket_.get()));
        return take_output(early_);
    }

    bool done() const { return server_closed_ && !out_.pending() && !err_.pending(); }
    bool detached() const { return detached_; }
    /// How it ended, once it is done.
    Result<> result() const { return error_.empty() ? Result<>() : fail(Kind::kInternal, error_); }

    /// What to poll for: at most one entry per stream.
    void fill(std::array<pollfd, 5>& polls) const {
        const bool flushed = !out_.pending() && !err_.pending();
        short events = 0;
        if (!server_closed_) {
            events = static_cast<short>((flushed ? POLLIN : 0) | (to_send_.empty() ? 0 : POLLOUT));
        }
        polls[1] = {server_closed_ || events == 0 ? -1 : socket_.get(), events, 0};
        polls[2] = {reading_stdin_ && to_send_.empty() && !server_closed_ ? STDIN_FILENO : -1,
                    POLLIN, 0};
        polls[3] = {out_.pending() ? out_.fd() : -1, POLLOUT, 0};
        polls[4] = {err_.pending() ? err_.fd() : -1, POLLOUT, 0};
    }

    Result<> handle(const std::array<pollfd, 5>& polls) {
        if (polls[3].revents != 0) {
            GT_TRY(out_.write_some());
        }
        if (polls[4].revents != 0) {
            GT_TRY(err_.write_some());
        }
        if ((polls[1].revents & POLLOUT) != 0) {
            GT_TRY(send_input());
        }
        if ((polls[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && (polls[1].events & POLLIN)) {
            GT_TRY(receive_output());
        }
        if (polls[2].revents != 0) {
            GT_TRY(read_stdin());
        }
        return {};
    }

private:
    Result<> take_output(std::string_view data) {
        if (framing_ == StreamPlan::Framing::kRaw) {
            out_.push(data);
            return {};
        }
        while (!data.empty()) {
            GT_TRY_VAR(piece, decoder_.next(data));
            if (piece.stream == spec::StdStream::kSystemError && !piece.payload.empty()) {
                // What came before it is still printed.
                error_ = "error from daemon in stream: " + std::string(piece.payload);
                server_closed_ = true;
                return {};
            }
            (piece.stream == spec::StdStream::kStderr ? err_ : out_).push(piece.payload);
        }
        return {};
    }

    Result<> receive_output() {
        const ssize_t got = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
        if (got > 0) {
            return take_output({buffer_.data(), static_cast<size_t>(got)});
        }
        if (got == 0 || errno == ECONNRESET) {
            server_closed_ = true;
        } else if (errno != EAGAIN && errno != EINTR) {
            return fail_errno("reading the container's output");
        }
        return {};
    }

    Result<> read_stdin() {
        const ssize_t got = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
            return {};
        }
        if (got <= 0) {
            reading_stdin_ = false;
            close_input_when_sent_ = true;
            return send_input();
        }
        const std::string_view data(buffer_.data(), static_cast<size_t>(got));
        if (!detach_) {
            to_send_ += data;
        } else if (detach_->feed(data, to_send_)) {
            detached_ = true;
        }
        return send_input();
    }

    Result<> send_input() {
        while (!to_send_.empty()) {
            const ssize_t sent =
                ::send(socket_.get(), to_send_.data(), to_send_.size(), MSG_NOSIGNAL);
            if (sent < 0) {
                if (errno == EAGAIN || errno == EINTR) {
                    return {};
                }
                // The container takes no more input; its output may still come.
                to_send_.clear();
                reading_stdin_ = false;
                return {};
            }
            to_send_.erase(0, static_cast<size_t>(sent));
        }
        if (std::exchange(close_input_when_sent_, false)) {
            (void)::shutdown(socket_.get(), SHUT_WR);
        }
        return {};
    }

    UniqueFd socket_;
    std::string early_;
    StreamPlan::Framing framing_;
    bool reading_stdin_;
    bool close_input_when_sent_ = false;
    bool server_closed_ = false;
    bool detached_ = false;
    std::string error_;
    std::string to_send_;
    StdioSink out_;
    StdioSink err_;
    spec::StdcopyDecoder decoder_;
    std::optional<DetachMatcher> detach_;
    std::array<char, kBufferSize> buffer_ = {};
};

Result<> poll_all(std::span<pollfd> polls) {
    while (::poll(polls.data(), polls.size(), -1) < 0) {
        if (errno != EINTR) {
            return fail_errno("poll");
        }
    }
    return {};
}

}  // namespace

bool StreamLoop::handle_signals() {
    while (const auto signal = signals_.take()) {
        if (*signal == SIGWINCH && actions_.resize) {
            actions_.resize();
            continue;
        }
        if (actions_.forward) {
            actions_.forward(*signal);
        } else if (ends_program(*signal)) {
            interrupting_signal_ = *signal;
            return true;
        }
        if ((*signal == SIGINT || *signal == SIGTERM) &&
            ++termination_requests_ == kForcedExitAfter) {
            interrupting_signal_ = 0;
            return true;
        }
    }
    return false;
}

Result<StreamEnd> StreamLoop::carry(StreamPlan plan) {
    Carrier carrier(std::move(plan));
    GT_TRY(carrier.start());
    while (!carrier.done()) {
        std::array<pollfd, 5> polls = {};
        polls[0] = {signals_.fd(), POLLIN, 0};
        carrier.fill(polls);
        GT_TRY(poll_all(polls));
        if (polls[0].revents != 0 && handle_signals()) {
            return StreamEnd::kInterrupted;
        }
        GT_TRY(carrier.handle(polls));
        if (carrier.detached()) {
            return StreamEnd::kDetached;
        }
    }
    GT_TRY(carrier.result());
    return StreamEnd::kServerClosed;
}

Result<StreamEnd> StreamLoop::await_readable(int fd) {
    while (true) {
        std::array<pollfd, 2> polls = {{{signals_.fd(), POLLIN, 0}, {fd, POLLIN, 0}}};
        GT_TRY(poll_all(polls));
        if (polls[0].revents != 0 && handle_signals()) {
            return StreamEnd::kInterrupted;
        }
        if (polls[1].revents != 0) {
            return StreamEnd::kServerClosed;
        }
    }
}

}  // namespace gantry::cli
