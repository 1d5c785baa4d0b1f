#include "engine/system/system_service.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"
#include "engine/container/apparmor.h"
#include "engine/container/container_service.h"
#include "engine/container/runtimes.h"
#include "engine/logdriver/log_driver.h"
#include "engine/system/machine.h"
#include "sys/apparmor.h"
#include "sys/cgroup.h"
#include "sys/files.h"

namespace gantry::engine {
namespace {

constexpr std::string_view kVersion = "0.1.0";
constexpr size_t kIdSize = 36;

/// 8-4-4-4-12 hex digits, the form in which `docker info` shows it.
std::string make_engine_id() {
    const std::string hex = random_id();
    return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                       hex.substr(16, 4), hex.substr(20, 12));
}

Result<std::string> engine_id(const std::string& data_root) {
    const std::string path = data_root + "/engine-id";
    const auto known = sys::read_file(path.c_str(), 4096);
    if (known && trim(*known).size() == kIdSize) {
        return std::string(trim(*known));
    }
    std::string id = make_engine_id();
    GT_TRY_VAR(root, sys::open_dir(data_root.c_str()));
    GT_TRY(sys::replace_file(root.get(), "engine-id", id, 0600, sys::Durability::kDurable));
    return id;
}

void add_machine(spec::Info& info, const Machine& machine) {
    info.name = machine.hostname;
    info.kernel_version = machine.kernel_version;
    info.operating_system = machine.operating_system;
    info.os_version = machine.os_version;
    info.architecture = machine.architecture;
    info.ncpu = machine.cpus;
    info.mem_total = machine.memory_bytes;
    info.ipv4_forwarding = machine.ipv4_forwarding;
}

void add_warnings(spec::Info& info, const sys::CgroupSupport& can, bool is_v2) {
    const std::pair<bool, std::string_view> wanted[] = {
        {can.memory, "memory limit support"},
        {can.swap, "swap limit support"},
        {can.oom_kill_disable || is_v2, "oom kill disable support"},
        {can.cpu_quota, "cpu cfs quota support"},
        {can.cpu_quota, "cpu cfs period support"},
        {can.cpu_shares, "cpu shares support"},
        {can.cpuset, "cpuset support"},
        {can.io_weight, is_v2 ? "io.weight support" : "blkio weight support"},
        {can.io_weight_device,
         is_v2 ? "io.weight (per device) support" : "blkio weight_device support"},
        {can.io_throttle,
         is_v2 ? "io.max (rbps) support" : "blkio throttle.read_bps_device support"},
        {can.io_throttle,
         is_v2 ? "io.max (wbps) support" : "blkio throttle.write_bps_device support"},
        {can.io_throttle,
         is_v2 ? "io.max (riops) support" : "blkio throttle.read_iops_device support"},
        {can.io_throttle,
         is_v2 ? "io.max (wiops) support" : "blkio throttle.write_iops_device support"}};
    for (const auto& [there, what] : wanted) {
        if (!there) {
            info.warnings.push_back(fmt::format("WARNING: No {}", what));
        }
    }
    if (!info.ipv4_forwarding) {
        info.warnings.emplace_back("WARNING: IPv4 forwarding is disabled");
    }
    if (sys::has_apparmor() && !confines_by_default()) {
        info.warnings.push_back(
            fmt::format("WARNING: containers are not confined by AppArmor: there is neither a "
                        "profile {} nor apparmor_parser to load it",
                        kDefaultProfile));
    }
}

void add_cgroups(spec::Info& info, const sys::CgroupSupport& can) {
    info.cgroup_driver = "cgroupfs";
    const auto cgroups = sys::Cgroups::probe();
    if (!cgroups) {
        info.cgroup_driver = "none";
        info.warnings.push_back(fmt::format("WARNING: no cgroups: {}", cgroups.error().text()));
        return;
    }
    info.cgroup_version = cgroups->version();
    info.memory_limit = can.memory;
    info.swap_limit = can.swap;
    info.oom_kill_disable = can.oom_kill_disable;
    info.cpu_shares = can.cpu_shares;
    info.cpu_cfs_period = info.cpu_cfs_quota = can.cpu_quota;
    info.cpu_set = can.cpuset;
    info.pids_limit = can.pids;
    add_warnings(info, can, cgroups->layout().mode == sys::CgroupMode::kV2);
}

int64_t open_fds() {
    const auto names = sys::list_dir(AT_FDCWD, "/proc/self/fd");
    return names ? static_cast<int64_t>(names->size()) : 0;
}

int64_t threads() {
    const auto names = sys::list_dir(AT_FDCWD, "/proc/self/task");
    return names ? static_cast<int64_t>(names->size()) : 0;
}

}  // namespace

