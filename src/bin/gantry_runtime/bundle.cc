#include "bin/gantry_runtime/bundle.h"

#include <fmt/core.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/text.h"
#include "runtime/default_devices.h"
#include "spec/json.h"
#include "sys/cgroup.h"
#include "sys/files.h"
#include "sys/user_db.h"

namespace gantry::standalone {

namespace {

using spec::oci::Config;
using spec::oci::Mount;

constexpr size_t kMaxConfig = size_t{16} << 20;

Result<> check_version(const std::string& version) {
    const auto parts = split(version, '.');
    if (parts.size() < 3 || !parse_uint(parts[0])) {
        return fail(Kind::kInvalid, fmt::format("invalid ociVersion {:?} in config.json", version));
    }
    if (*parse_uint(parts[0]) != 1) {
        return fail(Kind::kInvalid,
                    fmt::format("ociVersion {:?} in config.json is not supported", version));
    }
    return {};
}

Result<> check_sysctls(const Config& config) {
    auto has = [&](std::string_view type) {
        return std::ranges::find(config.linux.namespaces, type, &spec::oci::Namespace::type) !=
               config.linux.namespaces.end();
    };
    constexpr std::array<std::string_view, 8> kIpc = {
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
        "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
    for (const auto& [key, value] : config.linux.sysctl) {
        std::string name = key;
        std::ranges::replace(name, '/', '.');
        const bool ipc =
            std::ranges::find(kIpc, name) != kIpc.end() || name.starts_with("fs.mqueue.");
        const char* missing = nullptr;
        if (ipc) {
            missing = has("ipc") ? nullptr : "IPC";
        } else if (name.starts_with("net.")) {
            missing = has("network") ? nullptr : "network";
        } else if (name == "kernel.domainname") {
            missing = has("uts") ? nullptr : "UTS";
        } else if (name == "kernel.hostname") {
            return fail(Kind::kInvalid,
                        fmt::format("sysctl {:?} conflicts with the OCI field hostname", key));
        } else {
            return fail(Kind::kInvalid,
                        fmt::format("sysctl {:?} is not in a separate kernel namespace", key));
        }
        if (missing != nullptr) {
            return fail(
                Kind::kInvalid,
                fmt::format("sysctl {:?} is not allowed in the hosts {} namespace", key, missing));
        }
    }
    return {};
}

void add_v1_mounts(std::vector<Mount>& mounts, const Mount& wanted, const sys::CgroupLayout& layout,
                   const std::string& cgroup, bool own_namespace) {
    mounts.push_back(
        {wanted.destination, "tmpfs", "tmpfs", {"nosuid", "noexec", "nodev", "mode=755"}});
    for (const sys::CgroupHierarchy& hierarchy : layout.v1) {
        const std::string controllers = join(hierarchy.controllers, ",");
        const bool named = controllers.starts_with("name=");
        Mount mount = wanted;
        mount.destination += "/" + (named ? controllers.substr(5) : controllers);
        if (own_namespace) {
            mount.options.push_back(named ? "none," + controllers : controllers);
        } else {
            mount.type = "bind";
            mount.source = hierarchy.mount_point + cgroup;
            mount.options.insert(mount.options.begin(), "bind");
            std::erase(mount.options, "relatime");
        }
        mounts.push_back(std::move(mount));
    }
    if (std::ranges::find(wanted.options, "ro") != wanted.options.end()) {
        mounts.push_back({wanted.destination, "", "", {"remount", "ro"}});
    }
}

}  // namespace

Result<std::string> absolute_path(const std::string& path) {
    const std::unique_ptr<char, void (*)(void*)> resolved(realpath(path.c_str(), nullptr), &free);
    if (resolved == nullptr) {
        return fail_errno(path);
    }
    return std::string(resolved.get());
}

Result<Config> load_bundle(const std::string& bundle) {
    const std::string path = bundle + "/config.json";
    const auto text = sys::read_file(path.c_str(), kMaxConfig);
    if (!text) {
        if (text.error().kind() == Kind::kNotFound) {
            return fail(Kind::kNotFound, fmt::format("JSON specification file {} not found", path));
        }
        return fail(Kind::kInternal, text.error().text());
    }
    auto parsed = spec::parse_json<Config>(*text);
    if (!parsed) {
        return fail(Kind::kInvalid, fmt::format("{}: {}", path, parsed.error().text()));
    }
    Config& config = *parsed;
    GT_TRY(check_version(config.oci_version));
    if (config.root.path.empty()) {
        return fail(Kind::kInvalid, "Root must be specified");
    }
    if (!config.root.path.starts_with('/')) {
        config.root.path = bundle + "/" + config.root.path;
    }
    auto root = absolute_path(config.root.path);
    if (!root) {
        return fail(Kind::kInvalid, fmt::format("invalid rootfs: {}", root.error().text()));
    }
    config.root.path = std::move(*root);
    for (Mount& mount : config.mounts) {
        const bool bind = mount.type == "bind" ||
                          std::ranges::find(mount.options, "bind") != mount.options.end() ||
                          std::ranges::find(mount.options, "rbind") != mount.options.end();
        if (bind && !mount.source.starts_with('/')) {
            mount.source = bundle + "/" + mount.source;
        }
        if (!mount.destination.starts_with('/')) {
            // Since runtime-spec 1.1 they must be absolute; older ones meant the root.
            mount.destination.insert(0, "/");
        }
    }
    GT_TRY(check_sysctls(config));
    return std::move(config);
}

Result<spec::oci::Process> load_process(const std::string& path) {
    GT_TRY_VAR(text, sys::read_file(path.c_str(), kMaxConfig));
    return spec::parse_json<spec::oci::Process>(text);
}

Result<> expand_cgroup_mounts(Config& config, const std::string& cgroup) {
    const bool wanted =
        std::ranges::find(config.mounts, "cgroup", &Mount::type) != config.mounts.end();
    if (!wanted) {
        return {};
    }
    GT_TRY_VAR(cgroups, sys::Cgroups::probe());
    const bool own_namespace =
        std::ranges::find(config.linux.namespaces, "cgroup", &spec::oci::Namespace::type) !=
        config.linux.namespaces.end();
    std::vector<Mount> mounts;
    for (Mount& mount : config.mounts) {
        if (mount.type != "cgroup") {
            mounts.push_back(std::move(mount));
            continue;
        }
        if (cgroups.layout().mode != sys::CgroupMode::kV2) {
            add_v1_mounts(mounts, mount, cgroups.layout(), cgroup, own_namespace);
            continue;
        }
        if (own_namespace) {
            mount.type = "cgroup2";
        } else {
            mount.type = "bind";
            mount.source = cgroups.layout().v2_mount_point + cgroup;
            mount.options.insert(mount.options.begin(), "bind");
        }
        mounts.push_back(std::move(mount));
    }
    config.mounts = std::move(mounts);
    return {};
}

void add_default_devices(Config& config) {
    const bool own_dev = std::ranges::any_of(config.mounts, [](const Mount& mount) {
        return mount.destination == "/dev" && mount.type != "bind";
    });
    for (spec::oci::Device& device : runtime::default_devices()) {
        const bool given =
            std::ranges::find(config.linux.devices, device.path, &spec::oci::Device::path) !=
            config.linux.devices.end();
        if (own_dev && !given) {
            config.linux.devices.push_back(std::move(device));
        }
    }
}

void add_home(spec::oci::Process& process, const std::string& root) {
    const auto is_home = [](const std::string& entry) { return entry.starts_with("HOME="); };
    if (std::ranges::any_of(process.env, is_home)) {
        return;
    }
    std::string home = "/";
    if (const auto dir = sys::open_dir(root.c_str())) {
        const auto users = sys::read_user_db(dir->get());
        const auto user =
            sys::resolve_user(users ? *users : sys::UserDb(), std::to_string(process.user.uid), {});
        home = user ? user->home : home;
    }
    process.env.push_back("HOME=" + home);
}

}  // namespace gantry::standalone
