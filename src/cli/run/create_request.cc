#include "cli/run/create_request.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"
#include "cli/flags/flag_types.h"
#include "cli/flags/network_flag.h"
#include "cli/run/key_value.h"
#include "cli/stream/terminal.h"
#include "spec/duration.h"
#include "spec/units.h"

namespace gantry::cli {
namespace {

/// host, "" or container:NAME.
bool is_namespace_mode(std::string_view mode, bool may_join) {
    return mode.empty() || mode == "host" ||
           (may_join && mode.starts_with("container:") && mode.size() > 10);
}

Result<spec::StringMap> parse_storage_options(const std::vector<std::string>& options) {
    for (const std::string& option : options) {
        if (option.find('=') == std::string::npos) {
            return fail(Kind::kInvalid, "invalid storage option");
        }
    }
    return to_map(options);
}

int64_t duration_of(const FlagValues& flags, std::string_view name) {
    auto duration = spec::parse_duration(flags.text(name));
    return duration ? duration->count() : 0;
}

void fill_attached(const FlagValues& flags, spec::ContainerConfig& config) {
    const std::vector<std::string>& wanted = flags.list("attach");
    const auto attached = [&](std::string_view stream) {
        return std::ranges::any_of(
            wanted, [&](const std::string& text) { return equals_ignoring_case(text, stream); });
    };
    config.attach_stdin = wanted.empty() ? flags.on("interactive") : attached("stdin");
    config.attach_stdout = wanted.empty() || attached("stdout");
    config.attach_stderr = wanted.empty() || attached("stderr");
}

}  // namespace

Result<spec::RestartPolicy> parse_restart_policy(std::string_view text) {
    spec::RestartPolicy policy;
    const auto [name, count, has_count] = cut(text, ':');
    if (has_count && name.empty()) {
        return fail(Kind::kInvalid,
                    "invalid restart policy format: no policy provided before colon");
    }
    policy.name = name;
    if (has_count) {
        const auto number = parse_int(count);
        if (!number) {
            return fail(Kind::kInvalid,
                        "invalid restart policy format: maximum retry count must be an integer");
        }
        policy.maximum_retry_count = *number;
    }
    return policy;
}

Result<> fill_process(const ParsedArgs& args, spec::ContainerConfig& config) {
    const FlagValues& flags = args.flags;
    config.image = args.arguments.empty() ? "" : args.arguments[0];
    config.cmd.assign(args.arguments.begin() + (args.arguments.empty() ? 0 : 1),
                      args.arguments.end());
    if (flags.changed("entrypoint")) {
        config.entrypoint = {flags.text("entrypoint")};
    }
    config.hostname = flags.text("hostname");
    config.domainname = flags.text("domainname");
    config.user = flags.text("user");
    config.working_dir = flags.text("workdir");
    config.tty = flags.on("tty");
    config.open_stdin = flags.on("interactive");
    fill_attached(flags, config);
    config.stdin_once = config.open_stdin && config.attach_stdin;
    GT_TRY_VAR(environment, read_environment(flags.list("env-file"), flags.list("env")));
    config.env = std::move(environment);
    GT_TRY_VAR(labels, read_labels(flags.list("label-file"), flags.list("label")));
    config.labels = std::move(labels);
    config.stop_signal = flags.text("stop-signal");
    if (flags.changed("stop-timeout")) {
        config.stop_timeout = flags.integer("stop-timeout");
    }
    return {};
}

Result<> fill_health(const FlagValues& flags, spec::ContainerConfig& config) {
    constexpr std::array<std::string_view, 4> kDurations = {
        "health-interval", "health-timeout", "health-start-period", "health-start-interval"};
    bool any = !flags.text("health-cmd").empty() || flags.integer("health-retries") != 0;
    for (const std::string_view name : kDurations) {
        any |= duration_of(flags, name) != 0;
    }
    if (flags.on("no-healthcheck")) {
        if (any) {
            return fail(Kind::kInvalid, "--no-healthcheck conflicts with --health-* options");
        }
        config.healthcheck.emplace().test = {"NONE"};
        return {};
    }
    if (!any) {
        return {};
    }
    for (const std::string_view name : kDurations) {
        if (duration_of(flags, name) < 0) {
            return fail(Kind::kInvalid, fmt::format("--{} cannot be negative", name));
        }
    }
    if (flags.integer("health-retries") < 0) {
        return fail(Kind::kInvalid, "--health-retries cannot be negative");
    }
    spec::HealthConfig& health = config.healthcheck.emplace();
    if (const std::string command = flags.text("health-cmd"); !command.empty()) {
        health.test = {"CMD-SHELL", command};
    }
    health.interval = duration_of(flags, "health-interval");
    health.timeout = duration_of(flags, "health-timeout");
    health.start_period = duration_of(flags, "health-start-period");
    health.start_interval = duration_of(flags, "health-start-interval");
    health.retries = flags.integer("health-retries");
    return {};
}

Result<> fill_host(const FlagValues& flags, spec::HostConfig& host) {
    struct Mode {
        std::string_view flag;
        std::string_view what;
        bool may_join;
    };
    for (const auto& [flag, what, may_join] :
         {Mode{"pid", "PID", true}, Mode{"uts", "UTS", false}, Mode{"userns", "USER", false}}) {
        if (!is_namespace_mode(flags.text(flag), may_join)) {
            return fail(Kind::kInvalid, fmt::format("--{}: invalid {} mode", flag, what));
        }
    }
    host.cgroupns_mode = flags.text("cgroupns");
    if (!is_namespace_mode(host.cgroupns_mode, false) && host.cgroupns_mode != "private") {
        return fail(Kind::kInvalid, "--cgroupns: invalid CGROUP mode");
    }
    host.pid_mode = flags.text("pid");
    host.uts_mode = flags.text("uts");
    host.userns_mode = flags.text("userns");
    host.ipc_mode = flags.text("ipc");
    GT_TRY_VAR(policy, parse_restart_policy(flags.text("restart")));
    host.restart_policy = std::move(policy);
    if (flags.on("restart-unhealthy")) {
        host.restart_policy.on_unhealthy = "restart";
    }
    host.auto_remove = flags.on("rm");
    if (host.auto_remove && !host.restart_policy.name.empty() && host.restart_policy.name != "no") {
        return fail(Kind::kInvalid, "conflicting options: cannot specify both --restart and --rm");
    }
    host.log_config = {flags.text("log-driver"), to_map(flags.list("log-opt"))};
    if (host.log_config.type == "none" && !host.log_config.config.empty()) {
        return fail(Kind::kInvalid, "invalid logging opts for driver none");
    }
    GT_TRY_VAR(storage, parse_storage_options(flags.list("storage-opt")));
    host.storage_opt = std::move(storage);
    host.container_id_file = flags.text("cidfile");
    host.annotations = to_map(flags.list("annotation"));
    host.group_add = flags.list("group-add");
    host.oom_score_adj = flags.integer("oom-score-adj");
    host.sysctls = to_map(flags.list("sysctl"));
    host.runtime = flags.text("runtime");
    host.isolation = flags.text("isolation");
    if (flags.changed("init")) {
        host.init = flags.on("init");
    }
    if (flags.on("tty")) {
        if (const auto size = terminal_size(STDOUT_FILENO)) {
            host.console_size = {size->rows, size->columns};
        }
    }
    return {};
}

Result<spec::ContainerCreateRequest> build_create_request(const ParsedArgs& args) {
    spec::ContainerCreateRequest request;
    spec::HostConfig& host = request.host_config.emplace();
    GT_TRY(fill_process(args, request.config));
    GT_TRY(fill_health(args.flags, request.config));
    GT_TRY(fill_host(args.flags, host));
    GT_TRY(fill_resources(args.flags, host.resources));
    GT_TRY(fill_security(args.flags, host));
    GT_TRY(fill_mounts(args.flags, request));
    GT_TRY(fill_networks(args.flags, request));
    return request;
}

}  // namespace gantry::cli
