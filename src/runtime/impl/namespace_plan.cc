#include <fmt/core.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "runtime/impl/build_context.h"
#include "runtime/impl/process_plan.h"
#include "sys/namespace.h"
#include "sys/user_namespace.h"

namespace gantry::runtime {

namespace {

using shim::StepKind;
using spec::oci::Config;

uint32_t flag_of(sys::Namespace kind) {
    return static_cast<uint32_t>(kind);
}

struct NamespaceKind {
    std::string_view name;
    sys::Namespace kind;
};

constexpr std::array kNamespaces = {
    NamespaceKind{"pid", sys::Namespace::kPid},
    NamespaceKind{"network", sys::Namespace::kNet},
    NamespaceKind{"mount", sys::Namespace::kMount},
    NamespaceKind{"ipc", sys::Namespace::kIpc},
    NamespaceKind{"uts", sys::Namespace::kUts},
    NamespaceKind{"cgroup", sys::Namespace::kCgroup},
    NamespaceKind{"user", sys::Namespace::kUser},
    NamespaceKind{"time", sys::Namespace::kTime},
};

std::vector<sys::IdRange> ranges(const std::vector<spec::oci::IdMapping>& mappings) {
    std::vector<sys::IdRange> list;
    for (const spec::oci::IdMapping& mapping : mappings) {
        list.push_back({mapping.container_id, mapping.host_id, mapping.size});
    }
    return list;
}

Result<> check_user_namespace(const BuildContext& context) {
    const spec::oci::Linux& linux = context.config.linux;
    const bool mapped = !linux.uid_mappings.empty() && !linux.gid_mappings.empty();
    const bool made = makes_namespace(context.config, "user") && context.options.userns_fd < 0;
    if (made && !mapped) {
        return fail(Kind::kInvalid,
                    "user namespaces enabled, but no uid and gid mappings found in the config");
    }
    if (!context.user_namespace && (!linux.uid_mappings.empty() || !linux.gid_mappings.empty())) {
        return fail(Kind::kInvalid,
                    "user namespace mappings specified, but user namespace isn't enabled in the "
                    "config");
    }
    if (!linux.time_offsets.empty() && !makes_namespace(context.config, "time")) {
        return fail(Kind::kInvalid,
                    "time namespace offsets specified, but time namespace isn't enabled in the "
                    "config");
    }
    return {};
}

Result<> check_namespaces(const BuildContext& context) {
    std::vector<std::string_view> seen;
    for (const spec::oci::Namespace& entry : context.config.linux.namespaces) {
        const auto* kind = std::ranges::find(kNamespaces, entry.type, &NamespaceKind::name);
        if (kind == kNamespaces.end()) {
            return fail(Kind::kInvalid, fmt::format("unknown namespace type {:?}", entry.type));
        }
        if (std::ranges::find(seen, entry.type) != seen.end()) {
            return fail(Kind::kInvalid,
                        fmt::format("malformed spec file: duplicated ns {}", entry.type));
        }
        seen.push_back(entry.type);
    }
    // Without a stage, that is, in the daemon: nothing that it makes may reach the host's mounts.
    if (context.stage == nullptr && !makes_namespace(context.config, "mount")) {
        return fail(Kind::kInvalid, "a container needs a mount namespace of its own");
    }
    if (!has_namespace(context.config.linux, "mount") &&
        (context.config.root.readonly || context.user_namespace)) {
        return fail(Kind::kInvalid, "a read-only root and a user namespace need a mount namespace");
    }
    return check_user_namespace(context);
}

/// ORDER: the mount namespace behind those whose paths the host alone has; the user namespace last:
/// in it, those that do not belong to it could not be joined.
void join_namespaces(BuildContext& context) {
    PlanWriter& plan = context.plan;
    for (const spec::oci::Namespace& entry : context.config.linux.namespaces) {
        const auto* kind = std::ranges::find(kNamespaces, entry.type, &NamespaceKind::name);
        const bool by_fd = kind->kind == sys::Namespace::kNet && context.netns >= 0;
        if (entry.path.empty() || by_fd || kind->kind == sys::Namespace::kUser ||
            kind->kind == sys::Namespace::kMount) {
            continue;
        }
        if (kind->kind == sys::Namespace::kPid && !context.birth) {
            plan.header().pid_namespace = plan.text(entry.path);
        } else {
            plan.add(StepKind::kJoinNamespace, entry.path).flags = flag_of(kind->kind);
        }
    }
    if (context.netns >= 0) {
        // ORDER: before /sys is mounted, which shows the network namespace of that moment.
        shim::Step& step = plan.add(StepKind::kJoinNamespace, "network namespace");
        step.fd = context.netns;
        step.flags = flag_of(sys::Namespace::kNet);
    }
    for (const spec::oci::Namespace& entry : context.config.linux.namespaces) {
        if (entry.type == "mount" && !entry.path.empty()) {
            plan.add(StepKind::kJoinNamespace, entry.path).flags = flag_of(sys::Namespace::kMount);
        }
    }
    for (const spec::oci::Namespace& entry : context.config.linux.namespaces) {
        if (entry.type != "user" || (entry.path.empty() && context.userns < 0)) {
            continue;
        }
        shim::Step& step =
            plan.add(StepKind::kJoinNamespace, context.userns >= 0 ? "user namespace" : entry.path);
        step.fd = context.userns;
        step.flags = flag_of(sys::Namespace::kUser);
    }
}

/// The kinds that clone3 makes. The cgroup namespace comes after joining the cgroup, which becomes
/// its root; the time namespace is the children's of who makes it.
uint64_t clone_flags(const BuildContext& context) {
    uint64_t flags = 0;
    for (const spec::oci::Namespace& entry : context.config.linux.namespaces) {
        const auto* kind = std::ranges::find(kNamespaces, entry.type, &NamespaceKind::name);
        const bool joined = !entry.path.empty() ||
                            (kind->kind == sys::Namespace::kNet && context.netns >= 0) ||
                            (kind->kind == sys::Namespace::kUser && context.userns >= 0);
        if (!joined && kind->kind != sys::Namespace::kCgroup &&
            kind->kind != sys::Namespace::kTime) {
            flags |= flag_of(kind->kind);
        }
    }
    return flags;
}

Result<> add_time_namespace(BuildContext& context) {
    if (!makes_namespace(context.config, "time")) {
        return {};
    }
    std::string offsets;
    for (const auto& [clock, offset] : context.config.linux.time_offsets) {
        if (clock != "monotonic" && clock != "boottime") {
            return fail(Kind::kInvalid, fmt::format("invalid clock {:?} in timeOffsets", clock));
        }
        offsets += fmt::format("{} {} {}\n", clock, offset.secs, offset.nanosecs);
    }
    context.plan.add(StepKind::kTimeNamespace, offsets);
    return {};
}

Result<> add_birth(BuildContext& context) {
    const spec::oci::Linux& linux = context.config.linux;
    const bool maps = (clone_flags(context) & CLONE_NEWUSER) != 0;
    shim::Step& step = context.plan.add(StepKind::kBirth, "process",
                                        maps ? sys::id_map_text(ranges(linux.uid_mappings)) : "",
                                        maps ? sys::id_map_text(ranges(linux.gid_mappings)) : "");
    step.n[0] = static_cast<int64_t>(clone_flags(context));
    step.fd = context.v2_dir;
    step.flags = context.stage != nullptr && context.stage->rootless ? shim::kDenySetgroups : 0;
    return {};
}

}  // namespace

bool makes_namespace(const Config& config, std::string_view type) {
    return std::ranges::any_of(config.linux.namespaces, [&](const spec::oci::Namespace& entry) {
        return entry.type == type && entry.path.empty();
    });
}

bool has_namespace(const spec::oci::Linux& linux, std::string_view type) {
    return std::ranges::find(linux.namespaces, type, &spec::oci::Namespace::type) !=
           linux.namespaces.end();
}

bool has_user_namespace(const spec::oci::Linux& linux) {
    return has_namespace(linux, "user");
}

void add_outer_stdio_owner(PlanWriter& plan, const spec::oci::Linux& linux,
                           const spec::oci::User& user) {
    const auto uid = sys::map_id(ranges(linux.uid_mappings), user.uid);
    const auto gid = sys::map_id(ranges(linux.gid_mappings), user.gid);
    if (uid && gid) {
        shim::Step& owner = plan.add(StepKind::kStdioOwner);
        owner.n[0] = *uid;
        owner.n[1] = *gid;
    }
}

Result<> add_namespaces(BuildContext& context) {
    PlanWriter& plan = context.plan;
    GT_TRY(check_namespaces(context));
    if (context.birth) {
        plan.header().has_birth = 1;
        if (context.user_namespace) {
            add_outer_stdio_owner(plan, context.config.linux, context.config.process.user);
        }
        GT_TRY(add_early_mounts(context));
        GT_TRY(add_time_namespace(context));
        join_namespaces(context);
        GT_TRY(add_birth(context));
    } else {
        plan.header().clone_flags = clone_flags(context);
        join_namespaces(context);
    }
    if (!context.options.cgroup_tasks_fds.empty()) {
        plan.add(StepKind::kJoinCgroups);
    }
    if (context.user_namespace) {
        const bool rootless = context.stage != nullptr && context.stage->rootless;
        plan.add(StepKind::kBecomeRoot, "root").flags = rootless ? shim::kKeepGroups : 0;
    }
    if (makes_namespace(context.config, "cgroup")) {
        plan.add(StepKind::kUnshare, "cgroup").flags = flag_of(sys::Namespace::kCgroup);
    }
    return {};
}

}  // namespace gantry::runtime
