#pragma once

#include <cstdint>

namespace gantry::shim {

// What daemon and shim say to each other: one SEQPACKET message per request, answer or event, a
// fixed struct, native byte order.
//
// The shim listens on <shim dir>/s. One daemon is connected at a time; the newest connection wins
// and the older one is closed. Closing the connection before kStart ends container and shim; after
// it the container goes on and the shim waits for the next daemon.
//
// Requests go daemon -> shim over the connection. The first descriptor with each is a private
// channel for the answer (one end of a SEQPACKET pair): the sender waits there, so answers never
// mix with events and any number of threads can ask at once. A channel that closes without an
// answer means that the shim is gone or the connection was replaced.
//
// Events go shim -> daemon over the connection. Nobody waits for them: the shim keeps kExited until
// it ends and kExecExited until kForgetExec (the 512 newest), and repeats them to each new
// connection. Notices about clients are sent to the present daemon only.

inline constexpr uint32_t kProtocolVersion = 1;

enum class RequestKind : uint32_t {
    /// A = version. Answered when the container is set up or has failed; the answer carries the
    /// container's pid, phase and a pidfd.
    kHello = 1,
    /// Answered when the program was executed or could not be.
    kStart,
    /// A = signal.
    kSignal,
    /// A = rows, B = columns.
    kResize,
    kCloseStdin,
    /// Descriptor: the client's stream socket. FLAGS kAttach*, C = notify id; payload: A bytes of
    /// detach keys, then B bytes of input.
    kAttach,
    /// Descriptors: the exec's plan, then the client's socket if FLAGS has kExecClient. Otherwise
    /// as kAttach. Answered when the program was executed or could not be; PROCESS of the answer is
    /// the exec's number.
    kExec,
    /// The exit of exec PROCESS is recorded: its clients may see their end, and it is forgotten.
    kForgetExec,
    /// The container's exit is recorded, or, sent before its end, of no interest: clients may see
    /// their end once it has come; after that the shim ends.
    kRelease,
    /// C = inode of a rotated file of the log whose compressed form is in <log path>.gz.tmp: it
    /// takes its place. ENOENT when the file was rotated away meanwhile.
    kTakeCompressedLog,
    /// Removes what was logged so far.
    kClearLog,
};

inline constexpr uint32_t kAttachStdin = 1;
inline constexpr uint32_t kAttachStdout = 2;
inline constexpr uint32_t kAttachStderr = 4;
inline constexpr uint32_t kAttachFramed = 8;
inline constexpr uint32_t kExecClient = 16;
/// The client speaks RFC 6455, and shook hands: output goes out in binary frames, or text ones.
inline constexpr uint32_t kAttachWebSocket = 32;
inline constexpr uint32_t kAttachWebSocketText = 64;

inline constexpr uint32_t kMaxDetachKeys = 64;
inline constexpr uint32_t kMaxEarlyInput = 65536;

struct Request {
    RequestKind kind;
    /// 0 is the container's first process, others are execs.
    uint32_t process;
    uint32_t flags;
    uint32_t a;
    uint32_t b;
    uint32_t reserved;
    uint64_t c;
    // Payload follows.
};

enum class Phase : uint32_t { kPreparing, kReady, kRunning, kExited, kFailed };

/// Why a program could not be executed, in the terms of Go's exec.LookPath, whose words Docker's
/// clients match.
enum class ExecFailure : uint32_t { kNone, kNotInPath, kStat, kIsDirectory, kNotExecutable, kExec };

struct Answer {
    /// 0, or the errno of what failed.
    int32_t error;
    /// StepKind of the plan that failed; 0 when no step did.
    uint32_t step;
    ExecFailure exec_failure;
    uint32_t version;
    Phase phase;
    uint32_t process;
    int32_t pid;
    int32_t exit_code;
    int64_t exit_time;  // nanoseconds since 1970
    uint32_t oom_killed;
    /// What the failed step was about: a path, a name. Zero-terminated.
    char noun[256];
};

enum class EventKind : uint32_t {
    kExited = 1,
    kExecExited,
    kDetached,
    kAttachClosed,
    /// A client did not read its output in time: it gets no more, and is closed later.
    kAttachDropped,
    /// The log was rotated since the last such event; repeated to a new connection.
    kLogRotated,
    /// Output was not logged: NOTIFY_ID counts bytes (file) and records (peer), EXIT_CODE is the
    /// errno of the last time. Sent once for each connection, and again at the end if it became
    /// more.
    kLogDropped,
};

struct EventMessage {
    EventKind kind;
    uint32_t process;
    int32_t exit_code;
    uint32_t oom_killed;
    int64_t exit_time;
    uint64_t notify_id;
};

inline constexpr uint32_t kMaxKeptExits = 512;

}  // namespace gantry::shim
