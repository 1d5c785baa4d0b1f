#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/unique_fd.h"
#include "runtime/foreign.h"
#include "runtime/shim_handle.h"

namespace gantry::spec::oci {
struct Config;
}

namespace gantry::runtime {

/// The log that the shim writes (K1, K2): a file, and perhaps a peer beside it.
struct LogOptions {
    /// As shim::LogFormat and shim::LogPeerKind.
    enum class Format { kNone, kJsonFile, kLocal };
    enum class Peer { kNone, kJournald, kSyslogUnix, kSyslog3164, kSyslog5424, kSyslog5424Micro };

    Format format = Format::kNone;
    std::string path;
    /// A file that has reached this size is rotated before the next record; -1 never.
    int64_t max_size = -1;
    /// With 1, a new file takes its place; with n, PATH.1 to PATH.(n-1) are kept.
    uint32_t max_files = 1;
    /// JSON object text for "attrs" in every record; empty for none. At most 32 KiB.
    std::string attrs;

    Peer peer = Peer::kNone;
    /// Connected to the peer; the caller's, as LaunchOptions' descriptors.
    int peer_fd = -1;
    /// Its sockaddr's bytes, and whether the socket is a stream.
    std::string peer_address;
    bool peer_is_stream = false;
    /// Bytes kept for a peer that does not keep up; 0: the container waits.
    uint32_t peer_buffer = 0;
    /// Journald: encoded fields. Syslog: the host's name.
    std::string peer_head;
    /// Syslog only.
    std::string peer_tag;
    uint32_t syslog_facility = 0;
    int32_t utc_offset = 0;
};

enum class StdinMode {
    /// /dev/null.
    kNone,
    /// Clients come and go, their half-close means nothing (C4).
    kOpen,
    /// The end of the first client's input is the end of the process' input.
    kOnce,
};

enum class Durability { kNone, kFsync };

/// A mount of config.mounts that is ready already.
struct PreparedMount {
    /// As in config.mounts, where the entry is a bind; its source means nothing then.
    std::string destination;
    /// Detached; attached as it is, and used up by the launch.
    int fd = -1;
};

/// Everything about a launch that is not in the OCI config. Descriptors stay the caller's; they
/// may be closed after launch() returned.
struct LaunchOptions {
    ContainerId id;
    /// exec-root/shims/<id>: made by launch(), holds the listening socket "s".
    std::string shim_dir;
    /// data-root/containers/<id>: the shim writes "exit" here.
    std::string container_dir;
    /// A detached mount that becomes "/"; -1: bind of config.root.path. The mount is used up.
    int root_mount_fd = -1;
    /// The network namespace to join; -1: as the config's namespaces say.
    int netns_fd = -1;
    /// The user namespace to join, whose mappings are those of the config; -1: one is made when the
    /// config has a "user" namespace or mappings. What is made for the container belongs to it; a
    /// netns_fd should, too (sys/user_namespace.h), or the container has no power over its network
    /// and cannot mount /sys.
    int userns_fd = -1;
    /// A user namespace for each entry of config.mounts that wants_idmap(), in their order;
    /// launch() makes them.
    std::vector<int> idmap_fds;
    std::vector<PreparedMount> mounts;
    /// cgroup v1: the `tasks` file of each hierarchy, open for writing.
    std::vector<int> cgroup_tasks_fds;
    /// cgroup v2: the directory; -1 for none.
    int cgroup_v2_fd = -1;
    /// memory.oom_control (v1) or memory.events (v2), open for reading: Exit::oom_killed; -1:
    /// never.
    int oom_events_fd = -1;
    StdinMode stdin_mode = StdinMode::kNone;
    LogOptions log;
    /// Who makes the container; null: we do. Of the config, it gets what stands there: resources
    /// and cgroups_path, too.
    const ForeignRuntime* foreign = nullptr;
    /// Whether the exit record is on disk before the exit is announced.
    Durability exit_record = Durability::kFsync;
};

/// Turns OCI configs into running processes. One per daemon; thread-safe; never forks: the shim is
/// started with posix_spawn.
class Launcher {
public:
    /// Reads the shim's binary once, into a sealed memfd: what containers could reach through
    /// /proc/PID/exe is a copy that nobody can write to (CVE-2019-5736), and the file may be
    /// replaced by an upgrade at any time.
    static Result<Launcher> open(const std::string& shim_path);
    Launcher(Launcher&&) noexcept;
    Launcher& operator=(Launcher&&) noexcept;
    ~Launcher();

    /// Starts the shim and waits until the container is set up and its first process waits before
    /// exec. Fails with "OCI runtime create failed: unable to start container process: ..." and
    /// leaves nothing behind then; kNotImplemented names the part of the config that Gantry does
    /// not support. Blocks for some milliseconds.
    Result<ShimHandle> launch(const spec::oci::Config& config, const LaunchOptions& given) const;

private:
    Launcher();
    UniqueFd shim_;
};

}  // namespace gantry::runtime
