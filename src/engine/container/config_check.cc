#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "engine/container/config_merge.h"
#include "engine/container/health.h"
#include "spec/mount.h"
#include "spec/port.h"
#include "spec/signal.h"
#include "sys/ipv4.h"

namespace gantry::engine {

namespace {

constexpr size_t kMaxHostname = 63;
constexpr size_t kMaxDomainname = 255;

bool is_host_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_';
}

Result<> check_hostname(std::string_view text, size_t limit) {
    if (text.size() > limit || text.starts_with('-') || text.starts_with('.') ||
        !std::all_of(text.begin(), text.end(), is_host_char)) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid hostname format: {}", text.substr(0, 256)));
    }
    return {};
}

Result<> check_env(const std::vector<std::string>& env) {
    for (const std::string& variable : env) {
        if (variable.empty() || variable.front() == '=') {
            return fail(Kind::kInvalid,
                        fmt::format("invalid environment variable: {}", variable.substr(0, 256)));
        }
        if (variable.find('\0') != std::string::npos) {
            return fail(Kind::kInvalid, "invalid environment variable: it holds a NUL byte");
        }
    }
    return {};
}

}  // namespace

Result<> check_config(spec::ContainerConfig& config) {
    GT_TRY(check_hostname(config.hostname, kMaxHostname));
    GT_TRY(check_hostname(config.domainname, kMaxDomainname));
    GT_TRY(check_env(config.env));
    for (const std::string& port : config.exposed_ports) {
        if (!spec::parse_expose(port)) {
            return fail(Kind::kInvalid, fmt::format("invalid port specification: \"{}\"", port));
        }
    }
    if (!config.stop_signal.empty()) {
        GT_TRY(spec::parse_signal(config.stop_signal));
    }
    if (config.stop_timeout && *config.stop_timeout < -1) {
        return fail(Kind::kInvalid, fmt::format("invalid stop timeout: {}", *config.stop_timeout));
    }
    if (!config.working_dir.empty()) {
        if (!config.working_dir.starts_with('/')) {
            return fail(Kind::kInvalid,
                        fmt::format("the working directory '{}' is invalid, it needs to be an "
                                    "absolute path",
                                    config.working_dir));
        }
        config.working_dir = spec::clean_path(config.working_dir);
    }
    if (!config.mac_address.empty() && !sys::parse_mac(config.mac_address)) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid MAC address: {}", config.mac_address.substr(0, 64)));
    }
    if (config.healthcheck) {
        GT_TRY(check_health_config(*config.healthcheck));
    }
    return {};
}

Result<> check_merged_config(const spec::ContainerConfig& config) {
    const std::vector<std::string> line = command_line(config);
    if (line.empty()) {
        return fail(Kind::kInvalid, "no command specified");
    }
    for (const std::string& argument : line) {
        if (argument.find('\0') != std::string::npos) {
            return fail(Kind::kInvalid, "the command holds a NUL byte");
        }
    }
    return check_env(config.env);
}

}  // namespace gantry::engine
