#pragma once

#include <cstdint>

#include "shim/step.h"

namespace gantry::shim {

// The LaunchPlan: what the runtime compiled from an OCI config, in a sealed memfd. A header, an
// array of steps, and a pool of bytes that steps point into; no pointers, native byte order (both
// sides run on the same machine, a version apart at most). The shim maps it and executes the steps
// in order; the first that fails ends the launch (security.md P8).
//
// The child of an init plan begins in its new namespaces with the host's root, or, if the plan has
// a kBirth step, in its parent's namespaces; the child of an exec plan begins in its parent's. "In
// the root" means: resolved with openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS) from the
// container's root.

inline constexpr uint64_t kPlanMagic = 0x4e414c5059524e47;  // "GNRYPLAN"
inline constexpr uint32_t kPlanVersion = 2;

enum class StdinMode : uint32_t { kNone, kOpen, kOnce };
/// What the log file looks like (impl/container_log.h).
enum class LogFormat : uint32_t { kNone, kJsonFile, kLocal };
/// Who is sent each record besides: journald, or a syslog daemon in one of Docker's formats.
enum class LogPeerKind : uint32_t {
    kNone,
    kJournald,
    kSyslogUnix,
    kSyslog3164,
    kSyslog5424,
    kSyslog5424Micro,
};

/// Numbers under which the shim inherits its descriptors; plan descriptors follow from
/// kFirstPlanFd on, the kept ones first.
inline constexpr int kListenFd = 3;
inline constexpr int kPlanFd = 4;
inline constexpr int kFirstPlanFd = 5;

struct PlanHeader {
    uint64_t magic;
    uint32_t version;
    uint32_t size;  // of the whole plan
    uint32_t step_count;
    uint32_t steps;  // offset of the first; a multiple of 8
    uint32_t pool;   // offset
    uint32_t pool_size;

    /// clone3 flags beside CLONE_PIDFD; SIGCHLD is the exit signal.
    uint64_t clone_flags;
    uint32_t terminal;
    StdinMode stdin_mode;

    // The rest is for init plans.

    /// Plan descriptors, and how many of them are kept for execs: TASKS_FDS v1 `tasks` files, then
    /// the v2 directory, then the file with the oom_kill counter (each of the two if HAS_*).
    uint32_t fd_count;
    uint32_t tasks_fds;
    uint32_t has_v2_fd;
    uint32_t has_oom_fd;
    /// A pid namespace to be born in, as a path; empty for none.
    Text pid_namespace;

    LogFormat log_format;
    uint32_t log_max_files;
    int64_t log_max_size;
    Text log_path;
    Text log_attrs;

    /// The peer's connected socket is the last plan descriptor; ADDRESS is its sockaddr, for when
    /// the connection is lost.
    LogPeerKind log_peer;
    uint32_t has_log_fd;
    uint32_t log_stream_socket;
    /// Of syslog: facility * 8.
    uint32_t log_facility;
    /// Bytes to keep for a peer that does not keep up, beyond which records are dropped; 0: the
    /// container waits for it.
    uint32_t log_buffer;
    /// Local time is so many seconds ahead of UTC (the old syslog formats have local time).
    int32_t log_utc_offset;
    Text log_address;
    /// Journald: fields that all records have, encoded. Syslog: the host's name.
    Text log_head;
    /// Syslog: the tag.
    Text log_tag;

    Text container_dir;
    uint32_t fsync_exit;
    /// There is a kBirth step.
    uint32_t has_birth;

    /// Another runtime's commands for what the shim itself wants of it, as those of a kCommand
    /// step: to send a signal, whose number comes last, and to delete the container once it has
    /// ended. No arguments: the container is our own.
    Text kill_command;
    Text delete_command;
    uint32_t kill_arguments;
    uint32_t delete_arguments;
    uint32_t command_environment;
};

}  // namespace gantry::shim
