#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shim/impl/environment.h"
#include "shim/impl/web_socket.h"

namespace gantry::shim {

class Stdio;

/// One attached client: its own stream socket, which the daemon handed over.
///
/// A client that does not take its output at once is behind: what is left of the present record
/// waits in a backlog, and what follows in the process' OutputSpool. When the spool is full the
/// process has to wait (back-pressure) as long as the client takes anything; one that takes nothing
/// for kMaxStall is dropped then: it gets no more output but the notice that some is missing. Once
/// the process has ended, a client has kMaxLinger for each piece. A dead client is only marked;
/// Stdio removes it when no code of it is running.
class Client {
public:
    static constexpr int64_t kMaxStall = 10000;
    static constexpr int64_t kMaxLinger = 60000;

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
    void take_input(char* data, size_t size);
    /// The process' input can take more: gives what was held back.
    void give_held_input();
    /// Looks anew at what can be read now.
    void update_interest();

    /// STREAM 0 is stdout, 1 stderr.
    bool wants(int stream) const {
        return (flags_ & (kAttachStdout << stream)) != 0 && !hung_up_ && !dropped_ && !dead_;
    }
    /// Only for a client that is not behind. LATER is where the spool has what follows. There
    /// must be room for a frame in front of DATA.
    void send(int stream, char* data, size_t size, uint64_t later);
    /// No more output comes; the client may see its end once it has all.
    void finish();
    /// It gets no more output, and is told so as far as its protocol has words for it.
    void drop();

    bool is_behind() const { return behind_; }
    /// The first of the spool's bytes that it still wants; only of a client that is behind.
    uint64_t position() const { return position_; }

    bool has_held_input() const { return !held_input_.empty(); }
    bool is_dead() const { return dead_; }
    bool is_dropped() const { return dropped_; }
    bool detached() const { return detached_; }
    bool gives_input() const { return (flags_ & kAttachStdin) != 0; }
    uint64_t notify_id() const { return notify_id_; }
    /// When it is to be given up if nothing moves (monotonic ms). HOLDS_UP: the process waits for
    /// its clients.
    int64_t deadline(bool holds_up) const;
    /// True when it was given up or dropped.
    bool check_deadline(int64_t now, bool holds_up);

    Client* next = nullptr;

private:
    static void on_ready(Watch& watch, uint32_t events);
    void read_input();
    void scan_input(const char* data, size_t size);
    void deliver(const char* data, size_t size);
    void receive(char* data, size_t size);
    void end_input();
    bool is_web_socket() const { return (flags_ & kAttachWebSocket) != 0; }
    void tell(uint8_t opcode, const char* data, size_t size);
    void tell_close(unsigned code, std::string_view reason);
    bool put(const char* data, size_t size);
    size_t frame_size(size_t size) const;
    void write_frame(char* out, int stream, size_t size) const;
    bool flush_backlog();
    bool send_record();
    void catch_up();
    void hang_up();
    void die() { dead_ = true; }

    Environment* environment_ = nullptr;
    Stdio* stdio_ = nullptr;
    Watch watch_;
    ByteQueue backlog_;
    ByteQueue held_input_;
    WebSocketInput frames_;
    /// In the spool.
    uint64_t position_ = 0;
    /// When it took output last (monotonic ms).
    int64_t moved_at_ = 0;
    uint64_t notify_id_ = 0;
    uint32_t flags_ = 0;
    uint32_t keys_size_ = 0;
    uint32_t keys_matched_ = 0;
    bool input_over_ = false;
    /// The client closed both directions; its input is still delivered.
    bool hung_up_ = false;
    bool finishing_ = false;
    bool behind_ = false;
    bool dropped_ = false;
    /// A web socket's closing frame is on its way.
    bool told_end_ = false;
    bool detached_ = false;
    bool dead_ = false;
    char keys_[kMaxDetachKeys];
};

}  // namespace gantry::shim