std::string_view gantry_version() {
    return kVersion;
}

Result<SystemService> SystemService::open(SystemSettings settings,
                                          const ContainerService& containers, SystemCounts counts) {
    GT_TRY_VAR(id, engine_id(settings.data_root));
    return SystemService(std::move(settings), std::move(id), containers, std::move(counts));
}

spec::Version SystemService::version() const {
    const Machine machine = read_machine();
    spec::Version version;
    version.platform.name = "Gantry Engine";
    version.version = kVersion;
    version.api_version = kApiVersion;
    version.min_api_version = kMinApiVersion;
    version.os = "linux";
    version.arch = machine.go_architecture;
    version.kernel_version = machine.kernel_version;
    spec::Version::Component engine;
    engine.name = "Engine";
    engine.version = kVersion;
    engine.details = {{"ApiVersion", std::string(kApiVersion)},
                      {"Arch", machine.go_architecture},
                      {"Experimental", "false"},
                      {"KernelVersion", machine.kernel_version},
                      {"MinAPIVersion", std::string(kMinApiVersion)},
                      {"Os", "linux"},
                      // COMPAT: the docker CLI prints these two without asking whether they exist.
                      {"GitCommit", ""},
                      {"GoVersion", ""},
                      {"BuildTime", ""}};
    version.components.push_back(std::move(engine));
    return version;
}

spec::Info SystemService::info() const {
    spec::Info info;
    const ContainerCounts counts = containers_.counts();
    info.id = id_;
    info.containers = counts.total();
    info.containers_running = counts.running;
    info.containers_paused = counts.paused;
    info.containers_stopped = counts.stopped;
    info.images = counts_.images();
    // COMPAT: clients and the docker CLI know our kind of storage under this name.
    info.driver = "overlay2";
    info.driver_status.push_back({"Supports d_type", "true"});
    info.driver_status.push_back({"Using metacopy", "false"});
    info.plugins.volume = {"local"};
    info.plugins.network = {"bridge", "host", "null"};
    info.plugins.log = log_driver_names();
    info.debug = settings_.debug;
    info.n_fd = open_fds();
    info.n_goroutines = threads();
    info.n_events_listener = counts_.event_listeners();
    info.system_time = wall_now();
    info.logging_driver = settings_.log_driver;
    info.index_server_address = "https://index.docker.io/v1/";
    info.docker_root_dir = settings_.data_root;
    info.labels = settings_.labels;
    info.server_version = kVersion;
    info.runtimes[std::string(kOwnRuntime)].path = "gantry-shim";
    for (const auto& [name, runtime] : settings_.runtimes) {
        info.runtimes[name] = {
            .path = runtime.path, .runtime_args = runtime.arguments, .status = {}};
    }
    info.default_runtime = settings_.default_runtime;
    info.live_restore_enabled = settings_.live_restore;
    info.security_options = settings_.security_options;
    info.cdi_spec_dirs = settings_.cdi_spec_dirs;
    if (!settings_.bridge_subnet.empty()) {
        const auto [base, size, found] = cut(settings_.bridge_subnet, '/');
        info.default_address_pools.push_back(
            {settings_.bridge_subnet, found ? parse_int(size).value_or(0) : 0});
    }
    add_machine(info, read_machine());
    add_cgroups(info, containers_.cgroup_support());
    return info;
}

}  // namespace gantry::engine
