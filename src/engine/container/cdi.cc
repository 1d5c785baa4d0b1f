#include "engine/container/cdi.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "spec/cdi.h"
#include "sys/files.h"

namespace gantry::engine {

namespace {

constexpr size_t kMaxSpec = size_t{1} << 20;
constexpr std::string_view kGpus = "nvidia.com/gpu";

/// All specs of all directories.
class Registry {
public:
    static Registry read(const std::vector<std::string>& dirs) {
        Registry registry;
        for (const std::string& dir : dirs) {
            const auto names = sys::list_dir(AT_FDCWD, dir.c_str());
            for (const std::string& name : names.value_or(std::vector<std::string>())) {
                registry.read_file(dir + "/" + name);
            }
            registry.finish_dir();
        }
        return registry;
    }

    bool has_kind(std::string_view kind) const {
        return std::ranges::any_of(specs_, [&](const auto& spec) { return spec.kind == kind; });
    }

    struct Found {
        size_t spec = 0;
        const spec::CdiDevice* device = nullptr;
    };
    /// Empty for an unknown device, and for one that two files of one directory define.
    std::optional<Found> find(const std::string& name) const {
        const auto place = places_.find(name);
        if (place == places_.end() || conflicts_.contains(name)) {
            return std::nullopt;
        }
        const auto [spec, device] = place->second;
        return Found{.spec = spec, .device = &specs_[spec].devices[device]};
    }
    const spec::CdiSpec& spec(size_t index) const { return specs_[index]; }

private:
    void read_file(const std::string& path) {
        const bool json = path.ends_with(".json");
        if (!json && !path.ends_with(".yaml")) {
            return;
        }
        const auto text = sys::read_file(path.c_str(), kMaxSpec);
        auto spec = text ? spec::parse_cdi_spec(
                               *text, json ? spec::CdiFormat::kJson : spec::CdiFormat::kYaml)
                         : Result<spec::CdiSpec>(fail(Kind::kInvalid, text.error().text()));
        if (!spec) {
            log::warn("a CDI spec is no good", {{"file", path}, {"error", spec.error().text()}});
            return;
        }
        for (size_t i = 0; i < spec->devices.size(); ++i) {
            const std::string name = spec->kind + "=" + spec->devices[i].name;
            if (!of_dir_.emplace(name, std::pair(specs_.size(), i)).second) {
                double_.insert(name);
            }
        }
        specs_.push_back(std::move(*spec));
    }

    /// What this directory defines takes the place of what those before it did.
    void finish_dir() {
        for (const auto& [name, place] : of_dir_) {
            places_[name] = place;
            conflicts_.erase(name);
        }
        conflicts_.insert(double_.begin(), double_.end());
        of_dir_.clear();
        double_.clear();
    }

