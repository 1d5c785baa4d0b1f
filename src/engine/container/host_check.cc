#include "engine/container/host_check.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "base/text.h"
#include "engine/container/core.h"
#include "engine/container/devices.h"
#include "engine/container/hosts_files.h"
#include "engine/container/join.h"
#include "engine/container/mount_plan.h"
#include "engine/container/ports.h"
#include "engine/logdriver/log_driver.h"
#include "runtime/default_config.h"
#include "sys/files.h"
#include "sys/ipv4.h"

namespace gantry::engine {

namespace {

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), value) != words.end();
}

Result<> check_modes(const spec::HostConfig& host, const spec::ContainerConfig& config) {
    if (!is_one_of(host.pid_mode, {"", "host"}) && !joined_container(host.pid_mode)) {
        return fail(Kind::kInvalid, fmt::format("invalid PID mode: {}", host.pid_mode));
    }
    if (!is_one_of(host.ipc_mode, {"", "none", "private", "shareable", "host"}) &&
        !joined_container(host.ipc_mode)) {
        return fail(Kind::kInvalid, fmt::format("invalid IPC mode: {}", host.ipc_mode));
    }
    if (!is_one_of(host.uts_mode, {"", "host"})) {
        return fail(Kind::kInvalid, fmt::format("invalid UTS mode: {}", host.uts_mode));
    }
    if (!is_one_of(host.userns_mode, {"", "host"})) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid user namespace mode: {}", host.userns_mode));
    }
    if (!is_one_of(host.cgroupns_mode, {"", "private", "host"})) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid cgroup namespace mode: {}", host.cgroupns_mode));
    }
    if (!is_one_of(host.isolation, {"", "default"})) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid isolation \"{}\" on linux", host.isolation));
    }
    if (host.uts_mode == "host" && !config.hostname.empty()) {
        return fail(Kind::kInvalid, "conflicting options: hostname and the UTS mode");
    }
    return {};
}

Result<> check_names(const spec::HostConfig& host) {
    for (const std::string& server : host.dns) {
        if (!sys::parse_ipv4(server) && server.find(':') == std::string::npos) {
            return fail(Kind::kInvalid, fmt::format("invalid IP address: {}", server));
        }
    }
    for (const std::string& entry : host.extra_hosts) {
        GT_TRY(parse_extra_host(entry));
    }
    for (const std::vector<std::string>* list : {&host.dns, &host.dns_search, &host.dns_options}) {
        for (const std::string& word : *list) {
            if (word.find_first_of("\n\r\t ") != std::string::npos) {
                return fail(Kind::kInvalid, fmt::format("invalid DNS setting: \"{}\"", word));
            }
        }
    }
    return {};
}

/// The sysctls that belong to a namespace of the container (S-list of the kernel: ipc and net).
Result<> check_sysctls(const spec::HostConfig& host) {
    constexpr std::array<std::string_view, 8> kIpc = {
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
        "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
    for (const auto& [name, value] : host.sysctls) {
        const bool ipc = std::find(kIpc.begin(), kIpc.end(), name) != kIpc.end() ||
                         name.starts_with("fs.mqueue.");
        const bool net = name.starts_with("net.");
        const bool plain =
            name.find_first_of("/\n") == std::string::npos && name.find("..") == std::string::npos;
        if (!plain || !(ipc || net)) {
            return fail(Kind::kInvalid,
                        fmt::format("sysctl \"{}\" is not in a separate kernel namespace", name));
        }
        if ((net && host.network_mode == "host") || (ipc && host.ipc_mode == "host")) {
            return fail(Kind::kInvalid,
                        fmt::format("sysctl \"{}\" not allowed in host {} namespace", name,
                                    net ? "network" : "ipc"));
        }
    }
    return {};
}

Result<> check_paths(const spec::HostConfig& host) {
    for (const auto* paths : {&host.masked_paths, &host.readonly_paths}) {
        if (!*paths) {
            continue;
        }
        for (const std::string& path : **paths) {
            if (!path.starts_with('/')) {
                return fail(Kind::kInvalid, fmt::format("invalid masked or read-only path: \"{}\": "
                                                        "it must be absolute",
                                                        path));
            }
        }
    }
    for (const auto& [key, value] : host.annotations) {
        if (key.empty()) {
            return fail(Kind::kInvalid,
                        "invalid Annotations: the empty string is not permitted as an annotation "
                        "key");
        }
    }
    return {};
}

/// A kernel without NUMA has no such directory, and one node.
int count_memory_nodes() {
    const auto names = sys::list_dir(AT_FDCWD, "/sys/devices/system/node");
    const auto nodes = !names ? 0 : std::ranges::count_if(*names, [](const std::string& name) {
        return name.starts_with("node") && parse_uint(std::string_view(name).substr(4));
    });
    return std::max(1, static_cast<int>(nodes));
}

void add_default_ulimits(std::vector<spec::Ulimit>& own,
                         const std::vector<spec::Ulimit>& defaults) {
    for (const spec::Ulimit& limit : defaults) {
        if (std::ranges::find(own, limit.name, &spec::Ulimit::name) == own.end()) {
            own.push_back(limit);
        }
    }
}

}  // namespace

