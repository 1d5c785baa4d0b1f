#include "engine/container/devices.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <optional>
#include <string>

#include "base/text.h"
#include "sys/files.h"

namespace gantry::engine {

namespace {

constexpr int kMaxDepth = 8;
constexpr std::string_view kAllAccess = "rwm";

std::string_view access_of(const spec::DeviceMapping& device) {
    return device.cgroup_permissions.empty() ? kAllAccess
                                             : std::string_view(device.cgroup_permissions);
}

/// A number, or any for "*".
std::optional<std::optional<uint32_t>> parse_number(std::string_view text) {
    if (text == "*") {
        return std::optional<uint32_t>();
    }
    const auto number = parse_uint(text);
    if (!number || *number > UINT32_MAX) {
        return std::nullopt;
    }
    return std::optional(static_cast<uint32_t>(*number));
}

class Granting {
public:
    explicit Granting(uint8_t access) : access_(access) {}

    Result<> add(const std::string& host_path, const std::string& path, int depth) {
        struct stat status{};
        if (::stat(host_path.c_str(), &status) < 0) {
            return fail_errno(fmt::format(
                "error gathering device information while adding custom device \"{}\"", host_path));
        }
        if (S_ISDIR(status.st_mode) && depth < kMaxDepth) {
            return add_directory(host_path, path, depth);
        }
        if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) {
            // COMPAT: in a directory what is no device is passed over.
            return depth > 0 ? Result<>()
                             : fail(Kind::kInvalid,
                                    fmt::format("error gathering device information while adding "
                                                "custom device \"{}\": not a device node",
                                                host_path));
        }
        add_node(status, path);
        return {};
    }

    GrantedDevices granted;

private:
    Result<> add_directory(const std::string& host_path, const std::string& path, int depth) {
        GT_TRY_VAR(names, sys::list_dir(AT_FDCWD, host_path.c_str()));
        for (const std::string& name : names) {
            GT_TRY(add(host_path + "/" + name, path + "/" + name, depth + 1));
        }
        return {};
    }

    void add_node(const struct stat& status, const std::string& path) {
        const bool block = S_ISBLK(status.st_mode);
        granted.nodes.push_back({.path = path,
                                 .type = block ? "b" : "c",
                                 .major = major(status.st_rdev),
                                 .minor = minor(status.st_rdev),
                                 .file_mode = status.st_mode & 07777,
                                 .uid = status.st_uid,
                                 .gid = status.st_gid});
        granted.rules.push_back(
            {.action = sys::DeviceRule::Action::kAllow,
             .type = block ? sys::DeviceRule::Type::kBlock : sys::DeviceRule::Type::kChar,
             .major = major(status.st_rdev),
             .minor = minor(status.st_rdev),
             .access = access_});
    }

    uint8_t access_;
};

}  // namespace

Result<sys::DeviceRule> parse_device_rule(std::string_view text) {
    const auto invalid = [text] {
        return fail(Kind::kInvalid,
                    fmt::format("invalid device cgroup rule format: '{}'", text.substr(0, 64)));
    };
    const auto words = split(text, ' ');
    if (words.size() != 3 || words[0].size() != 1 || words[2].empty()) {
        return invalid();
    }
    const auto [major_text, minor_text, found] = cut(words[1], ':');
    const auto major_number = parse_number(major_text);
    const auto minor_number = parse_number(minor_text);
    const auto access = sys::parse_device_access(words[2]);
    const char type = words[0].front();
    if (!found || !major_number || !minor_number || !access ||
        (type != 'a' && type != 'b' && type != 'c')) {
        return invalid();
    }
    return sys::DeviceRule{.action = sys::DeviceRule::Action::kAllow,
                           .type = static_cast<sys::DeviceRule::Type>(type),
                           .major = *major_number,
                           .minor = *minor_number,
                           .access = *access};
}

Result<> check_devices(const spec::Resources& resources) {
    for (const spec::DeviceMapping& device : resources.devices) {
        if (!device.path_on_host.starts_with('/') ||
            !(device.path_in_container.empty() || device.path_in_container.starts_with('/'))) {
            return fail(Kind::kInvalid,
                        fmt::format("bad format for path: {}", device.path_on_host.substr(0, 256)));
        }
        if (!sys::parse_device_access(access_of(device))) {
            return fail(Kind::kInvalid, fmt::format("bad mode specified: {}",
                                                    device.cgroup_permissions.substr(0, 64)));
        }
    }
    for (const std::string& rule : resources.device_cgroup_rules) {
        GT_TRY(parse_device_rule(rule));
    }
    return {};
}

Result<GrantedDevices> grant_devices(const spec::Resources& resources) {
    GrantedDevices all;
    for (const spec::DeviceMapping& device : resources.devices) {
        Granting granting(sys::parse_device_access(access_of(device)).value_or(0));
        const std::string& path =
            device.path_in_container.empty() ? device.path_on_host : device.path_in_container;
        GT_TRY(granting.add(device.path_on_host, path, 0));
        GrantedDevices& more = granting.granted;
        all.nodes.insert(all.nodes.end(), more.nodes.begin(), more.nodes.end());
        all.rules.insert(all.rules.end(), more.rules.begin(), more.rules.end());
    }
    for (const std::string& text : resources.device_cgroup_rules) {
        GT_TRY_VAR(rule, parse_device_rule(text));
        all.rules.push_back(rule);
    }
    return all;
}

}  // namespace gantry::engine
