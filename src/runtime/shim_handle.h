#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "runtime/foreign.h"

namespace gantry::spec::oci {
struct Linux;
struct Process;
struct Seccomp;
}  // namespace gantry::spec::oci

namespace gantry::runtime {

/// How a container's process or an exec ended, as its shim saw it.
struct Exit {
    /// Docker's number: the exit code, or 128 + the signal.
    int code = 0;
    WallTime time;
    /// The kernel's OOM killer was at work in the container's cgroup.
    bool oom_killed = false;
};

/// How output looks on a client's socket.
enum class StreamFraming {
    kNone,
    /// 8-byte stdcopy frames (C3); not for a terminal, which is always raw.
    kStdcopy,
    /// RFC 6455: binary or text frames, and the client's input is in frames, too.
    kWebSocket,
    kWebSocketText,
};

/// Which streams a client takes part in and how they look on its socket.
struct AttachOptions {
    bool standard_input = false;
    bool standard_output = false;
    bool standard_error = false;
    StreamFraming framing = StreamFraming::kNone;
    /// The bytes (not the notation) that detach; empty for never. Looked for on terminals only. At
    /// most 64.
    std::string detach_keys;
    /// Input that the client sent behind its HTTP request. At most 64 KiB.
    std::string early_input;
    /// Comes back in kDetached and kAttachClosed.
    uint64_t notify_id = 0;
};

/// One more process in a running container.
struct ExecOptions {
    /// args, env, cwd, user, capabilities, no_new_privileges, terminal, console_size, rlimits.
    const spec::oci::Process* process = nullptr;
    /// The container's filter, or none.
    const spec::oci::Seccomp* seccomp = nullptr;
    /// The container's, if it has a user or time namespace of its own: the process enters them.
    const spec::oci::Linux* linux = nullptr;
    /// The container, if another runtime made it: that runtime starts the process, and neither
    /// SECCOMP nor LINUX is looked at.
    std::optional<ForeignContainer> foreign;
    /// False: the process reads from /dev/null.
    bool open_stdin = false;
    /// The client's socket; without one the output is read and dropped.
    UniqueFd client;
    AttachOptions attach;
};

struct ExecStarted {
    /// The shim's number for it, never used twice in the life of a container.
    uint32_t number = 0;
    pid_t pid = -1;
};

/// What a shim tells by itself.
struct Event {
    enum class Type {
        /// The container's process has ended; its log is complete and `exit` is written.
        kExited,
        /// An exec has ended. Repeated after a reconnect until forget_exec().
        kExecExited,
        /// A client used its detach keys; its socket is closed.
        kDetached,
        /// A client's socket is closed for another reason: all was delivered, or it went away.
        kAttachClosed,
        /// A client did not read its output in time and gets no more.
        kAttachDropped,
        /// The log was rotated.
        kLogRotated,
        /// Output could not be logged: `notify_id` bytes or records so far, because of `error`.
        kLogDropped,
        /// The shim is gone; the last event there is. Without a kExited before it, the container's
        /// processes were killed with it.
        kGone,
    };
    Type type = Type::kGone;
    uint32_t exec = 0;
    Exit exit;
    uint64_t notify_id = 0;
    /// errno
    int error = 0;
};

/// The daemon's end of one container's shim.
///
/// Thread-safe: requests may come from any thread, also from the one that calls receive(), and at
/// the same time; each waits for its own answer on a private channel (at most 10 s, start() and
/// exec() 60 s: then kTimeout). receive() is for one thread at a time. Destroying the handle closes
/// the connection: a container that was not started ends then, one that runs goes on.
class ShimHandle {
public:
    ShimHandle(ShimHandle&&) noexcept;
    ShimHandle& operator=(ShimHandle&&) noexcept;
    ~ShimHandle();

