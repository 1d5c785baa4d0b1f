#include "engine/container/inspect.h"

#include <fmt/core.h>

#include <utility>

#include "engine/container/apparmor.h"
#include "engine/container/config_merge.h"
#include "engine/container/health.h"
#include "engine/container/join.h"
#include "engine/container/links.h"
#include "engine/container/mount_plan.h"
#include "engine/container/ports.h"
#include "engine/container/revision.h"
#include "engine/container/stuck.h"
#include "store/images.h"
#include "store/snapshots.h"

namespace gantry::engine {

namespace {

spec::ContainerState state_of(const Lifecycle& life) {
    spec::ContainerState state;
    state.status = phase_name(life.phase);
    state.running = life.running();
    state.paused = life.phase == Phase::kPaused;
    state.restarting = life.phase == Phase::kRestarting;
    state.oom_killed = life.oom_killed;
    state.dead = life.phase == Phase::kDead;
    state.pid = has_process(life) ? life.pid : 0;
    state.exit_code = life.exit_code;
    state.error = life.error;
    state.started_at = life.started_at;
    state.finished_at = life.finished_at;
    if (life.health) {
        state.health = describe_health(*life.health);
    }
    return state;
}

spec::EndpointSettings settings_of(const net::Endpoint& endpoint) {
    spec::EndpointSettings settings;
    settings.network_id = endpoint.network_id.str();
    settings.endpoint_id = endpoint.id.str();
    settings.mac_address = sys::format_mac(endpoint.mac);
    settings.gateway = sys::format_ipv4(endpoint.gateway);
    settings.ip_address = sys::format_ipv4(endpoint.ip);
    settings.ip_prefix_len = endpoint.prefix_length;
    return settings;
}

spec::NetworkSettings network_settings(const ContainerRecord& record, const Lifecycle& life) {
    spec::NetworkSettings settings;
    settings.ports = port_map(record, life);
    settings.networks = endpoint_map(record, life);
    if (life.alive() && !joined_container(record.host.network_mode)) {
        // The namespace has no name on disk; the process leads to it.
        settings.sandbox_id = record.id.str();
        settings.sandbox_key = fmt::format("/proc/{}/ns/net", life.pid);
    }
    if (life.endpoint) {
        settings.legacy->endpoint_id = life.endpoint->id.str();
        settings.legacy->gateway = sys::format_ipv4(life.endpoint->gateway);
        settings.legacy->ip_address = sys::format_ipv4(life.endpoint->ip);
        settings.legacy->ip_prefix_len = life.endpoint->prefix_length;
        settings.legacy->mac_address = sys::format_mac(life.endpoint->mac);
    }
    return settings;
}

spec::GraphDriver graph_driver(const ContainerCore& core, const ContainerRecord& record) {
    spec::GraphDriver driver;
    driver.name = "overlay2";
    driver.data["ID"] = record.id.str();
    driver.data["UpperDir"] = core.parts.snapshots.upper_path(record.id);
    driver.data["WorkDir"] = core.parts.snapshots.work_path(record.id);
    if (const auto chain = core.parts.snapshots.chain(record.id)) {
        std::string lower;
        for (auto layer = chain->rbegin(); layer != chain->rend(); ++layer) {
            const std::string_view hex = std::string_view(layer->str()).substr(7);
            lower += fmt::format("{}{}/layers/{}/diff", lower.empty() ? "" : ":",
                                 core.settings.data_root, hex);
        }
        driver.data["LowerDir"] = std::move(lower);
    }
    return driver;
}

}  // namespace

spec::EndpointMap endpoint_map(const ContainerRecord& record, const Lifecycle& life) {
    spec::EndpointMap networks;
    if (joined_container(record.host.network_mode)) {
        return networks;
    }
    spec::EndpointSettings& settings = networks[record.host.network_mode];
    if (life.endpoint) {
        settings = settings_of(*life.endpoint);
    }
    for (const auto& [name, wanted] : record.networking.endpoints_config) {
        settings.ipam_config = wanted.ipam_config;
        settings.gw_priority = wanted.gw_priority;
    }
    return networks;
}

Result<spec::ContainerInspect> inspect_container(const ContainerCore& core,
                                                 const ContainerEntry& entry, SizeInfo size) {
    const SnapshotPtr snapshot = entry.snapshot();
    const ContainerRecord& record = *snapshot->record;
    const std::string network_files = network_files_dir(core, record);
    spec::ContainerInspect inspect;
    inspect.id = record.id.str();
    inspect.created = record.created;
    std::vector<std::string> argv = command_line(record.config);
    if (!argv.empty()) {
        inspect.path = argv.front();
        inspect.args.assign(argv.begin() + 1, argv.end());
    }
    inspect.state = state_of(snapshot->life);
    inspect.image = record.image.str();
    inspect.resolv_conf_path = network_files + "/resolv.conf";
    inspect.hostname_path = network_files + "/hostname";
    inspect.hosts_path = network_files + "/hosts";
    // COMPAT: of other drivers Docker does not tell the path.
    if (record.host.log_config.type == "json-file") {
        inspect.log_path =
            log_store(record.host.log_config, core.container_dir(record.id), record.id).path;
    }
    inspect.name = "/" + snapshot->name;
    inspect.restart_count = snapshot->life.restart_count;
    inspect.driver = "overlay2";
    inspect.app_armor_profile = apparmor_profile(record);
    inspect.platform = "linux";
    for (const ExecId& exec : entry.execs()) {
        inspect.exec_ids.push_back(exec.str());
    }
    inspect.host_config = with_present_names(record.host, record.mounts, core.parts.volumes);
    inspect.host_config.links = shown_links(core.table, record, snapshot->name);
    inspect.graph_driver = graph_driver(core, record);
    inspect.mounts = mount_points(record.mounts, &core.parts.volumes);
    inspect.config = record.config;
    inspect.network_settings = network_settings(record, snapshot->life);
    if (record.revision > 1) {
        inspect.revision = record.revision;
        inspect.next_start = part_names(waiting_parts(*snapshot));
    }
    if (size == SizeInfo::kCompute) {
        GT_TRY_VAR(measured, measure_container(core, record));
        inspect.size_rw = measured.writable;
        inspect.size_root_fs = measured.total;
    }
    return inspect;
}

}  // namespace gantry::engine
