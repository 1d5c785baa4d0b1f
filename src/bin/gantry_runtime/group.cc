#include "bin/gantry_runtime/group.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "base/scope_guard.h"
#include "base/text.h"
#include "bin/gantry_runtime/resources.h"
#include "bin/gantry_runtime/unit_properties.h"
#include "runtime/systemd.h"

namespace gantry::standalone {

namespace {

constexpr std::chrono::milliseconds kRemovePatience{2000};

/// "/a/b" as it is, "" is "/ID"; what is relative is below the root of the hierarchies, too.
std::string cgroup_path(const std::string& wanted, const std::string& id) {
    if (wanted.empty()) {
        return "/" + id;
    }
    std::string path = "/";
    for (const std::string_view part : split(wanted, '/')) {
        if (part == "..") {
            path.resize(std::max<size_t>(path.rfind('/'), 1));
        } else if (!part.empty() && part != ".") {
            path += (path == "/" ? "" : "/") + std::string(part);
        }
    }
    return path == "/" ? "/" + id : path;
}

/// Whether the config needs a cgroup at all: who may not make one can do without.
bool limits_anything(const spec::oci::Resources& resources) {
    return resources.memory || resources.cpu || resources.pids || resources.block_io ||
           !resources.hugepage_limits.empty() || !resources.unified.empty();
}

Result<> refuse_processes(const sys::Cgroup& group) {
    GT_TRY_VAR(processes, group.processes());
    if (!processes.empty()) {
        return fail(
            Kind::kConflict,
            fmt::format("container's cgroup is not empty: {} process(es) found", processes.size()));
    }
    return {};
}

/// The group in the file system; empty for who can do without.
Result<std::optional<sys::Cgroup>> make_directories(const sys::Cgroups& cgroups,
                                                    const Record& record,
                                                    const sys::CgroupLimits& limits,
                                                    std::vector<std::string>& warnings) {
    const size_t slash = record.cgroup.rfind('/');
    const std::string parent = record.cgroup.substr(0, slash);
    const std::string name = record.cgroup.substr(slash + 1);
    auto made = cgroups.create(parent, name, limits, warnings);
    if (!made && made.error().kind() == Kind::kConflict) {
        sys::Cgroup existing = cgroups.at(parent, name);
        GT_TRY(refuse_processes(existing));
        GT_TRY(existing.apply(limits, warnings));
        return std::optional(std::move(existing));
    }
    if (!made && geteuid() != 0 && made.error().kind() == Kind::kForbidden &&
        !limits_anything(record.config.linux.resources)) {
        return std::optional<sys::Cgroup>();
    }
    if (!made) {
        return Failure(std::move(made).error());
    }
    return std::optional(std::move(*made));
}

/// The group that systemd makes of a scope; the placeholder in GROUP is its first process.
Result<sys::Cgroup> make_scope(const sys::Cgroups& cgroups, Record& record,
                               const sys::CgroupLimits& limits, Group& group,
                               std::vector<std::string>& warnings) {
    if (cgroups.layout().mode != sys::CgroupMode::kV2) {
        return fail(Kind::kNotImplemented,
                    "systemd cgroup flag passed, but this machine does not have cgroup v2 alone");
    }
    GT_TRY_VAR(systemd, runtime::Systemd::connect());
    GT_TRY_VAR(name, runtime::parse_scope_name(record.config.linux.cgroups_path, record.id,
                                               geteuid() == 0));
    auto properties = runtime::limit_properties(limits);
    GT_TRY_VAR(more, unit_properties(record.config.annotations));
    properties.insert(properties.end(), more.begin(), more.end());
    GT_TRY_VAR(placeholder, runtime::Placeholder::spawn(stage_program()));
    group.placeholder.emplace(std::move(placeholder));
    GT_TRY_VAR(path, systemd.start_scope(name, "gantry container " + record.id,
                                         group.placeholder->pid(), properties));
    record.cgroup = path;
    const size_t slash = path.rfind('/');
    sys::Cgroup cgroup = cgroups.at(path.substr(0, slash), path.substr(slash + 1));
    if (auto applied = cgroup.apply(limits, warnings); !applied) {
        (void)systemd.stop(name.unit);
        return Failure(std::move(applied).error());
    }
    return cgroup;
}

}  // namespace

Result<> name_group(const Globals& globals, Record& record) {
    const std::string& wanted = record.config.linux.cgroups_path;
    if (!globals.systemd_cgroup) {
        record.cgroup = cgroup_path(wanted, record.id);
        return {};
    }
    GT_TRY_VAR(name, runtime::parse_scope_name(wanted, record.id, geteuid() == 0));
    record.scope = name.unit;
    return {};
}

Result<Group> make_group(const Globals& globals, Record& record) {
    Group group;
    const spec::oci::Resources& resources = record.config.linux.resources;
    GT_TRY_VAR(cgroups, sys::Cgroups::probe());
    GT_TRY_VAR(limits, cgroup_limits(resources, DefaultDevices::kYes));
    std::vector<std::string> warnings;
    if (globals.systemd_cgroup) {
        GT_TRY_VAR(made, make_scope(cgroups, record, limits, group, warnings));
        group.cgroup = std::move(made);
    } else {
        GT_TRY_VAR(made, make_directories(cgroups, record, limits, warnings));
        group.cgroup = std::move(made);
    }
    if (!group.cgroup) {
        record.cgroup.clear();
        return group;
    }
    for (const std::string& warning : warnings) {
        log_warning(warning);
    }
    ScopeGuard undo([&] { (void)remove_group(record, kRemovePatience); });
    GT_TRY(apply_rest(cgroups, record.cgroup, resources));
    GT_TRY_VAR(tasks, group.cgroup->tasks_fds());
    GT_TRY_VAR(v2_dir, group.cgroup->v2_dir());
    group.tasks = std::move(tasks);
    group.v2_dir = std::move(v2_dir);
    undo.commit();
    return group;
}

Result<> remove_group(const Record& record, std::chrono::milliseconds patience) {
    GT_TRY_VAR(cgroup, cgroup_of(record));
    if (cgroup) {
        GT_TRY(cgroup->kill_all());
    }
    if (!record.scope.empty()) {
        GT_TRY_VAR(systemd, runtime::Systemd::connect());
        GT_TRY(systemd.stop(record.scope));
    }
    return cgroup ? cgroup->remove(patience) : Result<>();
}

}  // namespace gantry::standalone