HostFacts host_facts(const ContainerCore& core) {
    return {.processors = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)),
            .memory_nodes = count_memory_nodes(),
            .cgroup_v2 = core.cgroups.layout().mode == sys::CgroupMode::kV2,
            .cgroups = core.support,
            .remapped = core.settings.id_map.user_namespace != nullptr,
            .default_runtime = core.settings.default_runtime};
}

Result<> check_restart_policy(const spec::RestartPolicy& policy, bool auto_remove) {
    if (!is_one_of(policy.name, {"", "no", "always", "unless-stopped", "on-failure"})) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid restart policy: unknown policy '{}'; use one of 'no', "
                                "'always', 'on-failure', or 'unless-stopped'",
                                policy.name));
    }
    // COMPAT: clients before Docker 25 gave a count without a policy.
    if (!is_one_of(policy.name, {"", "on-failure"}) && policy.maximum_retry_count != 0) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid restart policy: maximum retry count can only be used "
                                "with 'on-failure'{}",
                                policy.maximum_retry_count < 0 ? " and cannot be negative" : ""));
    }
    if (policy.name == "on-failure" && policy.maximum_retry_count < 0) {
        return fail(Kind::kInvalid,
                    "invalid restart policy: maximum retry count cannot be negative");
    }
    if (!is_one_of(policy.on_unhealthy, {"", "none", "restart", "stop", "kill"})) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid restart policy: unknown OnUnhealthy '{}'; use one of "
                                "'none', 'restart', 'stop', or 'kill'",
                                policy.on_unhealthy.substr(0, 64)));
    }
    if (auto_remove && (!is_one_of(policy.name, {"", "no"}) || policy.on_unhealthy == "restart")) {
        return fail(Kind::kInvalid, "can't create 'AutoRemove' container with restart policy");
    }
    return {};
}

void set_host_defaults(spec::HostConfig& host, const HostFacts& facts,
                       const ContainerDefaults& defaults) {
    if (host.network_mode.empty() || host.network_mode == "default") {
        host.network_mode = "bridge";
    }
    if (host.ipc_mode.empty()) {
        host.ipc_mode = defaults.ipc_mode;
    }
    if (host.cgroupns_mode.empty()) {
        host.cgroupns_mode = !defaults.cgroupns_mode.empty() ? defaults.cgroupns_mode
                             : facts.cgroup_v2               ? "private"
                                                             : "host";
    }
    if (host.shm_size == 0) {
        host.shm_size = defaults.shm_size;
    }
    add_default_ulimits(host.resources.ulimits, defaults.ulimits);
    if (defaults.storage_size > 0 && host.storage_opt.empty()) {
        host.storage_opt["size"] = std::to_string(defaults.storage_size);
    }
    if (defaults.init && !host.init && host.pid_mode.empty()) {
        host.init = true;
    }
    if (host.runtime.empty()) {
        host.runtime = facts.default_runtime;
    }
    if (host.log_config.type.empty()) {
        host.log_config.type = "json-file";
    }
    if (host.restart_policy.name.empty()) {
        host.restart_policy.name = "no";
    }
    if (host.resources.memory > 0 && host.resources.memory_swap == 0) {
        host.resources.memory_swap = 2 * host.resources.memory;
    }
    if (!host.resources.oom_kill_disable && facts.cgroups.oom_kill_disable) {
        host.resources.oom_kill_disable = false;
    }
    const bool unconfined =
        host.privileged || std::find(host.security_opt.begin(), host.security_opt.end(),
                                     "systempaths=unconfined") != host.security_opt.end();
    if (!host.masked_paths) {
        host.masked_paths =
            unconfined ? std::vector<std::string>() : runtime::default_masked_paths();
    }
    if (!host.readonly_paths) {
        host.readonly_paths =
            unconfined ? std::vector<std::string>() : runtime::default_readonly_paths();
    }
}

