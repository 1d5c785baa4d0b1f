#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/impl/client.h"
#include "shim/impl/environment.h"
#include "shim/impl/output_spool.h"
#include "shim/plan.h"

namespace gantry::shim {

/// The three standard streams of one process: pipes or a pty on one side, the log and any number of
/// clients on the other.
class Stdio {
public:
    /// Makes the pipes (for a terminal, /dev/null in their place until set_terminal()). LOG may be
    /// null. Returns 0 or an errno.
    int open(Environment& environment, uint32_t process, bool terminal, StdinMode stdin_mode,
             ContainerLog* log);
    /// What becomes descriptor INDEX (0-2) of the process.
    int child_fd(int index) const { return child_fds_[index]; }
    void close_child_ends();
    /// The pty's master; owned from now on.
    void set_terminal(int master);

    bool is_terminal() const { return terminal_; }
    int resize(uint32_t rows, uint32_t columns);

    /// Takes the client's socket over; an errno if it cannot be a client (the socket stays the
    /// caller's then).
    int add_client(int fd, const Client::Options& options, char* input, size_t input_size);

    // For clients.

    /// False: input has to wait until there is a terminal.
    bool accepts_input() const { return input_.fd >= 0 || input_closed_; }
    /// How many bytes were taken; a process that no longer reads takes (and loses) all.
    size_t write_input(const char* data, size_t size);
    /// Calls give_held_input() of clients when there is room.
    void watch_input();
    void client_input_ended();
    const OutputSpool& spool() const { return spool_; }
    /// A client that was behind took something, or went away.
    void client_moved();
    /// Something that held the output up is over.
    void resume_output();
    /// Leaves what is written where it is, whatever clients do, until release_output().
    void withhold_output();
    void release_output();

    /// End of input after what was taken before.
    void close_input_when_drained();

    /// The process is gone: what remains in the pipes is read without waiting for clients.
    void process_ended();
    /// True when all of the output was read.
    bool output_ended() const { return open_outputs_ == 0; }
    /// Reads no more; the log is complete.
    void end_output();
    /// The clients may see their end once they have all.
    void finish_clients();

    /// Removes dead clients, drops those that hold the output up and do not move.
    void sweep(int64_t now);
    int64_t deadline() const;
    bool has_clients() const { return clients_ != nullptr; }
    /// Lets go of everything. The clients' sockets stay open in the daemon, which may still have
    /// something to say on them.
    void abandon();

private:
    static void on_output(Watch& watch, uint32_t events);
    static void on_input(Watch& watch, uint32_t events);
    void read_output(int stream);
    void close_output(int stream);
    void keep_for_later(int stream, const char* data, size_t size);
    void tell_dropped(const Client& client);
    bool spool_is_full(uint64_t room);
    void pause_output();
    void pause_if_blocked(uint64_t room);
    void close_input();
    void close_input_if_drained();

    Environment* environment_ = nullptr;
    ContainerLog* log_ = nullptr;
    Client* clients_ = nullptr;
    OutputSpool spool_;
    Watch outputs_[2];
    Watch input_;
    int child_fds_[3] = {-1, -1, -1};
    uint32_t process_ = 0;
    int open_outputs_ = 0;
    StdinMode stdin_mode_ = StdinMode::kNone;
    bool terminal_ = false;
    bool input_closed_ = false;
    bool input_closing_ = false;
    bool paused_ = false;
    bool withheld_ = false;
    /// Paused because of clients.
    bool held_up_ = false;
    bool ended_ = false;
    bool finishing_ = false;
};

}  // namespace gantry::shim
