#include "engine/container/groundwork.h"

#include <fcntl.h>

#include <chrono>
#include <string>
#include <utility>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/scope_guard.h"
#include "engine/container/cgroup_limits.h"
#include "engine/container/ports.h"
#include "net/networks.h"
#include "sys/cgroup_owner.h"
#include "sys/files.h"
#include "sys/user_namespace.h"

namespace gantry::engine {

namespace {

constexpr std::chrono::milliseconds kCgroupPatience(2000);

Result<net::SandboxRequest> sandbox_request(const ContainerCore& core,
                                            const ContainerSnapshot& snapshot, NetworkMode mode) {
    const ContainerRecord& record = *snapshot.record;
    net::SandboxRequest request;
    request.mode = mode == NetworkMode::kBridge && !record.config.network_disabled
                       ? net::SandboxMode::kBridge
                       : net::SandboxMode::kNone;
    request.container_name = snapshot.name;
    if (request.mode == net::SandboxMode::kBridge) {
        const auto address = sys::parse_ipv4(core.settings.default_publish_address);
        GT_TRY_VAR(ports, plan_ports(record.host, record.config, address.value_or(net::Ipv4{})));
        request.ports = std::move(ports);
        request.mac = sys::parse_mac(record.config.mac_address);
        for (const auto& [name, endpoint] : record.networking.endpoints_config) {
            if (!endpoint.mac_address.empty()) {
                request.mac = sys::parse_mac(endpoint.mac_address);
            }
        }
    }
    return request;
}

UniqueFd open_oom_events(const ContainerCore& core, const sys::Cgroup& group) {
    const sys::CgroupLayout& layout = core.cgroups.layout();
    std::string path;
    if (const sys::CgroupHierarchy* memory = layout.find_v1("memory")) {
        path = memory->mount_point + group.path() + "/memory.oom_control";
    } else if (layout.mode == sys::CgroupMode::kV2) {
        path = layout.v2_mount_point + group.path() + "/memory.events";
    } else {
        return UniqueFd();
    }
    // Without it a kill for want of memory looks like any other SIGKILL, and that is all.
    auto file = sys::open_file(AT_FDCWD, path.c_str(), O_RDONLY);
    return file ? std::move(*file) : UniqueFd();
}

Result<PreparedCgroup> make_cgroup(ContainerCore& core, const ContainerRecord& record) {
    GT_FAILPOINT("container.start.cgroup");
    std::vector<std::string> warnings;
    GT_TRY_VAR(limits, cgroup_limits(record.host, core.settings.cdi_spec_dirs));
    auto created =
        core.cgroups.create(core.cgroup_parent(record), record.id.str(), limits, warnings);
    if (!created && created.error().kind() == Kind::kConflict) {
        // What a previous run could not remove. Its processes are dead or are killed now.
        const sys::Cgroup stale = core.cgroup_of(record);
        GT_TRY(stale.kill_all());
        GT_TRY(stale.remove(kCgroupPatience));
        created =
            core.cgroups.create(core.cgroup_parent(record), record.id.str(), limits, warnings);
    }
    GT_TRY_VAR(group, std::move(created));
    ScopeGuard undo([&group] { (void)group.remove(kCgroupPatience); });
    for (const std::string& warning : warnings) {
        log::warn(warning, {{"container", record.id.str()}});
    }
    // What a daemon that dies now leaves is known by its container's id, later by the mark, too.
    if (const auto marked = sys::set_cgroup_owner(group, core.settings.exec_root); !marked) {
        log::debug("a cgroup bears no mark", {{"error", marked.error().text()}});
    }
    GT_TRY_VAR(tasks, group.tasks_fds());
    GT_TRY_VAR(v2, group.v2_dir());
    undo.commit();
    UniqueFd oom = open_oom_events(core, group);
    return PreparedCgroup{.group = std::move(group),
                          .tasks = std::move(tasks),
                          .v2 = std::move(v2),
                          .oom_events = std::move(oom)};
}

UniqueFd duplicate(int fd) {
    return UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

}  // namespace

Result<std::unique_ptr<Groundwork>> Groundwork::begin(ContainerCore& core,
                                                      const ContainerSnapshot& snapshot,
                                                      UniqueFd joined_net, UniqueFd joined_user) {
    GT_TRY_VAR(mode, parse_network_mode(snapshot.record->host.network_mode));
    std::optional<net::SandboxRequest> request;
    if (mode != NetworkMode::kHost && mode != NetworkMode::kContainer) {
        GT_TRY_VAR(made, sandbox_request(core, snapshot, mode));
        request = std::move(made);
    }
    return std::unique_ptr<Groundwork>(new Groundwork(
        core, snapshot.record, std::move(request), std::move(joined_net), std::move(joined_user)));
}

Groundwork::Groundwork(ContainerCore& core, std::shared_ptr<const ContainerRecord> record,
                       std::optional<net::SandboxRequest> request, UniqueFd joined_net,
                       UniqueFd joined_user)
    : core_(core),
      record_(std::move(record)),
      request_(std::move(request)),
      joined_net_(std::move(joined_net)),
      userns_(std::move(joined_user)),
      thread_([this] { work(); }) {}

Groundwork::~Groundwork() {
    if (thread_.joinable()) {
        thread_.join();
    }
}

Result<Groundwork::Base> Groundwork::base() {
    laid_.wait();
    return std::move(*base_);
}

Result<> Groundwork::finish() {
    if (!thread_.joinable()) {
        return {};
    }
    thread_.join();
    return std::move(end_);
}

/// ORDER: before the sandbox, whose network namespace must belong to it.
Result<> Groundwork::make_user_namespace() {
    const IdMap* map = core_.id_map(*record_);
    if (map == nullptr) {
        return {};
    }
    if (!userns_) {
        GT_TRY_VAR(made, sys::make_user_namespace(map->uids, map->gids, sys::WithNetwork::kYes));
        userns_ = std::move(made.user);
        netns_ = std::move(made.net);
    } else if (request_) {
        GT_TRY_VAR(made, sys::make_network_namespace(userns_.get()));
        netns_ = std::move(made);
    }
    if (request_) {
        request_->netns = netns_.get();
    }
    return {};
}

void Groundwork::give_up(Error error) {
    base_ = Failure(std::move(error));
    laid_.count_down();
}

void Groundwork::work() {
    if (auto made = make_user_namespace(); !made) {
        give_up(std::move(made).error());
        return;
    }
    if (!request_) {
        lay_base(nullptr);
        return;
    }
    const auto early = [this](const net::SandboxPreview& sandbox) { lay_base(&sandbox); };
    Result<net::Sandbox> made = [&]() -> Result<net::Sandbox> {
        GT_FAILPOINT("container.start.network");
        return core_.parts.networks.create_sandbox(record_->id, *request_, early);
    }();
    if (made) {
        return;
    }
    if (base_) {
        end_ = Failure(std::move(made).error());
    } else {
        give_up(std::move(made).error());
    }
}

void Groundwork::lay_base(const net::SandboxPreview* sandbox) {
    base_ = [&]() -> Result<Base> {
        GT_TRY_VAR(cgroup, make_cgroup(core_, *record_));
        Base base{.netns = std::move(joined_net_),
                  .userns = std::move(userns_),
                  .endpoint = {},
                  .ports = {},
                  .cgroup = std::move(cgroup)};
        if (sandbox != nullptr) {
            base.netns = duplicate(sandbox->netns);
            base.endpoint = sandbox->endpoint;
            base.ports = sandbox->ports;
            if (!base.netns) {
                (void)base.cgroup.group.remove(kCgroupPatience);
                return fail_errno("duplicate a namespace");
            }
        }
        return base;
    }();
    laid_.count_down();
}

}  // namespace gantry::engine
