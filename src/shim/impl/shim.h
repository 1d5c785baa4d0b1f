#pragma once

#include <signal.h>

#include <cstdint>

#include "shim/impl/environment.h"
#include "shim/impl/executor.h"
#include "shim/impl/process.h"
#include "shim/protocol.h"

namespace gantry::shim {

/// One container's shim: the parent of its processes, the owner of their streams, the memory of how
/// they ended. Single-threaded; one instance, static.
class Shim {
public:
    /// Serves until the container is over and released. Returns the exit code of the program.
    int run();

private:
    static constexpr uint32_t kMaxFds = 3;
    /// What a background process that still holds the output may delay the report of an exit (R21).
    static constexpr int64_t kDrainTime = 1000;
    struct Received {
        const Request* request;
        char* payload;
        uint32_t payload_size;
        int fds[kMaxFds];
        uint32_t fd_count;
    };

    // shim.cc
    bool prepare();
    void open_log();
    bool log_is_drained() const { return !peer_.is_open() || peer_.is_drained(); }
    int next_timeout();
    void tick();
    bool is_over() const;
    static void on_child(Watch& watch, uint32_t events);
    void collect_children();
    bool peek(Process& process);
    void process_ended(Process& process, const siginfo_t& info);
    void finish(Process& process);
    void release(Process& process);
    void forget_released_execs();
    void write_exit_record(const Process& process);
    bool oom_killed() const;

    // launch.cc
    int launch(Process& process);
    int spawn_child(Process& process, int sync_fd);
    [[noreturn]] void run_child(Process& process, int sync_fd);
    static void on_sync(Watch& watch, uint32_t events);
    void child_said(Process& process, const ChildMessage& message, int fd);
    void child_closed(Process& process);
    void launch_failed(Process& process, const ChildMessage& reason);
    void executed(Process& process);

    // requests.cc
    static void on_listen(Watch& watch, uint32_t events);
    static void on_daemon(Watch& watch, uint32_t events);
    void accept_daemon();
    void lose_daemon();
    void receive_request();
    int handle(Received& received);
    int hello(Received& received);
    int start(Received& received);
    int attach(Process& process, Received& received);
    int exec(Received& received);
    int signal_process(Process& process, int signal);
    void answer(int fd, const Answer& answer, int pass_fd = -1);
    void answer_error(int fd, int error);
    Answer describe_container() const;
    void send_events();
    bool send_event(const EventMessage& event);
    bool send_log_events();
    Process* find(uint32_t number);
    Client::Options client_options(const Received& received) const;

    // foreign.cc
    bool is_foreign() const;
    /// Takes the answer's channel out of RECEIVED when it returns 0.
    int signal_by_runtime(Received& received, int signal);
    void delete_by_runtime();
    /// Whether one of the runtime's commands has ended.
    bool collect_commands();

    /// A `kill` of another runtime that is under way.
    struct SentSignal {
        int pid = -1;
        int answer_fd = -1;
        SentSignal* next = nullptr;
    };

    Environment environment_;
    ContainerLog log_;
    LogPeer peer_;
    /// What the present daemon knows of the log.
    uint64_t rotations_told_ = 0;
    uint64_t dropped_told_ = 0;
    Process init_;
    Pool<Process> exec_pool_;
    Process* execs_ = nullptr;
    uint32_t next_exec_ = 1;
    Phase phase_ = Phase::kPreparing;
    /// Why the container could not be set up, until somebody asks.
    Answer failure_ = {};
    Pool<SentSignal> signal_pool_;
    SentSignal* signals_ = nullptr;
    /// Another runtime's `delete`, while it runs.
    int deleting_ = -1;
    bool start_received_ = false;
    bool leaving_ = false;
    int tasks_fds_ = 0;
    int kept_fds_ = 0;

    Watch listen_;
    Watch daemon_;
    Watch children_;
};

}  // namespace gantry::shim
