#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "base/text.h"
#include "cli/run/create_request.h"
#include "spec/mount.h"

namespace gantry::cli {
namespace {

/// PATH made absolute, as seen from our working directory.
std::string absolute(std::string_view path) {
    std::array<char, PATH_MAX> directory = {};
    if (path.starts_with('/') || ::getcwd(directory.data(), directory.size()) == nullptr) {
        return spec::clean_path(path);
    }
    return spec::clean_path(fmt::format("{}/{}", directory.data(), path));
}

}  // namespace

Result<spec::Mount> parse_mount_flag(std::string_view text) {
    GT_TRY_VAR(mount, spec::parse_mount(text));
    if (mount.type == "bind" && !mount.source.starts_with('/')) {
        mount.source = absolute(mount.source);
    }
    return std::move(mount);
}

std::string parse_volume_flag(std::string_view text) {
    const auto [source, rest, has_target] = cut(text, ':');
    return has_target && source.starts_with('.') ? fmt::format("{}:{}", absolute(source), rest)
                                                 : std::string(text);
}

Result<> fill_mounts(const FlagValues& flags, spec::ContainerCreateRequest& request) {
    spec::HostConfig& host = *request.host_config;
    for (const std::string& volume : flags.list("volume")) {
        const auto [source, rest, has_target] = cut(volume, ':');
        if (!has_target || source.empty()) {
            request.config.volumes.insert(volume);
        } else {
            host.binds.push_back(parse_volume_flag(volume));
        }
    }
    for (const std::string& tmpfs : flags.list("tmpfs")) {
        const auto [target, options, has_options] = cut(tmpfs, ':');
        host.tmpfs[std::string(target)] = options;
    }
    for (const std::string& text : flags.list("mount")) {
        GT_TRY_VAR(mount, parse_mount_flag(text));
        host.mounts.push_back(std::move(mount));
    }
    host.volumes_from = flags.list("volumes-from");
    host.volume_driver = flags.text("volume-driver");
    return {};
}

}  // namespace gantry::cli
