#include "bin/gantryd/daemon.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <grp.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>

#include "api/router.h"
#include "base/log.h"
#include "base/text.h"
#include "bin/gantryd/userns_remap.h"
#include "engine/container/apparmor.h"
#include "engine/container/container_service.h"
#include "engine/event/event_bus.h"
#include "engine/exec/exec_service.h"
#include "engine/files/file_service.h"
#include "engine/image/image_service.h"
#include "engine/logdriver/log_driver.h"
#include "engine/logs/log_service.h"
#include "engine/stats/stats_service.h"
#include "engine/system/system_service.h"
#include "engine/volume/volume_service.h"
#include "io/listener.h"
#include "io/loop.h"
#include "io/server.h"
#include "io/worker_pool.h"
#include "net/networks.h"
#include "spec/seccomp_profile.h"
#include "store/database.h"
#include "store/images.h"
#include "store/snapshots.h"
#include "sys/files.h"
#include "sys/user_namespace.h"
#include "volume/volumes.h"

namespace gantry::daemon {
namespace {

constexpr auto kStopPatience = std::chrono::seconds(5);
// Teardown of containers waits for the kernel most of the time.
constexpr size_t kWorkers = 8;
constexpr size_t kWorkQueue = 4096;
constexpr std::string_view kDefaultExecRoot = "/run/gantry";

/// FNV-1a: a stable short name for an exec-root, so that two daemons never share a cgroup parent, a
/// bridge or an nftables table by accident.
std::string short_hash(std::string_view text) {
    uint32_t hash = 2166136261U;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    }
    return fmt::format("{:08x}", hash);
}

/// "gantry" for the default daemon, "gantry-1a2b3c4d" for one with an exec-root of its own.
std::string instance_name(const Options& options) {
    return options.exec_root == kDefaultExecRoot
               ? "gantry"
               : fmt::format("gantry-{}", short_hash(options.exec_root));
}

/// A program of ours: beside gantryd as it is built, in libexec as it is installed.
Result<std::string> find_program(std::string_view name) {
    std::string path(4096, '\0');
    const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
    if (size < 0) {
        return fail_errno("readlink /proc/self/exe");
    }
    path.resize(static_cast<size_t>(size));
    const std::string directory = path.substr(0, path.rfind('/'));
    for (const std::string& candidate : {fmt::format("{}/{}", directory, name),
                                         fmt::format("{}/../libexec/gantry/{}", directory, name)}) {
        if (::access(candidate.c_str(), X_OK) == 0) {
            return candidate;
        }
    }
    return fail(Kind::kNotFound, fmt::format("{} is not in {}", name, directory));
}

Result<> make_private_dir(const std::string& path) {
    GT_TRY(sys::make_dirs(path.c_str(), 0700));
    // SAFETY: unpacked layers hold set-uid programs; nobody else may even look in (S17).
    if (::chmod(path.c_str(), 0700) < 0) {
        return fail_errno(fmt::format("chmod {}", path));
    }
    return {};
}

/// The group that --group names, which must exist, or "docker" if that does.
Result<std::optional<gid_t>> socket_group(const Options& options) {
    const std::string name = options.group.value_or("docker");
    if (const auto number = parse_uint(name)) {
        return static_cast<gid_t>(*number);
    }
    const group* const entry = ::getgrnam(name.c_str());
    if (entry != nullptr) {
        return entry->gr_gid;
    }
    if (options.group && !options.group->empty()) {
        return fail(Kind::kInvalid, fmt::format("group {} does not exist", name));
    }
    return std::nullopt;
}

Result<io::Listener> listen_on(const std::string& host, std::optional<gid_t> group) {
    if (host.starts_with("unix://")) {
        const std::string path = host.substr(7);
        if (const size_t slash = path.rfind('/'); slash > 0) {
            GT_TRY(sys::make_dirs(path.substr(0, slash).c_str(), 0755));
        }
        return io::listen_unix({.path = path, .group = group});
    }
    const std::string address = host.substr(6);
    const size_t colon = address.rfind(':');
    const auto port = colon == address.npos ? std::nullopt : parse_uint(address.substr(colon + 1));
    if (!port || *port > 65535) {
        return fail(Kind::kInvalid, fmt::format("{}: no port", host));
    }
    log::warn("listening without authentication: whoever reaches this address is root here",
              {{"host", host}});
    std::string ip = address.substr(0, colon);
    if (ip.starts_with('[') && ip.ends_with(']')) {
        ip = ip.substr(1, ip.size() - 2);
    }
    return io::listen_tcp(ip, static_cast<uint16_t>(*port));
}

Result<net::NetworksConfig> networks_config(const Options& options) {
    net::NetworksConfig config;
    const bool is_default = options.exec_root == kDefaultExecRoot;
    // An interface's name has at most 15 characters.
    config.bridge = !options.bridge.empty() ? options.bridge
                    : is_default            ? "gantry0"
                                            : fmt::format("gt{}", short_hash(options.exec_root));
    config.table = instance_name(options);
    config.mtu = static_cast<uint16_t>(options.mtu);
    if (!options.bip.empty()) {
        config.subnet = sys::parse_prefix(options.bip);
    }
    return config;
}

}  // namespace

