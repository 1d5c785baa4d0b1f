#include "runtime/impl/process_plan.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <array>
#include <optional>
#include <string_view>
#include <utility>

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

void add_identity(PlanWriter& plan, const spec::oci::User& user, bool keep_groups) {
    const std::string_view groups(reinterpret_cast<const char*>(user.additional_gids.data()),
                                  user.additional_gids.size() * sizeof(uint32_t));
    shim::Step& step = plan.add(StepKind::kIdentity, groups);
    step.n[0] = user.uid;
    step.n[1] = user.gid;
    step.n[2] = user.umask.value_or(0022);
    step.flags = keep_groups ? shim::kKeepGroups : 0;
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

Result<> add_program(PlanWriter& plan, const spec::oci::Config& config,
                     const spec::oci::Process& process, const ProcessPlace& place) {
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
    if (place.role == ProcessRole::kContainer) {
        plan.add(StepKind::kWaitForStart).fd = place.stage != nullptr ? place.stage->start_fd : -1;
        if (place.stage != nullptr && !config.hooks.start_container.empty()) {
            const StageOptions::HookInput& input = place.stage->start_hooks;
            plan.add(StepKind::kHookState, input.before_pid, input.after_pid);
            // COMPAT: runc. It runs in the container, with the container's environment.
            std::vector<spec::oci::Hook> hooks = config.hooks.start_container;
            for (spec::oci::Hook& hook : hooks) {
                hook.env = hook.env.empty() ? process.env : hook.env;
            }
            GT_TRY(add_hooks(plan, hooks));
        }
    }
    add(StepKind::kExec);
    return {};
}

template <class T, size_t N>
std::optional<T> find_value(const std::array<std::pair<std::string_view, T>, N>& table,
                            std::string_view name) {
    for (const auto& [key, value] : table) {
        if (key == name) {
            return value;
        }
    }
    return std::nullopt;
}

Result<> add_scheduler(PlanWriter& plan, const spec::oci::Process& process) {
    if (!process.scheduler) {
        return {};
    }
    constexpr std::array<std::pair<std::string_view, uint32_t>, 7> kPolicies = {
        {{"SCHED_OTHER", 0},
         {"SCHED_FIFO", 1},
         {"SCHED_RR", 2},
         {"SCHED_BATCH", 3},
         {"SCHED_ISO", 4},
         {"SCHED_IDLE", 5},
         {"SCHED_DEADLINE", 6}}};
    constexpr std::array<std::pair<std::string_view, uint64_t>, 7> kFlags = {
        {{"SCHED_FLAG_RESET_ON_FORK", 0x01},
         {"SCHED_FLAG_RECLAIM", 0x02},
         {"SCHED_FLAG_DL_OVERRUN", 0x04},
         {"SCHED_FLAG_KEEP_POLICY", 0x08},
         {"SCHED_FLAG_KEEP_PARAMS", 0x10},
         {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
         {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40}}};
    const spec::oci::Scheduler& wanted = *process.scheduler;
    // struct sched_attr of sched_setattr(2), first version.
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attr = {};
    attr.size = sizeof attr;
    const auto policy = find_value(kPolicies, wanted.policy);
    if (!policy) {
        return fail(Kind::kInvalid, fmt::format("invalid scheduler policy: {}", wanted.policy));
    }
    attr.policy = *policy;
    for (const std::string& name : wanted.flags) {
        const auto flag = find_value(kFlags, name);
        if (!flag) {
            return fail(Kind::kInvalid, fmt::format("invalid scheduler flag: {}", name));
        }
        attr.flags |= *flag;
    }
    attr.nice = static_cast<int32_t>(wanted.nice);
    attr.priority = static_cast<uint32_t>(wanted.priority);
    attr.runtime = wanted.runtime;
    attr.deadline = wanted.deadline;
    attr.period = wanted.period;
    plan.add(StepKind::kScheduler,
             std::string_view(reinterpret_cast<const char*>(&attr), sizeof attr));
    return {};
}

Result<> add_io_priority(PlanWriter& plan, const spec::oci::Process& process) {
    if (!process.io_priority) {
        return {};
    }
    constexpr std::array<std::pair<std::string_view, int64_t>, 3> kClasses = {
        {{"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}}};
    constexpr int kClassShift = 13;
    const auto wanted = find_value(kClasses, process.io_priority->class_name);
    if (!wanted) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid ioPriority class: {}", process.io_priority->class_name));
    }
    if (process.io_priority->priority < 0 || process.io_priority->priority > 7) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid ioPriority priority: {}", process.io_priority->priority));
    }
    plan.add(StepKind::kIoPriority, process.io_priority->class_name).n[0] =
        (*wanted << kClassShift) | process.io_priority->priority;
    return {};
}

Result<> add_personality(PlanWriter& plan, const spec::oci::Linux& linux) {
    if (!linux.personality) {
        return {};
    }
    const std::string& domain = linux.personality->domain;
    if (!linux.personality->flags.empty()) {
        return fail(Kind::kInvalid, "personality flags are not supported at this time");
    }
    if (domain != "LINUX" && domain != "LINUX32") {
        return fail(Kind::kInvalid, fmt::format("unknown personality domain {:?}", domain));
    }
    plan.add(StepKind::kPersonality, domain).n[0] = domain == "LINUX32" ? 8 : 0;
    return {};
}

Result<> check_process(const spec::oci::Process& process) {
    if (process.args.empty()) {
        return fail(Kind::kInvalid, "no command specified");
    }
    if (!process.cwd.starts_with('/')) {
        return fail(Kind::kInvalid, fmt::format("Cwd must be an absolute path: {:?}", process.cwd));
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

Result<> add_hooks(PlanWriter& plan, const std::vector<spec::oci::Hook>& hooks) {
    for (const spec::oci::Hook& hook : hooks) {
        if (!hook.path.starts_with('/')) {
            return fail(Kind::kInvalid, fmt::format("invalid hook path {:?}", hook.path));
        }
        if (hook.timeout && *hook.timeout <= 0) {
            return fail(Kind::kInvalid, "the timeout of a hook must be positive");
        }
        const std::vector<std::string> args =
            hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args;
        const shim::Text arguments = plan.strings(args);
        const shim::Text environment = plan.strings(hook.env);
        shim::Step& step = plan.add(StepKind::kHook, hook.path);
        step.text[1] = arguments;
        step.text[2] = environment;
        step.n[0] = static_cast<int64_t>(args.size());
        step.n[1] = static_cast<int64_t>(hook.env.size());
        step.n[2] = hook.timeout.value_or(0);
    }
    return {};
}

void add_security_label(PlanWriter& plan, const spec::oci::Process& process) {
    if (!process.apparmor_profile.empty()) {
        plan.add(StepKind::kSecurityLabel, "attr/apparmor/exec",
                 "exec " + process.apparmor_profile);
    }
    if (!process.selinux_label.empty()) {
        plan.add(StepKind::kSecurityLabel, "attr/exec", process.selinux_label);
    }
}

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

Result<> add_process_steps(PlanWriter& plan, const spec::oci::Config& config,
                           const spec::oci::Process& process, const SeccompProgram& seccomp,
                           const ProcessPlace& place) {
    const StageOptions* stage = place.stage;
    GT_TRY(check_process(process));
    GT_TRY_VAR(caps, parse_capabilities(process));
    GT_TRY(add_limits(plan, process));
    GT_TRY(add_scheduler(plan, process));
    GT_TRY(add_io_priority(plan, process));
    GT_TRY(add_personality(plan, config.linux));
    plan.add(StepKind::kSession);
    if (stage == nullptr || stage->new_keyring) {
        plan.add(StepKind::kKeyring, "gantry");
    }
    shim::Step& owner = plan.add(StepKind::kStdioOwner);
    owner.n[0] = process.user.uid;
    owner.n[1] = process.user.gid;
    plan.add(StepKind::kWorkingDirectory, process.cwd);
    plan.add(StepKind::kBoundingSet).n[0] = static_cast<int64_t>(caps.bounding);
    add_identity(plan, process.user, stage != nullptr && stage->rootless);
    plan.add(StepKind::kHarden).flags = stage != nullptr ? shim::kOutlive : 0;
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
    return add_program(plan, config, process, place);
}

}  // namespace gantry::runtime
