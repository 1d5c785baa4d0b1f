#include "runtime/impl/process_plan.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <array>
#include <optional>
#include <string_view>

#include "spec/oci/runtime.h"
#include "sys/capability.h"

namespace gantry::runtime {

namespace {

using shim::StepKind;

constexpr uint32_t kMaxGroups = 256;

struct LimitName {
    std::string_view name;
    int resource;
};

constexpr std::array kLimits = {
    LimitName{"RLIMIT_AS", RLIMIT_AS},
    LimitName{"RLIMIT_CORE", RLIMIT_CORE},
    LimitName{"RLIMIT_CPU", RLIMIT_CPU},
    LimitName{"RLIMIT_DATA", RLIMIT_DATA},
    LimitName{"RLIMIT_FSIZE", RLIMIT_FSIZE},
    LimitName{"RLIMIT_LOCKS", RLIMIT_LOCKS},
    LimitName{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    LimitName{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    LimitName{"RLIMIT_NICE", RLIMIT_NICE},
    LimitName{"RLIMIT_NOFILE", RLIMIT_NOFILE},
    LimitName{"RLIMIT_NPROC", RLIMIT_NPROC},
    LimitName{"RLIMIT_RSS", RLIMIT_RSS},
    LimitName{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    LimitName{"RLIMIT_RTTIME", RLIMIT_RTTIME},
    LimitName{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    LimitName{"RLIMIT_STACK", RLIMIT_STACK},
};

Result<> add_limits(PlanWriter& plan, const spec::oci::Process& process) {
    for (const spec::oci::Rlimit& limit : process.rlimits) {
        const LimitName* found = nullptr;
        for (const LimitName& candidate : kLimits) {
            if (candidate.name == limit.type) {
                found = &candidate;
            }
        }
        if (found == nullptr) {
            return fail(Kind::kInvalid, fmt::format("invalid rlimit type: {}", limit.type));
        }
        shim::Step& step = plan.add(StepKind::kResourceLimit, limit.type);
        step.n[0] = found->resource;
        step.n[1] = static_cast<int64_t>(limit.soft);
        step.n[2] = static_cast<int64_t>(limit.hard);
    }
    return {};
}

Result<sys::CapSet> parse_set(const std::vector<std::string>& names) {
    sys::CapSet set = 0;
    for (const std::string& name : names) {
        const std::optional<int> number = sys::parse_capability(name);
        if (!number) {
            return fail(Kind::kInvalid, fmt::format("unknown capability {:?}", name));
        }
        set |= sys::CapSet{1} << *number;
    }
    return set;
}

struct CapabilitySets {
    sys::CapSet bounding = 0;
    sys::CapSet effective = 0;
    sys::CapSet permitted = 0;
    sys::CapSet inheritable = 0;
    sys::CapSet ambient = 0;
};

/// Without capabilities in the config, the process gets none (runtime-spec).
Result<CapabilitySets> parse_capabilities(const spec::oci::Process& process) {
    CapabilitySets sets;
    if (process.capabilities) {
        const spec::oci::Capabilities& names = *process.capabilities;
        GT_TRY_VAR(bounding, parse_set(names.bounding));
        GT_TRY_VAR(effective, parse_set(names.effective));
        GT_TRY_VAR(permitted, parse_set(names.permitted));
        GT_TRY_VAR(inheritable, parse_set(names.inheritable));
        GT_TRY_VAR(ambient, parse_set(names.ambient));
        sets = {bounding, effective, permitted, inheritable, ambient};
    }
    return sets;
}

void add_identity(PlanWriter& plan, const spec::oci::User& user) {
    const std::string_view groups(reinterpret_cast<const char*>(user.additional_gids.data()),
                                  user.additional_gids.size() * sizeof(uint32_t));
    shim::Step& step = plan.add(StepKind::kIdentity, groups);
    step.n[0] = user.uid;
    step.n[1] = user.gid;
    step.n[2] = user.umask.value_or(0022);
}

void add_seccomp(PlanWriter& plan, const SeccompProgram& seccomp) {
    if (!seccomp.bytes.empty()) {
        plan.add(StepKind::kSeccomp, seccomp.bytes).flags = seccomp.flags;
    }
}

void add_capabilities(PlanWriter& plan, const CapabilitySets& sets) {
    shim::Step& step = plan.add(StepKind::kCapabilities);
    step.n[0] = static_cast<int64_t>(sets.effective);
    step.n[1] = static_cast<int64_t>(sets.permitted);
    step.n[2] = static_cast<int64_t>(sets.inheritable);
    step.n[3] = static_cast<int64_t>(sets.ambient);
}

void add_program(PlanWriter& plan, const spec::oci::Process& process, ProcessRole role) {
    const shim::Text arguments = plan.strings(process.args);
    const shim::Text environment = plan.strings(process.env);
    auto add = [&](StepKind kind) {
        shim::Step& step = plan.add(kind);
        step.text[0] = arguments;
        step.text[1] = environment;
        step.n[0] = static_cast<int64_t>(process.args.size());
        step.n[1] = static_cast<int64_t>(process.env.size());
    };
    add(StepKind::kFindProgram);
    if (role == ProcessRole::kContainer) {
        plan.add(StepKind::kWaitForStart);
    }
    add(StepKind::kExec);
}

Result<> check_process(const spec::oci::Process& process) {
    if (process.args.empty()) {
        return fail(Kind::kInvalid, "no command specified");
    }
    if (!process.cwd.starts_with('/')) {
        return fail(Kind::kInvalid, fmt::format("Cwd must be an absolute path: {:?}", process.cwd));
    }
    if (!process.apparmor_profile.empty()) {
        return fail(Kind::kNotImplemented, "apparmor profiles are not supported");
    }
    if (!process.selinux_label.empty()) {
        return fail(Kind::kNotImplemented, "SELinux labels are not supported");
    }
    if (process.user.additional_gids.size() > kMaxGroups) {
        return fail(Kind::kInvalid, "too many additional groups");
    }
    for (const auto* list : {&process.args, &process.env}) {
        for (const std::string& entry : *list) {
            if (entry.find('\0') != std::string::npos) {
                return fail(Kind::kInvalid, "arguments and environment must not contain NUL");
            }
        }
    }
    return {};
}

}  // namespace

void add_oom_score(PlanWriter& plan, const spec::oci::Process& process) {
    if (process.oom_score_adj) {
        plan.add(StepKind::kOomScore).n[0] = *process.oom_score_adj;
    }
}

void add_terminal(PlanWriter& plan, const spec::oci::Process& process, ProcessRole role) {
    if (!process.terminal) {
        return;
    }
    plan.header().terminal = 1;
    shim::Step& step = plan.add(StepKind::kTerminal, "/dev/pts/ptmx");
    step.flags = role == ProcessRole::kContainer ? shim::kConsoleDevice : 0;
    if (process.console_size) {
        step.n[0] = process.console_size->height;
        step.n[1] = process.console_size->width;
    }
}

Result<> add_process_steps(PlanWriter& plan, const spec::oci::Process& process,
                           const SeccompProgram& seccomp, ProcessRole role) {
    GT_TRY(check_process(process));
    GT_TRY_VAR(caps, parse_capabilities(process));
    GT_TRY(add_limits(plan, process));
    plan.add(StepKind::kSession);
    plan.add(StepKind::kKeyring, "gantry");
    shim::Step& owner = plan.add(StepKind::kStdioOwner);
    owner.n[0] = process.user.uid;
    owner.n[1] = process.user.gid;
    plan.add(StepKind::kWorkingDirectory, process.cwd);
    plan.add(StepKind::kBoundingSet).n[0] = static_cast<int64_t>(caps.bounding);
    add_identity(plan, process.user);
    plan.add(StepKind::kHarden);
    if (process.no_new_privileges) {
        // With no_new_privs the filter needs no capability, so it comes as late as possible.
        plan.add(StepKind::kNoNewPrivileges);
        add_capabilities(plan, caps);
        add_seccomp(plan, seccomp);
    } else {
        // ORDER: loading a filter needs CAP_SYS_ADMIN, which is dropped here.
        add_seccomp(plan, seccomp);
        add_capabilities(plan, caps);
    }
    add_program(plan, process, role);
    return {};
}

}  // namespace gantry::runtime
