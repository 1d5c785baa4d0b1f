#include "cli/recreate/source.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "spec/json.h"
#include "spec/port.h"

namespace gantry::cli {
namespace {

constexpr size_t kShortId = 12;

bool contains(const std::vector<std::string>& list, const std::string& text) {
    return std::ranges::find(list, text) != list.end();
}

}  // namespace

std::vector<std::string> own_environment(const RecreateSource& source) {
    std::vector<std::string> own;
    for (const std::string& variable : source.container.config.env) {
        if (!contains(source.image.env, variable)) {
            own.push_back(variable);
        }
    }
    return own;
}

spec::StringMap own_labels(const RecreateSource& source) {
    spec::StringMap own = source.container.config.labels;
    std::erase_if(own, [&](const auto& label) {
        const auto found = source.image.labels.find(label.first);
        return found != source.image.labels.end() && found->second == label.second;
    });
    return own;
}

std::vector<std::string> own_exposed_ports(const RecreateSource& source) {
    std::vector<std::string> own;
    for (const std::string& port : source.container.config.exposed_ports) {
        if (!source.image.exposed_ports.contains(port) &&
            !source.container.host_config.port_bindings.contains(port)) {
            own.push_back(port);
        }
    }
    return own;
}

std::vector<std::string> own_volumes(const RecreateSource& source) {
    std::vector<std::string> own;
    for (const std::string& path : source.container.config.volumes) {
        if (!source.image.volumes.contains(path)) {
            own.push_back(path);
        }
    }
    return own;
}

std::vector<std::string> own_links(const RecreateSource& source) {
    std::vector<std::string> own;
    for (const std::string& shown : source.container.host_config.links) {
        // "/peer:/NAME/alias"
        const auto [peer, path, found] = cut(shown, ':');
        own.push_back(fmt::format("{}:{}", peer.substr(peer.starts_with('/') ? 1 : 0),
                                  path.substr(path.rfind('/') + 1)));
    }
    return own;
}

std::string own_hostname(const RecreateSource& source) {
    const spec::HostConfig& host = source.container.host_config;
    const std::string& name = source.container.config.hostname;
    const bool given = host.network_mode == "host" || host.uts_mode == "host" ||
                       host.network_mode.starts_with("container:");
    return given || name == source.container.id.substr(0, kShortId) ? std::string() : name;
}

bool has_own_health(const RecreateSource& source) {
    const auto& own = source.container.config.healthcheck;
    const auto& of_image = source.image.healthcheck;
    return own && (!of_image || spec::to_json(*own) != spec::to_json(*of_image));
}

OwnCommand own_command(const RecreateSource& source) {
    const spec::ContainerConfig& config = source.container.config;
    OwnCommand own;
    own.entrypoint = config.entrypoint.value_or(std::vector<std::string>());
    const auto of_image = source.image.entrypoint.value_or(std::vector<std::string>());
    own.says_entrypoint = own.entrypoint != of_image;
    if (own.says_entrypoint || config.cmd != source.image.cmd) {
        own.cmd = config.cmd;
    }
    return own;
}

bool has_open_paths(const spec::HostConfig& host) {
    return !host.privileged && host.masked_paths && host.masked_paths->empty() &&
           host.readonly_paths && host.readonly_paths->empty();
}

}  // namespace gantry::cli
