#include <fmt/core.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "runtime/impl/build_context.h"
#include "runtime/impl/mount_options.h"

namespace gantry::runtime {

namespace {

using shim::StepKind;

/// What may lie over files of /proc: what lxcfs gives (COMPAT: runc's list).
bool may_cover_proc(std::string_view path) {
    constexpr std::array<std::string_view, 11> kAllowed = {"/proc/cpuinfo",
                                                           "/proc/diskstats",
                                                           "/proc/meminfo",
                                                           "/proc/stat",
                                                           "/proc/swaps",
                                                           "/proc/uptime",
                                                           "/proc/loadavg",
                                                           "/proc/slabinfo",
                                                           "/proc/net/dev",
                                                           "/proc/sys/kernel/ns_last_pid",
                                                           "/proc/sys/crypto/fips_enabled"};
    return std::ranges::find(kAllowed, path) != kAllowed.end();
}

bool is_bind(const spec::oci::Mount& mount, const MountOptions& options) {
    return !options.remount && (options.bind || mount.type == "bind");
}

Result<> check_destination(const spec::oci::Mount& mount, const std::string& destination) {
    if (!mount.destination.starts_with('/') || destination == "/") {
        return fail(Kind::kInvalid,
                    fmt::format("invalid mount destination {:?}", mount.destination));
    }
    const bool in_proc = destination == "/proc" || destination.starts_with("/proc/");
    // COMPAT: runc. Who shares the host's pids may share its /proc as it is.
    const bool hosts_proc = destination == "/proc" && mount.source == "/proc" &&
                            is_bind(mount, parse_mount_options(mount.options));
    if (in_proc && mount.type != "proc" && !hosts_proc && !may_cover_proc(destination)) {
        return fail(Kind::kInvalid,
                    fmt::format("{:?} cannot be mounted because it is inside /proc", destination));
    }
    return {};
}

/// The number of the prepared mount for DESTINATION; -1 without one.
int prepared_mount(const BuildContext& context, std::string_view destination) {
    const auto& mounts = context.options.mounts;
    const auto found = std::ranges::find(mounts, destination, &PreparedMount::destination);
    return found == mounts.end() ? -1 : context.mounts + static_cast<int>(found - mounts.begin());
}

/// A bind that is opened before the birth: what the container's root may not reach, or only the
/// host can map.
bool opens_early(const BuildContext& context, const spec::oci::Mount& mount,
                 const MountOptions& options) {
    return is_bind(mount, options) && prepared_mount(context, mount.destination) < 0 &&
           (context.open_early || wants_idmap(mount));
}

void fill_bind(shim::Step& step, const MountOptions& options) {
    step.flags |= options.recursive ? shim::kBindRecursive : 0;
    step.n[0] = static_cast<int64_t>(options.set);
    step.n[1] = static_cast<int64_t>(options.clear);
    step.n[2] = static_cast<int64_t>(options.propagation);
    step.n[3] = static_cast<int64_t>(options.set_all | options.clear_all << 32);
}

Result<uint32_t> take_slot(BuildContext& context) {
    if (context.next_slot >= shim::kMaxSlots) {
        return fail(Kind::kInvalid, "too many mounts");
    }
    return context.next_slot++;
}

Result<> add_bind(BuildContext& context, const spec::oci::Mount& mount,
                  const std::string& destination, const MountOptions& options, uint32_t& slot) {
    // COMPAT: runc passes the rest on to mount(2), which ignores it for a bind.
    if (!options.data.empty() && context.stage == nullptr) {
        return fail(Kind::kInvalid, fmt::format("invalid bind mount option {:?}", options.data));
    }
    shim::Step& step = context.plan.add(StepKind::kBind, destination, mount.source);
    if (opens_early(context, mount, options)) {
        step.flags = shim::kBindSlot;
        step.slot = slot++;
        return {};
    }
    if (const int prepared = prepared_mount(context, mount.destination); prepared >= 0) {
        step.fd = prepared;
        step.flags = shim::kBindDetached;
    }
    fill_bind(step, options);
    return {};
}

Result<> add_mount(BuildContext& context, const spec::oci::Mount& mount, uint32_t& slot) {
    PlanWriter& plan = context.plan;
    const std::string destination = clean_path(mount.destination);
    GT_TRY(check_destination(mount, destination));
    MountOptions options = parse_mount_options(mount.options);
    if (is_readonly_dev(mount)) {
        options.set &= ~uint64_t{MOUNT_ATTR_RDONLY};
    }
    if (options.remount) {
        shim::Step& step = plan.add(StepKind::kRemount, destination);
        step.n[0] = static_cast<int64_t>(options.set);
        step.n[1] = static_cast<int64_t>(options.clear);
        return {};
    }
    if (is_bind(mount, options)) {
        return add_bind(context, mount, destination, options, slot);
    }
    if (wants_idmap(mount)) {
        return fail(Kind::kInvalid,
                    fmt::format("mount {:?}: only bind mounts can be idmapped", destination));
    }
    if (mount.type.empty()) {
        return fail(Kind::kInvalid, fmt::format("mount {:?} has no type", destination));
    }
    if (options.copy_up && mount.type != "tmpfs") {
        return fail(Kind::kInvalid, "tmpcopyup is for tmpfs mounts only");
    }
    std::string data = options.data;
    if (!mount.source.empty()) {
        // What mountinfo shows, and the device of file systems that have one.
        data = "source=" + mount.source + (data.empty() ? "" : "," + data);
    }
    const StepKind kind = options.copy_up ? StepKind::kMountCopy : StepKind::kMount;
    shim::Step& step = plan.add(kind, destination, mount.type, data);
    // COMPAT: runc. A tmpfs without a mode looks like what it covers.
    const bool has_mode = ("," + options.data).find(",mode=") != std::string::npos;
    step.flags = mount.type == "tmpfs" && !has_mode ? shim::kMountModeOfTarget : 0;
    step.n[0] = static_cast<int64_t>(options.set | options.set_all);
    step.n[1] = static_cast<int64_t>(options.propagation);
    return {};
}

Result<mode_t> device_type(const spec::oci::Device& device) {
    if (device.type == "c" || device.type == "u") {
        return S_IFCHR;
    }
    if (device.type == "b") {
        return S_IFBLK;
    }
    if (device.type == "p") {
        return S_IFIFO;
    }
    return fail(Kind::kInvalid,
                fmt::format("unknown type {:?} of device {}", device.type, device.path));
}

/// A user namespace cannot make device nodes: it gets those of the host.
bool binds_device(const BuildContext& context, const spec::oci::Device& device) {
    return context.user_namespace && device.type != "p";
}

Result<> add_device(BuildContext& context, const spec::oci::Device& device, uint32_t& slot) {
    GT_TRY_VAR(type, device_type(device));
    const std::string path = clean_path(device.path);
    if (binds_device(context, device)) {
        shim::Step& step = context.plan.add(StepKind::kBind, path, path);
        if (context.open_early) {
            step.flags = shim::kBindSlot;
            step.slot = slot++;
        }
        return {};
    }
    shim::Step& step = context.plan.add(StepKind::kDevice, path);
    step.n[0] = static_cast<int64_t>(type | (device.file_mode.value_or(0666) & 07777));
    step.n[1] = static_cast<int64_t>(
        makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor)));
    step.n[2] = device.uid.value_or(0);
    step.n[3] = device.gid.value_or(0);
    return {};
}