Result<> check_user_namespace(const spec::HostConfig& host, const HostFacts& facts) {
    if (!facts.remapped || host.userns_mode == "host") {
        return {};
    }
    if (host.privileged) {
        return fail(Kind::kInvalid,
                    "privileged mode is incompatible with user namespaces.  You must run the "
                    "container in the host namespace when running privileged mode");
    }
    if (host.network_mode == "host") {
        return fail(Kind::kInvalid,
                    "cannot share the host's network namespace when user namespaces are enabled");
    }
    if (host.pid_mode == "host") {
        return fail(Kind::kInvalid,
                    "cannot share the host PID namespace when user namespaces are enabled");
    }
    GT_TRY_VAR(security, parse_security_options(host.security_opt));
    if (security.writable_cgroups.value_or(false)) {
        return fail(Kind::kInvalid,
                    "writable-cgroups is incompatible with user namespaces: the container's root "
                    "owns no cgroup");
    }
    return {};
}

Result<> check_host_config(const spec::HostConfig& host, const spec::ContainerConfig& config) {
    GT_TRY(check_joins(host, config));
    GT_TRY(check_supported(host));
    GT_TRY(check_modes(host, config));
    GT_TRY(parse_network_mode(host.network_mode));
    GT_TRY(check_restart_policy(host.restart_policy, host.auto_remove));
    GT_TRY(check_log_config(host.log_config));
    GT_TRY(parse_security_options(host.security_opt));
    GT_TRY(resolve_capabilities(host, ~sys::CapSet{0}));
    GT_TRY(check_names(host));
    GT_TRY(check_sysctls(host));
    GT_TRY(check_paths(host));
    GT_TRY(plan_mounts(host, config.volumes));
    GT_TRY(plan_ports(host, config, net::Ipv4{}));
    if (host.shm_size < 0) {
        return fail(Kind::kInvalid, "SHM size can not be less than 0");
    }
    if (host.oom_score_adj < -1000 || host.oom_score_adj > 1000) {
        return fail(Kind::kInvalid,
                    fmt::format("Invalid value {}, range for oom score adj is [-1000, 1000]",
                                host.oom_score_adj));
    }
    return check_devices(host.resources);
}

Result<NetworkMode> parse_network_mode(const std::string& mode) {
    if (is_one_of(mode, {"", "default", "bridge"})) {
        return NetworkMode::kBridge;
    }
    if (mode == "host") {
        return NetworkMode::kHost;
    }
    if (mode == "none") {
        return NetworkMode::kNone;
    }
    if (joined_container(mode)) {
        return NetworkMode::kContainer;
    }
    return fail(
        Kind::kNotImplemented,
        fmt::format("HostConfig.NetworkMode \"{}\": user-defined networks are not supported "
                    "yet",
                    mode.substr(0, 256)));
}

Result<> check_networking(const spec::NetworkingConfig& networking, const spec::HostConfig& host) {
    for (const auto& [name, endpoint] : networking.endpoints_config) {
        const bool fits =
            name == host.network_mode || (is_one_of(name, {"default", "bridge"}) &&
                                          is_one_of(host.network_mode, {"", "default", "bridge"}));
        if (!fits) {
            return fail(
                Kind::kNotImplemented,
                fmt::format("NetworkingConfig.EndpointsConfig \"{}\": user-defined networks "
                            "and several networks are not supported yet",
                            name.substr(0, 256)));
        }
        if (endpoint.ipam_config && (!endpoint.ipam_config->ipv4_address.empty() ||
                                     !endpoint.ipam_config->ipv6_address.empty() ||
                                     !endpoint.ipam_config->link_local_ips.empty())) {
            return fail(Kind::kInvalid,
                        "user specified IP address is supported on user defined networks only");
        }
        if (!endpoint.aliases.empty()) {
            return fail(Kind::kInvalid,
                        "network-scoped alias is supported only for containers in "
                        "user defined networks");
        }
        if (!endpoint.links.empty() || !endpoint.driver_opts.empty()) {
            return fail(Kind::kNotImplemented,
                        "Links and DriverOpts of an endpoint are not supported yet");
        }
        if (!endpoint.mac_address.empty() &&
            parse_network_mode(host.network_mode).value_or(NetworkMode::kBridge) !=
                NetworkMode::kBridge) {
            return fail(Kind::kInvalid, "conflicting options: mac-address and the network mode");
        }
        if (!endpoint.mac_address.empty() && !sys::parse_mac(endpoint.mac_address)) {
            return fail(Kind::kInvalid,
                        fmt::format("invalid MAC address: {}", endpoint.mac_address.substr(0, 64)));
        }
    }
    return {};
}

}  // namespace gantry::engine
