#include "cli/recreate/compose.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>

#include "base/text.h"
#include "cli/recreate/resource_words.h"
#include "cli/recreate/run_words.h"
#include "spec/duration.h"
#include "spec/mount.h"
#include "spec/value.h"

namespace gantry::cli {
namespace {

using spec::Value;

constexpr int64_t kDefaultShm = 64 << 20;

/// A text as YAML and compose both leave it alone: JSON's quotes, and no variables.
std::string scalar(std::string_view text) {
    std::string plain;
    for (const char c : text) {
        plain += c == '$' ? "$$" : std::string(1, c);
    }
    return Value(std::move(plain)).serialize();
}

/// Writes the members of one service; those without anything to say are left out.
class Service {
public:
    explicit Service(std::string& out) : out_(out) {}

    void raw(std::string_view name, std::string_view value) {
        out_ += fmt::format("    {}: {}\n", name, value);
    }
    void text(std::string_view name, std::string_view value, std::string_view unsaid = {}) {
        if (value != unsaid) {
            raw(name, scalar(value));
        }
    }
    void number(std::string_view name, int64_t value, int64_t unsaid = 0) {
        if (value != unsaid) {
            raw(name, fmt::format("{}", value));
        }
    }
    void on(std::string_view name, bool value) {
        if (value) {
            raw(name, "true");
        }
    }
    void list(std::string_view name, const std::vector<std::string>& values) {
        if (!values.empty()) {
            out_ += fmt::format("    {}:\n", name);
        }
        for (const std::string& value : values) {
            out_ += fmt::format("      - {}\n", scalar(value));
        }
    }
    /// As a list even when it is empty.
    void words(std::string_view name, const std::vector<std::string>& values) {
        std::vector<std::string> quoted;
        std::ranges::transform(values, std::back_inserter(quoted), scalar);
        raw(name, fmt::format("[{}]", join(quoted, ", ")));
    }
    void map(std::string_view name, const spec::StringMap& values) {
        if (!values.empty()) {
            out_ += fmt::format("    {}:\n", name);
        }
        for (const auto& [key, value] : values) {
            out_ += fmt::format("      {}: {}\n", scalar(key), scalar(value));
        }
    }
    /// A part with members of its own, each "name: value" already.
    void part(std::string_view name, const std::vector<std::string>& lines) {
        if (!lines.empty()) {
            out_ += fmt::format("    {}:\n", name);
        }
        for (const std::string& line : lines) {
            out_ += fmt::format("      {}\n", line);
        }
    }
    void comment(std::string_view text) { out_ += fmt::format("    # {}\n", text); }

private:
    std::string& out_;
};

std::string duration(int64_t nanoseconds) {
    return scalar(spec::format_duration(std::chrono::nanoseconds(nanoseconds)));
}

void write_process(Service& service, const RecreateSource& source) {
    const spec::ContainerConfig& config = source.container.config;
    const OwnCommand command = own_command(source);
    if (command.says_entrypoint) {
        service.words("entrypoint", command.entrypoint);
    }
    if (command.says_entrypoint || !command.cmd.empty()) {
        service.words("command", command.cmd);
    }
    service.list("environment", own_environment(source));
    service.map("labels", own_labels(source));
    service.text("user", config.user, source.image.user);
    service.text("working_dir", config.working_dir, source.image.working_dir);
    service.text("hostname", own_hostname(source));
    service.text("domainname", config.domainname);
    service.text("mac_address", config.mac_address);
    service.on("stdin_open", config.open_stdin);
    service.on("tty", config.tty);
    service.text("stop_signal", config.stop_signal, source.image.stop_signal);
    if (config.stop_timeout) {
        service.text("stop_grace_period", fmt::format("{}s", *config.stop_timeout));
    }
}

void write_health(Service& service, const RecreateSource& source) {
    if (!has_own_health(source)) {
        return;
    }
    const spec::HealthConfig& health = *source.container.config.healthcheck;
    std::vector<std::string> lines;
    if (!health.test.empty()) {
        std::vector<std::string> quoted;
        std::ranges::transform(health.test, std::back_inserter(quoted), scalar);
        lines.push_back(fmt::format("test: [{}]", join(quoted, ", ")));
    }
    for (const auto& [name, value] :
         {std::pair("interval", health.interval), std::pair("timeout", health.timeout),
          std::pair("start_period", health.start_period),
          std::pair("start_interval", health.start_interval)}) {
        if (value != 0) {
            lines.push_back(fmt::format("{}: {}", name, duration(value)));
        }
    }
    if (health.retries != 0) {
        lines.push_back(fmt::format("retries: {}", health.retries));
    }
    service.part("healthcheck", lines);
}

void write_throttles(std::vector<std::string>& lines, std::string_view name,
                     const std::vector<spec::ThrottleDevice>& devices) {
    if (!devices.empty()) {
        lines.push_back(fmt::format("{}:", name));
    }
    for (const spec::ThrottleDevice& device : devices) {
        lines.push_back(
            fmt::format("  - {{path: {}, rate: {}}}", scalar(device.path), device.rate));
    }
}

void write_block_io(Service& service, const spec::Resources& resources) {
    std::vector<std::string> lines;
    if (resources.blkio_weight != 0) {
        lines.push_back(fmt::format("weight: {}", resources.blkio_weight));
    }
    if (!resources.blkio_weight_device.empty()) {
        lines.emplace_back("weight_device:");
    }
    for (const spec::WeightDevice& device : resources.blkio_weight_device) {
        lines.push_back(
            fmt::format("  - {{path: {}, weight: {}}}", scalar(device.path), device.weight));
    }
    write_throttles(lines, "device_read_bps", resources.blkio_device_read_bps);
    write_throttles(lines, "device_write_bps", resources.blkio_device_write_bps);
    write_throttles(lines, "device_read_iops", resources.blkio_device_read_iops);
    write_throttles(lines, "device_write_iops", resources.blkio_device_write_iops);
    service.part("blkio_config", lines);
}

void write_devices(Service& service, const spec::Resources& resources) {
    std::vector<std::string> devices;
    std::ranges::transform(resources.devices, std::back_inserter(devices), device_text);
    for (const spec::DeviceRequest& request : resources.device_requests) {
        if (request.driver == "cdi") {
            devices.insert(devices.end(), request.device_ids.begin(), request.device_ids.end());
        } else {
            service.raw("gpus", request.count == -1
                                    ? "all"
                                    : fmt::format("[{{count: {}}}]", request.count));
        }
    }
    service.list("devices", devices);
    service.list("device_cgroup_rules", resources.device_cgroup_rules);
    std::vector<std::string> limits;
    for (const spec::Ulimit& limit : resources.ulimits) {
        limits.push_back(
            fmt::format("{}: {{soft: {}, hard: {}}}", limit.name, limit.soft, limit.hard));
    }
    service.part("ulimits", limits);
}

void write_resources(Service& service, const spec::Resources& resources) {
    service.number("cpu_shares", resources.cpu_shares);
    if (resources.nano_cpus != 0) {
        service.raw("cpus", cpus_text(resources.nano_cpus));
    }
    service.number("cpu_period", resources.cpu_period);
    service.number("cpu_quota", resources.cpu_quota);
    service.number("cpu_rt_period", resources.cpu_realtime_period);
    service.number("cpu_rt_runtime", resources.cpu_realtime_runtime);
    service.text("cpuset", resources.cpuset_cpus);
    if (!resources.cpuset_mems.empty()) {
        service.comment("compose has no word for --cpuset-mems " + resources.cpuset_mems);
    }
    service.number("mem_limit", resources.memory);
    service.number("memswap_limit", resources.memory_swap, 2 * resources.memory);
    service.number("mem_reservation", resources.memory_reservation);
    service.number("mem_swappiness", resources.memory_swappiness.value_or(-1), -1);
    service.on("oom_kill_disable", resources.oom_kill_disable.value_or(false));
    service.number("pids_limit", resources.pids_limit.value_or(0));
    service.text("cgroup_parent", resources.cgroup_parent);
    write_block_io(service, resources);
    write_devices(service, resources);
}

void write_mount(std::vector<std::string>& lines, const spec::Mount& mount) {
    lines.push_back("- type: " + mount.type);
    if (!mount.source.empty()) {
        lines.push_back("  source: " + scalar(mount.source));
    }
    lines.push_back("  target: " + scalar(mount.target));
    if (mount.read_only) {
        lines.emplace_back("  read_only: true");
    }
    if (mount.bind_options && !mount.bind_options->propagation.empty()) {
        lines.push_back(
            fmt::format("  bind: {{propagation: {}}}", scalar(mount.bind_options->propagation)));
    }
    if (mount.volume_options && mount.volume_options->no_copy) {
        lines.emplace_back("  volume: {nocopy: true}");
    } else if (mount.volume_options && !mount.volume_options->subpath.empty()) {
        lines.push_back(
            fmt::format("  volume: {{subpath: {}}}", scalar(mount.volume_options->subpath)));
    }
    if (mount.tmpfs_options) {
        lines.push_back(fmt::format("  tmpfs: {{size: {}, mode: 0o{:o}}}",
                                    mount.tmpfs_options->size_bytes, mount.tmpfs_options->mode));
    }
}

void write_mounts(Service& service, const RecreateSource& source, std::set<std::string>& volumes) {
    const spec::HostConfig& host = source.container.host_config;
    std::vector<std::string> lines;
    for (const std::string& bind : host.binds) {
        lines.push_back("- " + scalar(bind));
        const auto parsed = spec::parse_bind(bind);
        if (parsed && !parsed->is_bind() && !parsed->source.empty()) {
            volumes.insert(parsed->source);
        }
    }
    for (const std::string& path : own_volumes(source)) {
        lines.push_back("- " + scalar(path));
    }
    for (const spec::Mount& mount : host.mounts) {
        write_mount(lines, mount);
        if (mount.type == "volume" && !mount.source.empty()) {
            volumes.insert(mount.source);
        }
    }
    service.part("volumes", lines);
    std::vector<std::string> tmpfs;
    for (const auto& [path, options] : host.tmpfs) {
        tmpfs.push_back(options.empty() ? path : fmt::format("{}:{}", path, options));
    }
    service.list("tmpfs", tmpfs);
    std::vector<std::string> lenders;
    for (const std::string& lender : host.volumes_from) {
        lenders.push_back("container:" + lender);
    }
    service.list("volumes_from", lenders);
    service.map("storage_opt", host.storage_opt);
    service.number("shm_size", host.shm_size, kDefaultShm);
}

void write_network(Service& service, const RecreateSource& source) {
    const spec::HostConfig& host = source.container.host_config;
    // Compose would make a network of its own.
    service.text("network_mode", host.network_mode);
    std::vector<std::string> ports;
    for (const auto& [port, bindings] : host.port_bindings) {
        for (const spec::PortBinding& binding :
             bindings.value_or(std::vector<spec::PortBinding>())) {
            const bool v6 = binding.host_ip.find(':') != std::string::npos;
            const std::string ip = v6 ? fmt::format("[{}]", binding.host_ip) : binding.host_ip;
            const bool plain = ip.empty() && binding.host_port.empty();
            ports.push_back(fmt::format("{}{}{}{}{}", ip, ip.empty() ? "" : ":", binding.host_port,
                                        plain ? "" : ":", port));
        }
    }
    service.list("ports", ports);
    service.list("expose", own_exposed_ports(source));
    if (host.publish_all_ports) {
        service.comment("compose has no word for --publish-all");
    }
    service.list("dns", host.dns);
    service.list("dns_opt", host.dns_options);
    service.list("dns_search", host.dns_search);
    service.list("extra_hosts", host.extra_hosts);
    service.list("external_links", own_links(source));
}

void write_security(Service& service, const spec::HostConfig& host) {
    service.on("privileged", host.privileged);
    service.on("read_only", host.readonly_rootfs);
    service.list("cap_add", host.cap_add);
    service.list("cap_drop", host.cap_drop);
    std::vector<std::string> options = host.security_opt;
    for (std::string& option : options) {
        if (option.starts_with("seccomp={")) {
            service.comment("seccomp.json: " + option.substr(8));
            option = "seccomp=seccomp.json";
        }
    }
    if (has_open_paths(host)) {
        options.emplace_back("systempaths=unconfined");
    }
    service.list("security_opt", options);
    service.map("sysctls", host.sysctls);
    service.list("group_add", host.group_add);
}

void write_host(Service& service, const RecreateSource& source) {
    const spec::HostConfig& host = source.container.host_config;
    const spec::RestartPolicy& policy = host.restart_policy;
    if (!policy.name.empty() && policy.name != "no") {
        service.text("restart",
                     policy.maximum_retry_count == 0
                         ? policy.name
                         : fmt::format("{}:{}", policy.name, policy.maximum_retry_count));
    }
    if (host.auto_remove) {
        service.comment("compose has no word for --rm");
    }
    if (host.log_config.type != source.log_driver || !host.log_config.config.empty()) {
        std::vector<std::string> lines = {"driver: " + scalar(host.log_config.type)};
        if (!host.log_config.config.empty()) {
            lines.emplace_back("options:");
        }
        for (const auto& [name, value] : host.log_config.config) {
            lines.push_back(fmt::format("  {}: {}", scalar(name), scalar(value)));
        }
        service.part("logging", lines);
    }
    service.text("pid", host.pid_mode);
    service.text("ipc", host.ipc_mode, "private");
    service.text("uts", host.uts_mode);
    service.text("userns_mode", host.userns_mode);
    service.text("cgroup", host.cgroupns_mode, source.cgroupns);
    service.text("isolation", host.isolation);
    service.text("runtime", host.runtime, source.runtime);
    if (host.init) {
        service.raw("init", *host.init ? "true" : "false");
    }
    service.map("annotations", host.annotations);
    service.number("oom_score_adj", host.oom_score_adj);
}

}  // namespace

std::string compose_file(std::span<const RecreateSource> sources) {
    std::string out = "services:\n";
    std::set<std::string> volumes;
    for (const RecreateSource& source : sources) {
        out += fmt::format("  {}:\n", scalar(source.name()));
        Service service(out);
        service.text("image", source.container.config.image);
        service.text("container_name", source.name());
        write_process(service, source);
        write_health(service, source);
        write_host(service, source);
        write_security(service, source.container.host_config);
        write_resources(service, source.container.host_config.resources);
        write_mounts(service, source, volumes);
        write_network(service, source);
    }
    if (!volumes.empty()) {
        out += "volumes:\n";
    }
    for (const std::string& name : volumes) {
        out += fmt::format("  {}:\n    external: true\n", scalar(name));
    }
    return out;
}

}  // namespace gantry::cli
