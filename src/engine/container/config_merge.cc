#include "engine/container/config_merge.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "engine/container/health.h"

namespace gantry::engine {

namespace {

constexpr std::string_view kDefaultPath =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string_view name_of(std::string_view variable) {
    return cut(variable, '=').before;
}

std::vector<std::string>::iterator find_variable(std::vector<std::string>& env,
                                                 std::string_view name) {
    return std::find_if(env.begin(), env.end(),
                        [name](const std::string& variable) { return name_of(variable) == name; });
}

void merge_command(spec::ContainerConfig& config, const spec::ContainerConfig& image) {
    const bool user_entrypoint = config.entrypoint && !config.entrypoint->empty();
    if (!user_entrypoint) {
        if (config.cmd.empty()) {
            config.cmd = image.cmd;
            config.args_escaped = image.args_escaped;
        }
        if (!config.entrypoint) {
            config.entrypoint = image.entrypoint;
        }
    }
    if (config.entrypoint && config.entrypoint->size() == 1 && config.entrypoint->front().empty()) {
        config.entrypoint.reset();
    }
}

void merge_env(spec::ContainerConfig& config, const spec::ContainerConfig& image) {
    for (const std::string& variable : image.env) {
        if (find_variable(config.env, name_of(variable)) == config.env.end()) {
            config.env.push_back(variable);
        }
    }
}

}  // namespace

void merge_image_config(spec::ContainerConfig& config, const spec::ContainerConfig& image) {
    merge_command(config, image);
    merge_env(config, image);
    if (config.user.empty()) {
        config.user = image.user;
    }
    if (config.working_dir.empty()) {
        config.working_dir = image.working_dir;
    }
    if (config.stop_signal.empty()) {
        config.stop_signal = image.stop_signal;
    }
    if (!config.stop_timeout) {
        config.stop_timeout = image.stop_timeout;
    }
    config.exposed_ports.insert(image.exposed_ports.begin(), image.exposed_ports.end());
    config.labels.insert(image.labels.begin(), image.labels.end());
    merge_health(config.healthcheck, image.healthcheck);
    config.volumes.insert(image.volumes.begin(), image.volumes.end());
}

std::vector<std::string> command_line(const spec::ContainerConfig& config) {
    std::vector<std::string> line = config.entrypoint.value_or(std::vector<std::string>());
    line.insert(line.end(), config.cmd.begin(), config.cmd.end());
    return line;
}

std::vector<std::string> replace_env(std::vector<std::string> base,
                                     const std::vector<std::string>& changes) {
    for (const std::string& change : changes) {
        const auto [name, value, assigned] = cut(change, '=');
        const auto old = find_variable(base, name);
        if (!assigned) {
            if (old != base.end()) {
                base.erase(old);
            }
        } else if (old != base.end()) {
            *old = change;
        } else {
            base.push_back(change);
        }
    }
    return base;
}

std::vector<std::string> process_env(const spec::ContainerConfig& config,
                                     std::string_view hostname) {
    std::vector<std::string> base = {std::string(kDefaultPath),
                                     fmt::format("HOSTNAME={}", hostname)};
    if (config.tty) {
        base.emplace_back("TERM=xterm");
    }
    return replace_env(std::move(base), config.env);
}

}  // namespace gantry::engine
