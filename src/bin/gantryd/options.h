#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "engine/container/container_settings.h"
#include "runtime/foreign.h"
#include "spec/api/host_config.h"

namespace gantry::daemon {

/// What `gantryd` was told by its flags and its configuration file, checked.
struct Options {
    enum class Mode { kRun, kHelp, kVersion, kValidate };

    Mode mode = Mode::kRun;
    std::string config_file = "/etc/gantry/daemon.json";
    std::string data_root = "/var/lib/gantry";
    std::string exec_root = "/run/gantry";
    std::string shim_path;
    /// unix:///path or tcp://address:port; never empty.
    std::vector<std::string> hosts;
    /// Owner group of the unix sockets; absent: "docker" if there is such a group, else root's.
    std::optional<std::string> group;
    bool plain_tcp = false;
    std::string pidfile;
    log::Level log_level = log::Level::kInfo;
    log::Format log_format = log::Format::kText;
    std::vector<std::string> labels;
    /// Of containers that say nothing else.
    spec::LogConfig log{.type = "json-file", .config = {}};
    std::string cgroup_parent;
    bool no_new_privileges = false;
    /// "default", "user[:group]"; empty: containers have the host's user namespace.
    std::string userns_remap;
    /// "builtin", "unconfined" or a file.
    std::string seccomp_profile = "builtin";
    std::vector<std::string> cdi_spec_dirs = {"/etc/cdi", "/var/run/cdi"};
    /// Runtimes of others by their names.
    std::map<std::string, runtime::ForeignRuntime> runtimes;
    std::string default_runtime = "gantry";
    engine::ContainerDefaults defaults;
    /// Containers outlive the daemon. Otherwise they end with it, within so many seconds (negative:
    /// as their own stop timeouts say).
    bool live_restore = true;
    int shutdown_timeout = 15;
    /// The gantry-init of containers; empty: the one beside gantryd.
    std::string init_path;
    std::string publish_address = "0.0.0.0";
    std::vector<std::string> host_gateway_ips;

    std::string bridge;
    /// The bridge's own address with its subnet, "172.20.0.1/16"; empty chooses.
    std::string bip;
    int mtu = 1500;
    std::vector<std::string> dns;
    std::vector<std::string> dns_search;
    std::vector<std::string> dns_options;
};

/// Reads ARGS (without the program's name) and the configuration file that they name. Flags have
/// dockerd's names where dockerd has them, and so have the file's keys (the flag's name, in the
/// plural for lists). kInvalid: an unknown flag or key, named; a value that makes no sense; a
/// setting of dockerd that Gantry does not have; one setting given in both places.
/// A missing file is an error only if --config-file was given.
Result<Options> read_options(std::span<const std::string> args);

/// What --help prints.
std::string options_help();

}  // namespace gantry::daemon