    using Place = std::pair<size_t, size_t>;
    std::vector<spec::CdiSpec> specs_;
    std::map<std::string, Place> places_;
    std::map<std::string, Place> of_dir_;
    std::set<std::string> double_;
    std::set<std::string> conflicts_;
};

Failure injection_failed(std::string_view reason) {
    return fail(Kind::kInternal, fmt::format("CDI device injection failed: {}", reason));
}

Failure no_driver(const spec::DeviceRequest& request) {
    std::vector<std::string> groups;
    groups.reserve(request.capabilities.size());
    for (const auto& group : request.capabilities) {
        groups.push_back("[" + join(group, " ") + "]");
    }
    return fail(Kind::kInternal,
                fmt::format("could not select device driver \"{}\" with capabilities: [{}]",
                            request.driver, join(groups, " ")));
}

bool asks_for_gpu(const spec::DeviceRequest& request) {
    constexpr std::array<std::string_view, 8> kKnown = {
        "gpu", "nvidia", "compute", "compat32", "graphics", "utility", "video", "display"};
    const auto is_gpu = [&](const std::vector<std::string>& group) {
        return !group.empty() && std::ranges::all_of(group, [&](const std::string& word) {
            return std::ranges::find(kKnown, word) != kKnown.end();
        });
    };
    return (request.driver.empty() || request.driver == "nvidia") &&
           std::ranges::any_of(request.capabilities, is_gpu);
}

/// The full CDI names of what REQUEST asks for.
Result<std::vector<std::string>> names_of(const spec::DeviceRequest& request,
                                          const Registry& registry) {
    if (request.driver == "cdi") {
        return request.device_ids;
    }
    if (!asks_for_gpu(request) || !registry.has_kind(kGpus)) {
        return no_driver(request);
    }
    if (request.count != 0 && !request.device_ids.empty()) {
        return fail(Kind::kInvalid, "cannot set both Count and DeviceIDs on device request");
    }
    std::vector<std::string> names;
    for (const std::string& id : request.device_ids) {
        names.push_back(id.find('=') != std::string::npos ? id : fmt::format("{}={}", kGpus, id));
    }
    if (request.count < 0) {
        names.push_back(fmt::format("{}=all", kGpus));
    }
    for (int64_t i = 0; i < request.count; ++i) {
        names.push_back(fmt::format("{}={}", kGpus, i));
    }
    return names;
}

Result<> add_node(const spec::CdiDeviceNode& node, GrantedDevices& devices) {
    spec::oci::Device device{.path = node.path,
                             .type = node.type,
                             .major = node.major.value_or(0),
                             .minor = node.minor.value_or(0),
                             .file_mode = node.file_mode,
                             .uid = node.uid,
                             .gid = node.gid};
    if (device.type.empty() || !node.major) {
        const std::string& path = node.host_path.empty() ? node.path : node.host_path;
        struct stat status{};
        const bool there = ::stat(path.c_str(), &status) == 0;
        if (!there || (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode))) {
            return injection_failed(fmt::format("failed to stat CDI host device \"{}\": {}", path,
                                                there ? "not a device node" : "no such device"));
        }
        device.type = S_ISBLK(status.st_mode) ? "b" : "c";
        device.major = major(status.st_rdev);
        device.minor = minor(status.st_rdev);
        device.file_mode = node.file_mode.value_or(status.st_mode & 07777);
    }
    if (device.type != "p") {
        const std::string letters = node.permissions.empty() ? "rwm" : node.permissions;
        devices.rules.push_back({.action = sys::DeviceRule::Action::kAllow,
                                 .type = device.type == "b" ? sys::DeviceRule::Type::kBlock
                                                            : sys::DeviceRule::Type::kChar,
                                 .major = static_cast<uint32_t>(device.major),
                                 .minor = static_cast<uint32_t>(device.minor),
                                 .access = sys::parse_device_access(letters).value_or(0)});
    }
    devices.nodes.push_back(std::move(device));
    return {};
}

Result<> add_edits(const spec::CdiEdits& edits, RequestedDevices& requested) {
    if (!edits.hooks.empty() || edits.intel_rdt) {
        return fail(Kind::kNotImplemented,
                    fmt::format("CDI device injection failed: {} of a CDI spec are not supported "
                                "yet",
                                edits.hooks.empty() ? "intelRdt edits" : "hooks"));
    }
    requested.env.insert(requested.env.end(), edits.env.begin(), edits.env.end());
    for (const spec::CdiDeviceNode& node : edits.device_nodes) {
        GT_TRY(add_node(node, requested.devices));
    }
    for (const spec::CdiMount& mount : edits.mounts) {
        const bool bind = mount.type.empty() || mount.type == "none" || mount.type == "bind";
        requested.mounts.push_back({.destination = mount.container_path,
                                    .type = bind ? "bind" : mount.type,
                                    .source = mount.host_path,
                                    .options = mount.options});
    }
    requested.gids.insert(requested.gids.end(), edits.additional_gids.begin(),
                          edits.additional_gids.end());
    return {};
}

void set_variable(std::vector<std::string>& env, const std::string& variable) {
    const std::string name = variable.substr(0, variable.find('=') + 1);
    std::erase_if(env, [&](const std::string& other) { return other.starts_with(name); });
    env.push_back(variable);
}

}  // namespace

Result<RequestedDevices> find_requested_devices(const std::vector<spec::DeviceRequest>& requests,
                                                const std::vector<std::string>& spec_dirs) {
    RequestedDevices requested;
    if (requests.empty()) {
        return requested;
    }
    const Registry registry = Registry::read(spec_dirs);
    std::vector<std::string> names;
    for (const spec::DeviceRequest& request : requests) {
        GT_TRY_VAR(more, names_of(request, registry));
        names.insert(names.end(), more.begin(), more.end());
    }
    std::vector<std::string> unknown;
    std::set<size_t> used;
    for (const std::string& name : names) {
        const auto found = registry.find(name);
        if (!found) {
            unknown.push_back(name);
            continue;
        }
        if (used.insert(found->spec).second) {
            GT_TRY(add_edits(registry.spec(found->spec).edits, requested));
        }
        GT_TRY(add_edits(found->device->edits, requested));
    }
    if (!unknown.empty()) {
        return injection_failed("unresolvable CDI devices " + join(unknown, ", "));
    }
    return requested;
}

void add_requested_devices(spec::oci::Config& config, const RequestedDevices& requested) {
    for (const std::string& variable : requested.env) {
        set_variable(config.process.env, variable);
    }
    spec::oci::User& user = config.process.user;
    for (spec::oci::Device device : requested.devices.nodes) {
        // A node whose owner the spec leaves open is the user's, who could not open it otherwise.
        device.uid = device.uid.value_or(user.uid);
        device.gid = device.gid.value_or(user.gid);
        std::erase_if(config.linux.devices,
                      [&](const auto& other) { return other.path == device.path; });
        config.linux.devices.push_back(std::move(device));
    }
    for (const spec::oci::Mount& mount : requested.mounts) {
        std::erase_if(config.mounts,
                      [&](const auto& other) { return other.destination == mount.destination; });
        config.mounts.push_back(mount);
    }
    for (const uint32_t gid : requested.gids) {
        if (gid != 0 &&
            std::ranges::find(user.additional_gids, gid) == user.additional_gids.end()) {
            user.additional_gids.push_back(gid);
        }
    }
}

}  // namespace gantry::engine