/// In the order of making; what stands above outlives what stands below.
struct Daemon::Parts {
    UniqueFd lock;
    std::string pidfile;
    std::unique_ptr<store::Database> database;
    std::unique_ptr<store::ImageStore> images;
    std::unique_ptr<store::Snapshots> snapshots;
    std::unique_ptr<volume::Volumes> volumes;
    std::unique_ptr<net::Networks> networks;
    std::unique_ptr<io::Loop> loop;
    io::WorkerPool workers{kWorkers, kWorkQueue};
    engine::EventBus events;
    std::unique_ptr<engine::LogService> logs;
    std::unique_ptr<engine::ContainerService> containers;
    std::unique_ptr<engine::ExecService> execs;
    std::unique_ptr<engine::FileService> files;
    std::unique_ptr<engine::StatsService> stats;
    std::unique_ptr<engine::ImageService> image_service;
    std::unique_ptr<engine::VolumeService> volume_service;
    std::unique_ptr<engine::SystemService> system;
    std::unique_ptr<api::Router> router;
    io::LoopHandle network_watch;
    std::unique_ptr<io::Server> server;

    ~Parts() {
        if (!pidfile.empty()) {
            ::unlink(pidfile.c_str());
        }
    }

    /// Nobody else uses them.
    Result<> claim_roots(const Options& options);
    Result<> open_storage(const Options& options);
    Result<> open_network(const Options& options);
    Result<> open_engine(const Options& options, const sys::IdMaps& id_maps);
    Result<> open_api(const Options& options);
    Result<> watch_network();
    Result<> listen(const Options& options);
};

Result<> Daemon::Parts::claim_roots(const Options& options) {
    GT_TRY(make_private_dir(options.data_root));
    GT_TRY(make_private_dir(options.exec_root));
    auto locked = sys::lock_file((options.data_root + "/lock").c_str());
    if (!locked) {
        return fail(locked.error().kind(), fmt::format("another gantryd uses {} ({})",
                                                       options.data_root, locked.error().text()));
    }
    lock = *std::move(locked);
    return {};
}

Result<> Daemon::Parts::open_storage(const Options& options) {
    GT_TRY(make_private_dir(options.data_root));
    GT_TRY_VAR(opened, store::Database::open(options.data_root + "/gantry.db"));
    database = std::move(opened);
    if (!database->notice().empty()) {
        log::error(database->notice());
    }
    GT_TRY_VAR(image_store, store::ImageStore::open(*database, options.data_root));
    images = std::move(image_store);
    for (const std::string& notice : images->notices()) {
        log::warn(notice);
    }
    GT_TRY_VAR(snapshot_store, store::Snapshots::open(*database, *images, options.data_root));
    snapshots = std::move(snapshot_store);
    if (options.defaults.storage_size > 0 && !snapshots->can_limit()) {
        return fail(Kind::kInvalid,
                    fmt::format("storage option overlay2.size not supported: {} is not on xfs with "
                                "'pquota' mount option or ext4 with 'prjquota' mount option",
                                options.data_root));
    }
    GT_TRY_VAR(volume_store, volume::Volumes::open(*database, images->trash(), options.data_root));
    volumes = std::move(volume_store);
    for (const std::string& notice : volumes->notices()) {
        log::error(notice);
    }
    return {};
}

Result<> Daemon::Parts::open_network(const Options& options) {
    GT_TRY_VAR(config, networks_config(options));
    GT_TRY_VAR(opened, net::Networks::open(config));
    networks = std::move(opened);
    GT_TRY_VAR(started, io::Loop::start());
    loop = std::move(started);
    return {};
}

/// Somebody's flush of our table is repaired as soon as the kernel tells of it.
void repair_network(net::Networks& networks) {
    auto seen = networks.on_event();
    if (!seen) {
        log::error("repairing the network failed", {{"error", seen.error().text()}});
    } else if (*seen == net::WatchResult::kRepaired) {
        log::warn("somebody changed our bridge or nftables table; repaired");
    }
}

