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
};

/// runtime-spec 1.2, config.md. Hooks, Windows, Solaris and VM parts are not held: no field that
/// could run a program on the host comes in by JSON.
struct Config {
    std::string oci_version = "1.2.0";
    Process process;
    Root root;
    std::string hostname;
    std::string domainname;
    std::vector<Mount> mounts;
    Linux linux;
    std::map<std::string, std::string> annotations;
};

}  // namespace gantry::spec::oci
