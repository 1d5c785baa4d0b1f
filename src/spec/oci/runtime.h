#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spec/oci/linux.h"
#include "spec/oci/seccomp.h"

namespace gantry::spec::oci {

struct Rlimit {
    /// "RLIMIT_NOFILE".
    std::string type;
    uint64_t hard = 0;
    uint64_t soft = 0;
};

struct User {
    uint32_t uid = 0;
    uint32_t gid = 0;
    std::optional<uint32_t> umask;
    std::vector<uint32_t> additional_gids;
};

/// Names with CAP_.
struct Capabilities {
    std::vector<std::string> bounding;
    std::vector<std::string> effective;
    std::vector<std::string> inheritable;
    std::vector<std::string> permitted;
    std::vector<std::string> ambient;
};

struct ConsoleSize {
    uint32_t height = 0;
    uint32_t width = 0;
};

struct Scheduler {
    /// "SCHED_OTHER", ...
    std::string policy;
    int64_t nice = 0;
    int64_t priority = 0;
    /// "SCHED_FLAG_RESET_ON_FORK", ...
    std::vector<std::string> flags;
    uint64_t runtime = 0;
    uint64_t deadline = 0;
    uint64_t period = 0;
};

struct IoPriority {
    /// "IOPRIO_CLASS_BE", ...
    std::string class_name;
    int64_t priority = 0;
};

/// runtime-spec 1.2, config.md, "Process". Also the body of an exec.
struct Process {
    bool terminal = false;
    std::optional<ConsoleSize> console_size;
    User user;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::string cwd;
    std::optional<Capabilities> capabilities;
    std::vector<Rlimit> rlimits;
    bool no_new_privileges = false;
    std::string apparmor_profile;
    std::optional<int64_t> oom_score_adj;
    std::string selinux_label;
    std::optional<Scheduler> scheduler;
    std::optional<IoPriority> io_priority;
};

struct Root {
    std::string path;
    bool readonly = false;
};

struct Mount {
    std::string destination;
    /// "bind", "tmpfs", "proc", ...
    std::string type;
    std::string source;
    std::vector<std::string> options;
    std::vector<IdMapping> uid_mappings = {};
    std::vector<IdMapping> gid_mappings = {};
};

struct Hook {
    std::string path;
    std::vector<std::string> args;
    std::vector<std::string> env;
    /// Seconds.
    std::optional<int64_t> timeout;
};

struct Hooks {
    std::vector<Hook> prestart;
    std::vector<Hook> create_runtime;
    std::vector<Hook> create_container;
    std::vector<Hook> start_container;
    std::vector<Hook> poststart;
    std::vector<Hook> poststop;
};

/// runtime-spec 1.2, state.md.
struct State {
    std::string oci_version = "1.2.0";
    std::string id;
    /// "creating", "created", "running", "stopped"; "paused" as runc has it.
    std::string status;
    int64_t pid = 0;
    std::string bundle;
    std::map<std::string, std::string> annotations;
};

/// runtime-spec 1.2, config.md. Windows, Solaris and VM parts are not held. Hooks run programs on
/// the host: only gantry-runtime takes them, the daemon's configs have none.
struct Config {
    std::string oci_version = "1.2.0";
    Process process;
    Root root;
    std::string hostname;
    std::string domainname;
    std::vector<Mount> mounts;
    Linux linux;
    std::map<std::string, std::string> annotations;
    Hooks hooks;
};

}  // namespace gantry::spec::oci