/// The descriptor stays readable until a worker has read it, so it is not watched meanwhile.
Result<> Daemon::Parts::watch_network() {
    // ORDER: no event comes before the handle is where the callback looks for it.
    GT_TRY_VAR(watch, loop->watch(networks->watch_fd(), 0, [this](uint32_t) {
        const auto repair = [this] {
            repair_network(*networks);
            (void)network_watch.set_events(EPOLLIN);  // fails only when the loop has ended
        };
        (void)network_watch.set_events(0);
        if (!workers.submit(repair)) {
            repair();
        }
    }));
    network_watch = std::move(watch);
    return network_watch.set_events(EPOLLIN);
}

constexpr size_t kMaxSeccompProfile = size_t{4} << 20;

/// The text of the daemon's seccomp profile, checked; the two words for none and the built-in one
/// stay words.
Result<std::string> read_seccomp_profile(const std::string& profile) {
    if (profile == "builtin" || profile == "unconfined") {
        return profile;
    }
    auto text = sys::read_file(profile.c_str(), kMaxSeccompProfile);
    if (!text) {
        return fail(Kind::kInvalid, fmt::format("opening seccomp profile ({}) failed: {}", profile,
                                                text.error().text()));
    }
    if (auto parsed = spec::parse_seccomp_profile(*text, {}); !parsed) {
        return Failure(std::move(parsed).error().in(profile));
    }
    return text;
}

/// GET /info's list.
std::vector<std::string> security_options(const Options& options) {
    std::vector<std::string> list;
    if (engine::confines_by_default()) {
        list.emplace_back("name=apparmor");
    }
    list.push_back("name=seccomp,profile=" + options.seccomp_profile);
    if (options.no_new_privileges) {
        list.emplace_back("name=no-new-privileges");
    }
    if (!options.userns_remap.empty()) {
        list.emplace_back("name=userns");
    }
    return list;
}

/// "ROOT/100000.100000": named after what the containers' root is outside.
std::string remapped_root(const std::string& root, const sys::IdMaps& ids) {
    return ids.uids.empty() ? root
                            : fmt::format("{}/{}.{}", root, sys::map_id(ids.uids, 0).value_or(0),
                                          sys::map_id(ids.gids, 0).value_or(0));
}

/// MAP with its namespace, tried on the file system that holds containers.
Result<engine::IdMap> open_id_map(sys::IdMaps map, const store::Snapshots& snapshots) {
    if (map.uids.empty()) {
        return engine::IdMap();
    }
    GT_TRY_VAR(made, sys::make_user_namespace(map.uids, map.gids, sys::WithNetwork::kNo));
    engine::IdMap ids{std::move(map), std::make_shared<const UniqueFd>(std::move(made.user))};
    const store::OwnerMapping owners{
        .user_namespace = ids.user_namespace->get(), .uid = ids.root_uid(), .gid = ids.root_gid()};
    if (auto checked = snapshots.check_mapping(owners); !checked) {
        return Failure(std::move(checked).error().in(
            "--userns-remap needs overlayfs on idmapped mounts (Linux 5.19) of the data root's "
            "file system"));
    }
    return ids;
}

Result<> Daemon::Parts::open_engine(const Options& options, const sys::IdMaps& id_maps) {
    engine::ContainerSettings settings;
    settings.data_root = options.data_root;
    settings.exec_root = options.exec_root;
    settings.shim_path = options.shim_path;
    if (settings.shim_path.empty()) {
        GT_TRY_VAR(shim, find_program("gantry-shim"));
        settings.shim_path = shim;
    }
    settings.init_path = options.init_path;
    if (auto init = find_program("gantry-init"); init && settings.init_path.empty()) {
        settings.init_path = *std::move(init);
    }
    settings.defaults = options.defaults;
    settings.default_publish_address = options.publish_address;
    settings.cgroup_parent =
        options.cgroup_parent.empty() ? instance_name(options) : options.cgroup_parent;
    settings.host_gateway_ips = options.host_gateway_ips;
    settings.dns = options.dns;
    settings.dns_search = options.dns_search;
    settings.dns_options = options.dns_options;
    settings.security.no_new_privileges = options.no_new_privileges;
    GT_TRY_VAR(profile, read_seccomp_profile(options.seccomp_profile));
    settings.security.seccomp_profile = profile;
    GT_TRY_VAR(id_map, open_id_map(id_maps, *snapshots));
    settings.id_map = std::move(id_map);
    settings.cdi_spec_dirs = options.cdi_spec_dirs;
    if (engine::confines_by_default()) {
        // A start tries again, and tells its client.
        if (const auto loaded = engine::load_default_profile(); !loaded) {
            log::warn("cannot load the AppArmor profile of containers",
                      {{"error", loaded.error().text()}});
        }
    }
    GT_TRY(engine::check_log_config(options.log));
    settings.log = options.log;
    settings.runtimes = options.runtimes;
    settings.default_runtime = options.default_runtime;
    settings.log_replay = [this](const ContainerId& id, int socket,
                                 const engine::StreamSelection& streams,
                                 runtime::StreamFraming framing) {
        return logs->replay(id, socket, streams, framing);
    };
    GT_TRY_VAR(opened, engine::ContainerService::open({*database, *images, *snapshots, *volumes,
                                                       *networks, *loop, workers, events},
                                                      settings));
    containers = std::move(opened);
    volume_service = std::make_unique<engine::VolumeService>(*volumes, events);
    logs = std::make_unique<engine::LogService>(*containers);
    execs = std::make_unique<engine::ExecService>(*containers);
    files = std::make_unique<engine::FileService>(*containers);
    stats = std::make_unique<engine::StatsService>(*containers);
    image_service = std::make_unique<engine::ImageService>(*images, events, [this] {
        std::vector<engine::ImageUser> users;
        for (const engine::ContainerFacts& container : containers->all()) {
            users.push_back({container.id, container.image, container.running});
        }
        return users;
    });
    return open_api(options);
}

