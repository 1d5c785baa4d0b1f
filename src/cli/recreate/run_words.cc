#include "cli/recreate/run_words.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "cli/recreate/flag_list.h"
#include "cli/recreate/resource_words.h"
#include "spec/duration.h"

namespace gantry::cli {
namespace {

constexpr int64_t kDefaultShm = 64 << 20;

void add_streams(FlagList& flags, const spec::ContainerConfig& config) {
    const bool none = !config.attach_stdin && !config.attach_stdout && !config.attach_stderr;
    flags.add_switch("detach", none);
    flags.add_switch("interactive", config.open_stdin);
    flags.add_switch("tty", config.tty);
    // Without a word of it both outputs are attached, and the input with --interactive.
    if (!none && !(config.attach_stdout && config.attach_stderr &&
                   config.attach_stdin == config.open_stdin)) {
        for (const auto& [on, name] :
             {std::pair(config.attach_stdin, "stdin"), std::pair(config.attach_stdout, "stdout"),
              std::pair(config.attach_stderr, "stderr")}) {
            if (on) {
                flags.add("attach", name);
            }
        }
    }
}

void add_duration(FlagList& flags, std::string_view name, int64_t nanoseconds) {
    if (nanoseconds != 0) {
        flags.add(name, spec::format_duration(std::chrono::nanoseconds(nanoseconds)));
    }
}

void add_health(FlagList& flags, const RecreateSource& source, std::vector<std::string>& notes) {
    if (!has_own_health(source)) {
        return;
    }
    const spec::HealthConfig& health = *source.container.config.healthcheck;
    if (!health.test.empty() && health.test[0] == "NONE") {
        flags.add_switch("no-healthcheck", true);
        return;
    }
    const bool of_image = source.image.healthcheck && source.image.healthcheck->test == health.test;
    if (!health.test.empty() && !of_image) {
        if (health.test[0] != "CMD-SHELL") {
            notes.emplace_back("the health check's command is run by a shell: no flag has a list");
        }
        flags.add("health-cmd", join(std::vector(health.test.begin() + 1, health.test.end()), " "));
    }
    add_duration(flags, "health-interval", health.interval);
    add_duration(flags, "health-timeout", health.timeout);
    add_duration(flags, "health-start-period", health.start_period);
    add_duration(flags, "health-start-interval", health.start_interval);
    flags.add_number("health-retries", health.retries);
}

void add_config(FlagList& flags, const RecreateSource& source) {
    const spec::ContainerConfig& config = source.container.config;
    flags.add_text("hostname", own_hostname(source));
    const bool joined = source.container.host_config.network_mode.starts_with("container:");
    flags.add_text("domainname", joined ? std::string() : config.domainname);
    flags.add_text("user", config.user, source.image.user);
    flags.add_text("workdir", config.working_dir, source.image.working_dir);
    flags.add_list("env", own_environment(source));
    for (const auto& [name, value] : own_labels(source)) {
        flags.add("label", fmt::format("{}={}", name, value));
    }
    flags.add_list("expose", own_exposed_ports(source));
    flags.add_text("stop-signal", config.stop_signal, source.image.stop_signal);
    if (config.stop_timeout) {
        flags.add("stop-timeout", fmt::format("{}", *config.stop_timeout));
    }
    flags.add_text("mac-address", config.mac_address);
}

void add_mounts(FlagList& flags, const RecreateSource& source) {
    const spec::HostConfig& host = source.container.host_config;
    flags.add_list("volume", host.binds);
    flags.add_list("volume", own_volumes(source));
    for (const spec::Mount& mount : host.mounts) {
        flags.add("mount", mount_text(mount));
    }
    for (const auto& [path, options] : host.tmpfs) {
        flags.add("tmpfs", options.empty() ? path : fmt::format("{}:{}", path, options));
    }
    flags.add_list("volumes-from", host.volumes_from);
    flags.add_text("volume-driver", host.volume_driver);
    flags.add_map("storage-opt", host.storage_opt);
    flags.add_number("shm-size", host.shm_size, kDefaultShm);
}

void add_network(FlagList& flags, const RecreateSource& source) {
    const spec::HostConfig& host = source.container.host_config;
    flags.add_text("network", host.network_mode, "bridge");
    for (const auto& [port, bindings] : host.port_bindings) {
        for (const spec::PortBinding& binding :
             bindings.value_or(std::vector<spec::PortBinding>())) {
            const bool v6 = binding.host_ip.find(':') != std::string::npos;
            const std::string ip = v6 ? fmt::format("[{}]", binding.host_ip) : binding.host_ip;
            const bool plain = ip.empty() && binding.host_port.empty();
            flags.add("publish", fmt::format("{}{}{}{}{}", ip, ip.empty() ? "" : ":",
                                             binding.host_port, plain ? "" : ":", port));
        }
    }
    flags.add_switch("publish-all", host.publish_all_ports);
    flags.add_list("dns", host.dns);
    flags.add_list("dns-option", host.dns_options);
    flags.add_list("dns-search", host.dns_search);
    flags.add_list("add-host", host.extra_hosts);
    flags.add_list("link", own_links(source));
}

void add_security(FlagList& flags, const spec::HostConfig& host, std::vector<std::string>& notes) {
    flags.add_switch("privileged", host.privileged);
    flags.add_switch("read-only", host.readonly_rootfs);
    flags.add_list("cap-add", host.cap_add);
    flags.add_list("cap-drop", host.cap_drop);
    for (const std::string& option : host.security_opt) {
        const bool profile = option.starts_with("seccomp={") || option.starts_with("seccomp:{");
        if (profile) {
            notes.push_back("the seccomp profile has to be in the file seccomp.json: " +
                            option.substr(8));
        }
        flags.add("security-opt", profile ? "seccomp=seccomp.json" : option);
    }
    if (has_open_paths(host)) {
        flags.add("security-opt", "systempaths=unconfined");
    }
    flags.add_map("sysctl", host.sysctls);
    flags.add_list("group-add", host.group_add);
}

void add_host(FlagList& flags, const RecreateSource& source, std::vector<std::string>& notes) {
    const spec::HostConfig& host = source.container.host_config;
    flags.add_switch("rm", host.auto_remove);
    const spec::RestartPolicy& policy = host.restart_policy;
    if (!policy.name.empty() && policy.name != "no") {
        flags.add("restart", policy.maximum_retry_count == 0
                                 ? policy.name
                                 : fmt::format("{}:{}", policy.name, policy.maximum_retry_count));
    }
    flags.add_switch("restart-unhealthy", policy.on_unhealthy == "restart");
    if (policy.on_unhealthy == "stop" || policy.on_unhealthy == "kill") {
        notes.push_back("no flag has RestartPolicy.OnUnhealthy: " + policy.on_unhealthy);
    }
    flags.add_text("log-driver", host.log_config.type, source.log_driver);
    flags.add_map("log-opt", host.log_config.config);
    flags.add_text("pid", host.pid_mode);
    flags.add_text("ipc", host.ipc_mode, "private");
    flags.add_text("uts", host.uts_mode);
    flags.add_text("userns", host.userns_mode);
    flags.add_text("cgroupns", host.cgroupns_mode, source.cgroupns);
    flags.add_text("isolation", host.isolation);
    flags.add_text("runtime", host.runtime, source.runtime);
    if (host.init) {
        flags.add_switch(*host.init ? "init" : "init=false", true);
    }
    flags.add_map("annotation", host.annotations);
    flags.add_number("oom-score-adj", host.oom_score_adj);
    flags.add_text("cidfile", host.container_id_file);
}

/// A field of --mount that may hold a comma.
std::string csv_field(const std::string& field) {
    if (field.find_first_of(",\"") == std::string::npos) {
        return field;
    }
    std::string quoted = "\"";
    for (const char c : field) {
        quoted += c == '"' ? "\"\"" : std::string(1, c);
    }
    return quoted + "\"";
}

/// TEXT as one word of a POSIX shell.
std::string shell_word(const std::string& text) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+";
    if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) {
        return text;
    }
    std::string word = "'";
    for (const char c : text) {
        word += c == '\'' ? "'\\''" : std::string(1, c);
    }
    return word + "'";
}