/// The links that every container has in a /dev of its own.
void add_device_links(PlanWriter& plan) {
    constexpr std::array<std::array<std::string_view, 2>, 5> kLinks = {{
        {"/dev/fd", "/proc/self/fd"},
        {"/dev/stdin", "/proc/self/fd/0"},
        {"/dev/stdout", "/proc/self/fd/1"},
        {"/dev/stderr", "/proc/self/fd/2"},
        {"/dev/ptmx", "pts/ptmx"},
    }};
    for (const auto& [link, target] : kLinks) {
        plan.add(StepKind::kSymlink, link, target);
    }
}

Result<> open_devices(BuildContext& context) {
    for (const spec::oci::Device& device : context.config.linux.devices) {
        if (!binds_device(context, device)) {
            continue;
        }
        GT_TRY_VAR(slot, take_slot(context));
        const std::string path = clean_path(device.path);
        shim::Step& step = context.plan.add(StepKind::kOpenMount, path, path);
        step.flags = shim::kOpenDevice;
        step.slot = slot;
        step.n[0] = static_cast<int64_t>(
            makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor)));
    }
    return {};
}

}  // namespace

bool wants_idmap(const spec::oci::Mount& mount) {
    return !mount.uid_mappings.empty() || !mount.gid_mappings.empty() ||
           parse_mount_options(mount.options).idmap;
}

Result<> add_early_mounts(BuildContext& context) {
    // ORDER: slots are given in the order in which add_files() takes them.
    int idmap = context.idmaps;
    for (const spec::oci::Mount& mount : context.config.mounts) {
        const MountOptions options = parse_mount_options(mount.options);
        const bool mapped = wants_idmap(mount);
        if (opens_early(context, mount, options)) {
            GT_TRY_VAR(slot, take_slot(context));
            shim::Step& step =
                context.plan.add(StepKind::kOpenMount, clean_path(mount.destination), mount.source);
            step.slot = slot;
            step.fd = mapped ? idmap : -1;
            fill_bind(step, options);
        }
        idmap += mapped ? 1 : 0;
    }
    if (!context.open_early) {
        return {};
    }
    GT_TRY(open_devices(context));
    if (context.root < 0) {
        GT_TRY_VAR(slot, take_slot(context));
        context.root_slot = slot;
        const std::string& path = context.config.root.path;
        shim::Step& step = context.plan.add(StepKind::kOpenMount, path, path);
        step.flags = shim::kBindRecursive;
        step.slot = slot;
    }
    return {};
}

bool is_readonly_dev(const spec::oci::Mount& mount) {
    const MountOptions options = parse_mount_options(mount.options);
    return clean_path(mount.destination) == "/dev" && (options.set & MOUNT_ATTR_RDONLY) != 0 &&
           !options.remount && !is_bind(mount, options);
}

Result<> add_files(BuildContext& context) {
    bool own_dev = false;
    uint32_t slot = 0;
    for (const spec::oci::Mount& mount : context.config.mounts) {
        GT_TRY(add_mount(context, mount, slot));
        own_dev = own_dev || (mount.destination == "/dev" && mount.type == "tmpfs");
    }
    for (const spec::oci::Device& device : context.config.linux.devices) {
        GT_TRY(add_device(context, device, slot));
    }
    if (own_dev) {
        add_device_links(context.plan);
    }
    return {};
}

/// PATH without empty and "." parts; ".." is resolved as text, as the image cannot answer here.
std::string clean_path(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const size_t slash = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, slash);
        path.remove_prefix(std::min(slash + 1, path.size()));
        if (part == "..") {
            if (!parts.empty()) {
                parts.pop_back();
            }
        } else if (!part.empty() && part != ".") {
            parts.push_back(part);
        }
    }
    std::string clean;
    for (const std::string_view part : parts) {
        clean.append("/").append(part);
    }
    return clean.empty() ? "/" : clean;
}

}  // namespace gantry::runtime
