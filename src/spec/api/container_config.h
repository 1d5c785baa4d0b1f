#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gantry::spec {

using StringMap = std::map<std::string, std::string>;
/// The keys of a JSON object whose values are empty objects: {"80/tcp": {}}.
using StringSet = std::set<std::string>;

/// HEALTHCHECK. An empty test inherits the image's, zero fields inherit one by one.
struct HealthConfig {
    std::vector<std::string> test;
    /// Nanoseconds, as all durations of Docker's JSON.
    int64_t interval = 0;
    int64_t timeout = 0;
    int64_t start_period = 0;
    /// API 1.44.
    int64_t start_interval = 0;
    int64_t retries = 0;
};

/// What runs, independent of the host: the "Config" of containers and (as far as an image has it)
/// of images.
struct ContainerConfig {
    std::string hostname;
    std::string domainname;
    std::string user;
    bool attach_stdin = false;
    bool attach_stdout = false;
    bool attach_stderr = false;
    StringSet exposed_ports;
    bool tty = false;
    bool open_stdin = false;
    bool stdin_once = false;
    std::vector<std::string> env;
    /// A single string is accepted in place of a list.
    std::vector<std::string> cmd;
    std::optional<HealthConfig> healthcheck;
    bool args_escaped = false;
    std::string image;
    StringSet volumes;
    std::string working_dir;
    /// Absent takes the image's; [""] clears it (behaviours G2).
    std::optional<std::vector<std::string>> entrypoint;
    bool network_disabled = false;
    std::string mac_address;
    std::vector<std::string> on_build;
    StringMap labels;
    std::string stop_signal;
    std::optional<int64_t> stop_timeout;
    std::vector<std::string> shell;
};

}  // namespace gantry::spec