void add_bind_fields(const spec::BindOptions& bind, std::vector<std::string>& fields) {
    if (!bind.propagation.empty()) {
        fields.push_back("bind-propagation=" + bind.propagation);
    }
    if (bind.non_recursive) {
        fields.emplace_back("bind-recursive=disabled");
    }
    if (bind.read_only_non_recursive) {
        fields.emplace_back("bind-recursive=writable");
    }
    if (bind.read_only_force_recursive) {
        fields.emplace_back("bind-recursive=readonly");
    }
    if (bind.create_mountpoint) {
        fields.emplace_back("bind-create-src");
    }
}

void add_volume_fields(const spec::VolumeOptions& volume, std::vector<std::string>& fields) {
    if (volume.no_copy) {
        fields.emplace_back("volume-nocopy");
    }
    if (!volume.subpath.empty()) {
        fields.push_back("volume-subpath=" + volume.subpath);
    }
    for (const auto& [name, value] : volume.labels) {
        fields.push_back(fmt::format("volume-label={}={}", name, value));
    }
    if (volume.driver_config) {
        if (!volume.driver_config->name.empty()) {
            fields.push_back("volume-driver=" + volume.driver_config->name);
        }
        for (const auto& [name, value] : volume.driver_config->options) {
            fields.push_back(fmt::format("volume-opt={}={}", name, value));
        }
    }
}

}  // namespace

