#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/impl/environment.h"

namespace gantry::shim {

class Stdio;

/// One attached client: its own stream socket, which the daemon handed over.
///
/// Output that the socket does not take at once waits in a backlog, and while there is one, nothing
/// more is read from the process (back-pressure, so a client costs one read's worth of memory). A
/// client whose backlog does not move for a minute is dropped. A dead client is only marked; Stdio
/// removes it when no code of it is running.
class Client {
public:
    struct Options {
        uint32_t flags;  // kAttach*
        uint64_t notify_id;
        const char* detach_keys;
        uint32_t detach_keys_size;
    };

    void open(Environment& environment, Stdio& stdio, int fd, const Options& options);
    /// Closes the socket: ends the stream in order if all was delivered.
    void close();
    /// Lets go of a socket that somebody else has open too.
    void abandon();

    /// Takes input that the client sent earlier.
    void take_input(const char* data, size_t size);
    /// The process' input can take more: gives what was held back.
    void give_held_input();
    /// Looks anew at what can be read now.
    void update_interest();

    /// STREAM 0 is stdout, 1 stderr.
    bool wants(int stream) const { return (flags_ & (kAttachStdout << stream)) != 0; }
    void send(int stream, const char* data, size_t size);
    /// No more output comes; the client may see its end.
    void finish();

    bool has_held_input() const { return !held_input_.empty(); }
    bool is_blocked() const { return !backlog_.empty(); }
    bool is_dead() const { return dead_; }
    bool detached() const { return detached_; }
    bool gives_input() const { return (flags_ & kAttachStdin) != 0; }
    uint64_t notify_id() const { return notify_id_; }
    /// When it is to be dropped if nothing moves (monotonic ms).
    int64_t deadline() const { return is_blocked() ? blocked_until_ : kNever; }
    void check_deadline(int64_t now);

    Client* next = nullptr;

private:
    static void on_ready(Watch& watch, uint32_t events);
    void read_input();
    void scan_input(const char* data, size_t size);
    void deliver(const char* data, size_t size);
    void input_ended();
    void flush_backlog();
    void die() { dead_ = true; }

    Environment* environment_ = nullptr;
    Stdio* stdio_ = nullptr;
    Watch watch_;
    ByteQueue backlog_;
    ByteQueue held_input_;
    int64_t blocked_until_ = 0;
    uint64_t notify_id_ = 0;
    uint32_t flags_ = 0;
    uint32_t keys_size_ = 0;
    uint32_t keys_matched_ = 0;
    bool input_over_ = false;
    /// The client closed both directions; its input is still delivered.
    bool hung_up_ = false;
    bool finishing_ = false;
    bool detached_ = false;
    bool dead_ = false;
    char keys_[kMaxDetachKeys];
};

}  // namespace gantry::shim