std::string bridge_subnet(const net::Networks& networks) {
    for (const net::NetworkInfo& network : networks.list()) {
        if (network.subnet) {
            return sys::format_prefix(*network.subnet);
        }
    }
    return {};
}

Result<> Daemon::Parts::open_api(const Options& options) {
    engine::SystemCounts counts;
    counts.images = [this] { return static_cast<int64_t>(images->count()); };
    counts.event_listeners = [this] { return static_cast<int64_t>(events.subscribers()); };
    GT_TRY_VAR(opened,
               engine::SystemService::open({.data_root = options.data_root,
                                            .labels = options.labels,
                                            .debug = options.log_level == log::Level::kDebug,
                                            .security_options = security_options(options),
                                            .cdi_spec_dirs = options.cdi_spec_dirs,
                                            .log_driver = options.log.type,
                                            .runtimes = options.runtimes,
                                            .default_runtime = options.default_runtime,
                                            .live_restore = options.live_restore,
                                            .bridge_subnet = bridge_subnet(*networks)},
                                           *containers, std::move(counts)));
    system = std::make_unique<engine::SystemService>(std::move(opened));
    router = std::make_unique<api::Router>(
        api::Services{*containers, *execs, *files, *image_service, *logs, *stats, *system,
                      *volume_service, events, *networks, *loop});
    return watch_network();
}

Result<> Daemon::Parts::listen(const Options& options) {
    GT_TRY_VAR(group, socket_group(options));
    std::vector<io::Listener> listeners;
    for (const std::string& host : options.hosts) {
        auto listener = listen_on(host, group);
        if (!listener) {
            return Failure(std::move(listener).error().in(host));
        }
        listeners.push_back(*std::move(listener));
    }
    server = std::make_unique<io::Server>(*loop, io::ServerOptions{},
                                          [this](io::Request& request, io::Responder& responder) {
                                              router->handle(request, responder);
                                          });
    GT_TRY(server->start(std::move(listeners)));
    if (!options.pidfile.empty()) {
        const size_t slash = options.pidfile.rfind('/');
        GT_TRY_VAR(directory, sys::open_dir(options.pidfile.substr(0, slash + 1).c_str()));
        GT_TRY(sys::replace_file(directory.get(), options.pidfile.substr(slash + 1).c_str(),
                                 fmt::format("{}\n", ::getpid()), 0644,
                                 sys::Durability::kVolatile));
        pidfile = options.pidfile;
    }
    for (const std::string& host : options.hosts) {
        log::info("listening", {{"host", host}});
    }
    return {};
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>> Daemon::start(const Options& options) {
    auto parts = std::make_unique<Parts>();
    GT_TRY(parts->claim_roots(options));
    GT_TRY_VAR(id_maps, read_id_maps(options.userns_remap));
    // COMPAT: each mapping has images and containers of its own.
    Options mapped = options;
    mapped.data_root = remapped_root(options.data_root, id_maps);
    GT_TRY(parts->open_storage(mapped));
    GT_TRY(parts->open_network(mapped));
    GT_TRY(parts->open_engine(mapped, id_maps));
    GT_TRY(parts->listen(mapped));
    return std::unique_ptr<Daemon>(new Daemon(std::move(parts)));
}

void Daemon::stop(const Options& options) {
    if (!parts_->server->stop(std::chrono::steady_clock::now() + kStopPatience)) {
        log::warn("some requests did not end in time and were cut");
    }
    if (!options.live_restore) {
        parts_->containers->shut_down(options.shutdown_timeout);
    }
}

}  // namespace gantry::daemon