    enum class Phase {
        /// Set up; waits for start().
        kReady,
        kRunning,
        /// Ended; exit() tells how. Waits for release().
        kExited,
    };
    /// As the shim told when the connection was made; events tell what happens later.
    Phase phase() const { return phase_; }
    /// Meaningful for Phase::kExited.
    const Exit& exit() const { return exit_; }

    /// Becomes readable when receive() has something. Watch it for input.
    int fd() const { return socket_.get(); }
    /// The container's first process, in our pid namespace.
    pid_t pid() const { return pid_; }
    /// Refers to the same process; owned by the handle.
    int init_pidfd() const { return init_pidfd_.get(); }

    /// Lets the process execute its program. Returns when it does, or fails with runc's words,
    /// which clients match: `exec: "x": executable file not found in $PATH`. After a failure the
    /// shim ends by itself.
    Result<> start();

    /// kNotFound when the process (NUMBER 0: the container's) has ended.
    Result<> kill(int signal, uint32_t exec = 0);
    /// kConflict when it has no terminal.
    Result<> resize(uint32_t rows, uint32_t columns, uint32_t exec = 0);
    /// End of input for the process, once what was sent before is read.
    Result<> close_stdin(uint32_t exec = 0);

    /// Gives a client's own socket to the shim, which owns it from then on. When the process has
    /// ended, the client gets the end of its stream. Output written before the call is not
    /// repeated.
    Result<> attach(UniqueFd client, const AttachOptions& options);

    /// Starts a process in the container: joined namespaces, same cgroup. Fails with runc's words
    /// for a program that cannot be executed; the client's socket is then closed without a byte
    /// unless it is still in OPTIONS.client (it is given back on failure, so that the caller can
    /// write the reason to it).
    Result<ExecStarted> exec(ExecOptions& options);
    /// exec() in two steps, for who must not wait in between: the descriptor becomes readable when
    /// finish_exec() has its answer. The client's socket stays in OPTIONS. Dropping the descriptor
    /// loses the answer, not the process.
    Result<UniqueFd> begin_exec(const ExecOptions& options);
    static Result<ExecStarted> finish_exec(UniqueFd pending);
    /// The exit of the exec was recorded: its client now sees the end of its stream (so that what
    /// it asks next is answered right; without this call it sees it after 2 s), and the shim
    /// forgets it.
    Result<> forget_exec(uint32_t exec);

    /// The compressed form of the rotated log file INODE, in "<log path>.gz.tmp", takes its place.
    /// kNotFound when there is no such file any more.
    Result<> take_compressed_log(uint64_t inode);
    /// Removes what was logged so far.
    Result<> clear_log();

    /// The next event, empty when there is none now. Never blocks.
    Result<std::optional<Event>> receive();

    /// The exit was recorded: clients now see the end of their streams (without this call after
    /// The exit was recorded: clients now see the end of their streams (without this call after
    /// 2 s), and the shim ends once they have all they wait for. Before the end: nobody will ask
    /// for the exit, and the shim ends with its container.
    Result<> release();

private:
    friend class Launcher;
    friend Result<ShimHandle> reconnect(const std::string& shim_dir);
    ShimHandle() = default;
    Result<> greet();

    UniqueFd socket_;
    UniqueFd init_pidfd_;
    /// Of the shim, if it is our child.
    UniqueFd shim_pidfd_;
    pid_t pid_ = -1;
    Phase phase_ = Phase::kReady;
    Exit exit_;
};

/// Connects to the shim whose socket is SHIM_DIR/s, as the one daemon that it talks to. kNotFound
/// if there is no such socket, kUnavailable if nobody listens: the shim is gone and
/// read_exit_record() may know more.
Result<ShimHandle> reconnect(const std::string& shim_dir);

/// What the shim left in CONTAINER_DIR/exit; empty if there is no such file. A damaged file is
/// kDataLoss.
Result<std::optional<Exit>> read_exit_record(const std::string& container_dir);

/// Removes SHIM_DIR with the socket in it; no error if it is not there.
Result<> remove_shim_dir(const std::string& shim_dir);

}  // namespace gantry::runtime
