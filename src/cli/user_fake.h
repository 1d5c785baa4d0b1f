#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "cli/daemon_fake.h"
#include "cli/program.h"

// Somebody who runs the program and looks at what it does: for tests only.
namespace gantry::cli {

/// The program in a process of its own, with pipes or a terminal as its standard streams.
class FakeUser {
public:
    enum class Streams { kPipes, kTerminal };

    FakeUser(FakeDaemon& daemon, std::vector<std::string> words,
             Streams streams = Streams::kPipes) {
        words.insert(words.begin(), {"docker", "-H", daemon.host()});
        if (streams == Streams::kTerminal) {
            start_on_terminal(words);
        } else {
            start_on_pipes(words);
        }
        daemon.serve();
    }

    ~FakeUser() {
        if (pid_ > 0) {
            (void)::kill(pid_, SIGKILL);
            (void)::waitpid(pid_, nullptr, 0);
        }
    }
    FakeUser(const FakeUser&) = delete;
    FakeUser& operator=(const FakeUser&) = delete;

    pid_t pid() const { return pid_; }
    int terminal() const { return in_.get(); }

    void type(std::string_view text) const {
        EXPECT_EQ(::write(in_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    void close_input() { in_.reset(); }

    /// Reads what the program prints until it has printed TEXT.
    bool expect(std::string_view text) {
        while (out_text_.find(text) == std::string::npos) {
            if (!read_some(out_, out_text_)) {
                return false;
            }
        }
        return true;
    }

    /// Waits for the end; the exit status, or 1000 + signal.
    int finish() {
        while (read_some(out_, out_text_)) {
        }
        if (err_) {
            while (read_some(err_, err_text_)) {
            }
        }
        int status = 0;
        EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }

    const std::string& out() const { return out_text_; }
    const std::string& err() const { return err_text_; }

private:
    [[noreturn]] static void run(const std::vector<std::string>& words) {
        // The user's own settings are no part of a test.
        ::setenv("DOCKER_CONFIG", "/nonexistent", 1);
        ::unsetenv("DOCKER_API_VERSION");
        const int status = run_program(words);
        (void)std::fflush(stdout);
        ::_exit(status);
    }

    void start_on_pipes(const std::vector<std::string>& words) {
        int in[2];
        int out[2];
        int err[2];
        ASSERT_EQ(::pipe2(in, O_CLOEXEC) | ::pipe2(out, O_CLOEXEC) | ::pipe2(err, O_CLOEXEC), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(in[0], STDIN_FILENO);
            ::dup2(out[1], STDOUT_FILENO);
            ::dup2(err[1], STDERR_FILENO);
            for (const int fd : {in[0], in[1], out[0], out[1], err[0], err[1]}) {
                ::close(fd);
            }
            run(words);
        }
        ::close(in[0]);
        ::close(out[1]);
        ::close(err[1]);
        in_.reset(in[1]);
        out_.reset(out[0]);
        err_.reset(err[0]);
    }

    void start_on_terminal(const std::vector<std::string>& words) {
        winsize size = {24, 80, 0, 0};
        int master = -1;
        pid_ = ::forkpty(&master, nullptr, nullptr, &size);
        if (pid_ == 0) {
            run(words);
        }
        in_.reset(master);
        out_.reset(::fcntl(master, F_DUPFD_CLOEXEC, 3));
    }

    static bool read_some(const UniqueFd& fd, std::string& into) {
        pollfd ready = {fd.get(), POLLIN, 0};
        const auto timeout = std::chrono::milliseconds(kTestDeadline).count();
        if (::poll(&ready, 1, static_cast<int>(timeout)) != 1) {
            ADD_FAILURE() << "no output in time; so far: " << into;
            return false;
        }
        char buffer[4096];
        const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
        if (got <= 0) {
            return false;
        }
        into.append(buffer, static_cast<size_t>(got));
        return true;
    }

    pid_t pid_ = -1;
    UniqueFd in_;
    UniqueFd out_;
    UniqueFd err_;
    std::string out_text_;
    std::string err_text_;
};

}  // namespace gantry::cli