std::string mount_text(const spec::Mount& mount) {
    std::vector<std::string> fields = {"type=" + mount.type};
    if (!mount.source.empty()) {
        fields.push_back("source=" + mount.source);
    }
    fields.push_back("target=" + mount.target);
    if (mount.read_only) {
        fields.emplace_back("readonly");
    }
    if (!mount.consistency.empty()) {
        fields.push_back("consistency=" + mount.consistency);
    }
    if (mount.bind_options) {
        add_bind_fields(*mount.bind_options, fields);
    }
    if (mount.volume_options) {
        add_volume_fields(*mount.volume_options, fields);
    }
    if (mount.image_options && !mount.image_options->subpath.empty()) {
        fields.push_back("image-subpath=" + mount.image_options->subpath);
    }
    if (mount.tmpfs_options) {
        if (mount.tmpfs_options->size_bytes != 0) {
            fields.push_back(fmt::format("tmpfs-size={}", mount.tmpfs_options->size_bytes));
        }
        if (mount.tmpfs_options->mode != 0) {
            fields.push_back(fmt::format("tmpfs-mode={:o}", mount.tmpfs_options->mode));
        }
    }
    std::ranges::transform(fields, fields.begin(), csv_field);
    return join(fields, ",");
}

RunWords run_words(const RecreateSource& source) {
    RunWords words;
    FlagList flags(words.flags);
    flags.add("name", source.name());
    add_streams(flags, source.container.config);
    add_config(flags, source);
    add_health(flags, source, words.notes);
    add_host(flags, source, words.notes);
    add_security(flags, source.container.host_config, words.notes);
    add_resources(flags, source.container.host_config.resources);
    add_mounts(flags, source);
    add_network(flags, source);
    OwnCommand command = own_command(source);
    words.arguments = {source.container.config.image};
    if (command.says_entrypoint) {
        flags.add("entrypoint", command.entrypoint.empty() ? "" : command.entrypoint[0]);
        if (command.entrypoint.size() > 1) {
            words.notes.emplace_back(
                "--entrypoint takes one word: the others are part of the command");
            words.arguments.insert(words.arguments.end(), command.entrypoint.begin() + 1,
                                   command.entrypoint.end());
        }
    }
    words.arguments.insert(words.arguments.end(), command.cmd.begin(), command.cmd.end());
    return words;
}

std::string run_command(const std::string& program, const RunWords& words) {
    std::string text = program + " run";
    for (const std::vector<std::string>& flag : words.flags) {
        text += " \\\n  " + flag[0];
        if (flag.size() > 1) {
            text += " " + shell_word(flag[1]);
        }
    }
    text += " \\\n ";
    for (const std::string& argument : words.arguments) {
        text += " " + shell_word(argument);
    }
    return text + "\n";
}

}  // namespace gantry::cli
