#include "runtime/default_config.h"

#include <dirent.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "runtime/default_devices.h"
#include "runtime/impl/host_devices.h"
#include "spec/oci/runtime.h"
#include "sys/cgroup_layout.h"
#include "sys/files.h"

namespace gantry::runtime {

namespace {

using spec::oci::Config;
using spec::oci::Mount;

constexpr size_t kMaxMountInfo = size_t{4} << 20;

void add_namespaces(Config& config, const ConfigOptions& options) {
    auto add = [&](const char* type, bool host) {
        if (!host) {
            config.linux.namespaces.push_back({type, ""});
        }
    };
    add("mount", false);
    add("pid", options.host_pid);
    add("ipc", options.host_ipc);
    add("uts", options.host_uts);
    add("network", options.host_network);
    add("cgroup", options.host_cgroup);
}

std::vector<std::string> cgroup_options(const ConfigOptions& options, std::string_view more) {
    std::vector<std::string> list = {"nosuid", "noexec", "nodev"};
    if (options.privilege == Privilege::kDefault) {
        list.emplace_back("ro");
    }
    if (!more.empty()) {
        list.emplace_back(more);
    }
    return list;
}

/// The host's hierarchies; null without any.
const sys::CgroupLayout* host_cgroup_layout() {
    static const auto layout = []() -> std::optional<sys::CgroupLayout> {
        const auto mountinfo = sys::read_file("/proc/self/mountinfo", kMaxMountInfo);
        auto read = mountinfo ? sys::read_cgroup_layout(*mountinfo)
                              : Result<sys::CgroupLayout>(fail(Kind::kNotFound, "mountinfo"));
        return read ? std::optional(std::move(*read)) : std::nullopt;
    }();
    return layout ? &*layout : nullptr;
}

/// One mount per v1 hierarchy on a tmpfs that is read-only at the end, or the one v2 tree.
void add_cgroup_mounts(Config& config, const ConfigOptions& options) {
    const sys::CgroupLayout* layout = host_cgroup_layout();
    if (layout == nullptr) {
        return;  // a host without cgroups has none to show
    }
    const std::string top = "/sys/fs/cgroup";
    if (layout->mode == sys::CgroupMode::kV2) {
        config.mounts.push_back({top, "cgroup2", "cgroup", cgroup_options(options, "")});
        return;
    }
    config.mounts.push_back({top, "tmpfs", "tmpfs", {"nosuid", "noexec", "nodev", "mode=755"}});
    for (const sys::CgroupHierarchy& hierarchy : layout->v1) {
        const std::string controllers = join(hierarchy.controllers, ",");
        const bool named = controllers.starts_with("name=");
        config.mounts.push_back(
            {top + "/" + (named ? controllers.substr(5) : controllers), "cgroup", "cgroup",
             cgroup_options(options, named ? "none," + controllers : controllers)});
    }
    if (options.privilege == Privilege::kDefault) {
        config.mounts.push_back({top, "", "", {"remount", "ro"}});
    }
}

void add_mounts(Config& config, const ConfigOptions& options) {
    const char* sys_access = options.privilege == Privilege::kPrivileged ? "rw" : "ro";
    config.mounts = {
        {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
        {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
        {"/dev/pts",
         "devpts",
         "devpts",
         {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
        {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", sys_access}},
    };
    if (options.cgroup == CgroupView::kHost) {
        add_cgroup_mounts(config, options);
    }
    // Shows the queues of the IPC namespace that it is mounted in, be it the host's.
    config.mounts.push_back({"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}});
    if (options.host_ipc) {
        config.mounts.push_back({"/dev/shm", "bind", "/dev/shm", {"rbind"}});
        return;
    }
    config.mounts.push_back(
        {"/dev/shm",
         "tmpfs",
         "shm",
         {"nosuid", "noexec", "nodev", "mode=1777", fmt::format("size={}", options.shm_size)}});
}

/// COMPAT: behaviour G9.
void add_device_rules(Config& config) {
    auto& rules = config.linux.resources.devices;
    rules.push_back({false, "a", std::nullopt, std::nullopt, "rwm"});
    const auto more = default_device_rules();
    rules.insert(rules.end(), more.begin(), more.end());
}

Result<> add_capabilities(Config& config, Privilege privilege) {
    sys::CapSet set = sys::kDefaultCapabilities;
    GT_TRY_VAR(bounding, sys::bounding_set());
    // What the daemon itself does not have it cannot give.
    set = privilege == Privilege::kPrivileged ? bounding : set & bounding;
    const std::vector<std::string> names = sys::capability_names(set);
    spec::oci::Capabilities caps;
    caps.bounding = names;
    caps.effective = names;
    caps.permitted = names;
    config.process.capabilities = std::move(caps);
    return {};
}

void add_sysctls(Config& config, const ConfigOptions& options) {
    if (!options.host_network) {
        config.linux.sysctl["net.ipv4.ip_unprivileged_port_start"] = "0";
        config.linux.sysctl["net.ipv4.ping_group_range"] = fmt::format("0 {}", options.last_gid);
    }
}

std::vector<std::string> thermal_throttle_paths() {
    std::vector<std::string> paths;
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir("/sys/devices/system/cpu"), &closedir);
    while (dir != nullptr) {
        const dirent* entry = readdir(dir.get());
        if (entry == nullptr) {
            break;
        }
        const std::string_view name = entry->d_name;
        if (!name.starts_with("cpu") || !parse_uint(name.substr(3))) {
            continue;
        }
        std::string path = fmt::format("/sys/devices/system/cpu/{}/thermal_throttle", name);
        if (access(path.c_str(), F_OK) == 0) {
            paths.push_back(std::move(path));
        }
    }
    std::ranges::sort(paths);
    return paths;
}

}  // namespace

std::vector<std::string> default_masked_paths() {
    std::vector<std::string> paths = {
        // Docker's.
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
        "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
        "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
        // Further views of the host that no stock image needs (security.md section 2).
        "/proc/bootconfig", "/proc/iomem", "/proc/ioports", "/proc/key-users", "/proc/kmsg",
        "/proc/kpagecgroup", "/proc/kpagecount", "/proc/kpageflags", "/proc/mtrr",
        "/proc/pagetypeinfo", "/proc/slabinfo", "/proc/vmallocinfo", "/sys/fs/bpf",
        "/sys/fs/selinux", "/sys/kernel/debug", "/sys/kernel/security", "/sys/kernel/slab",
        "/sys/kernel/tracing", "/sys/kernel/vmcoreinfo"};
    static const std::vector<std::string> thermal = thermal_throttle_paths();
    paths.insert(paths.end(), thermal.begin(), thermal.end());
    return paths;
}

std::vector<std::string> default_readonly_paths() {
    return {"/proc/bus", "/proc/driver", "/proc/fs",
            "/proc/irq", "/proc/sys",    "/proc/sysrq-trigger"};
}

Result<Config> default_config(const ConfigOptions& options) {
    Config config;
    config.process.terminal = options.terminal;
    config.process.cwd = "/";
    config.root.readonly = options.root == RootAccess::kReadOnly;
    add_namespaces(config, options);
    add_mounts(config, options);
    GT_TRY(add_capabilities(config, options.privilege));
    add_sysctls(config, options);
    if (options.privilege == Privilege::kPrivileged) {
        config.linux.resources.devices = {{true, "a", std::nullopt, std::nullopt, "rwm"}};
        GT_TRY_VAR(devices, host_devices());
        config.linux.devices = std::move(devices);
    } else {
        config.linux.masked_paths = default_masked_paths();
        config.linux.readonly_paths = default_readonly_paths();
        config.linux.devices = default_devices();
        add_device_rules(config);
    }
    return config;
}

Result<Mount> tmpfs_mount(const std::string& path, const std::string& options) {
    constexpr std::array<std::string_view, 6> kDefaults = {"noexec", "nosuid", "nodev",
                                                           "exec",   "suid",   "dev"};
    constexpr std::array<std::string_view, 30> kFlags = {
        "ro",     "rw",      "suid",       "nosuid",      "dev",      "nodev",
        "exec",   "noexec",  "sync",       "async",       "dirsync",  "remount",
        "mand",   "nomand",  "atime",      "noatime",     "diratime", "nodiratime",
        "bind",   "rbind",   "unbindable", "runbindable", "private",  "rprivate",
        "shared", "rshared", "slave",      "rslave",      "relatime", "strictatime"};
    constexpr std::array<std::string_view, 7> kData = {"mode",      "uid",       "gid", "size",
                                                       "nr_inodes", "nr_blocks", "mpol"};
    Mount mount{path, "tmpfs", "tmpfs", {"noexec", "nosuid", "nodev", "rprivate"}};
    if (options.empty()) {
        return mount;
    }
    for (const std::string_view option : split(options, ',')) {
        const Cut parts = cut(option, '=');
        const bool known = parts.found ? std::ranges::find(kData, parts.before) != kData.end()
                                       : std::ranges::find(kFlags, option) != kFlags.end();
        if (!known || option == "remount" || option == "bind" || option == "rbind") {
            return fail(Kind::kInvalid, fmt::format("invalid tmpfs option {:?}", option));
        }
        // "exec" takes the default "noexec" away; the later option wins.
        for (size_t i = 0; i < 3; ++i) {
            if (option == kDefaults[i] || option == kDefaults[i + 3]) {
                std::erase(mount.options, kDefaults[i]);
            }
        }
        mount.options.emplace_back(option);
    }
    return mount;
}

}  // namespace gantry::runtime
