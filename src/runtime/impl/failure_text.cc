#include "runtime/impl/failure_text.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>

#include "runtime/impl/foreign_plan.h"
#include "shim/plan.h"

namespace gantry::runtime {

namespace {

using shim::ExecFailure;
using shim::StepKind;

/// Go's texts for errno are the C library's, in lower case.
std::string errno_text(int error) {
    std::string text = std::strerror(error);
    if (!text.empty() && text[0] != 'I') {  // "I/O error"
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    }
    return text;
}

std::string program_text(const shim::Answer& answer) {
    const std::string_view name = answer.noun;
    switch (answer.exec_failure) {
        case ExecFailure::kNotInPath:
            return fmt::format("exec: \"{}\": executable file not found in $PATH", name);
        case ExecFailure::kStat:
            return fmt::format("exec: \"{}\": stat {}: {}", name, name, errno_text(answer.error));
        case ExecFailure::kIsDirectory: return fmt::format("exec: \"{}\": is a directory", name);
        case ExecFailure::kNotExecutable:
            return fmt::format("exec: \"{}\": permission denied", name);
        case ExecFailure::kExec:
        case ExecFailure::kNone: break;
    }
    return fmt::format("exec {}: {}", name, errno_text(answer.error));
}

const char* step_words(StepKind step) {
    switch (step) {
        case StepKind::kJoinNamespace: return "joining namespace";
        case StepKind::kJoinContainer: return "joining the container's namespaces";
        case StepKind::kJoinCgroups: return "joining the cgroup";
        case StepKind::kTimeNamespace: return "making a time namespace with offsets";
        case StepKind::kOpenMount:
        case StepKind::kMountCopy: return "error mounting to rootfs at";
        case StepKind::kBirth: return "making the container's";
        case StepKind::kBecomeRoot: return "becoming";
        case StepKind::kScheduler: return "setting the scheduler";
        case StepKind::kIoPriority: return "setting io priority";
        case StepKind::kPersonality: return "setting personality";
        case StepKind::kSecurityLabel: return "setting security label";
        case StepKind::kRendezvous: return "waiting for hooks";
        case StepKind::kHookState:
        case StepKind::kHook: return "error running hook";
        case StepKind::kUnshare: return "making namespace";
        case StepKind::kPropagation: return "setting the root's propagation";
        case StepKind::kAttachRoot: return "mounting the root file system";
        case StepKind::kPrivateProc: return "mounting";
        case StepKind::kMount:
        case StepKind::kBind: return "error mounting to rootfs at";
        case StepKind::kRemount: return "remounting";
        case StepKind::kDirectory: return "mkdir";
        case StepKind::kMask: return "masking";
        case StepKind::kReadonlyPath: return "making read-only";
        case StepKind::kDevice: return "creating device";
        case StepKind::kSymlink: return "creating link";
        case StepKind::kSysctl: return "setting sysctl";
        case StepKind::kHostname: return "sethostname";
        case StepKind::kDomainname: return "setdomainname";
        case StepKind::kTerminal: return "opening a terminal with";
        case StepKind::kReadonlyRoot: return "making read-only";
        case StepKind::kPivotRoot: return "pivot_root";
        case StepKind::kResourceLimit: return "error setting rlimit type";
        case StepKind::kOomScore: return "setting oom_score_adj";
        case StepKind::kKeyring: return "joining session keyring";
        case StepKind::kSession: return "setsid";
        case StepKind::kStdioOwner: return "changing the owner of stdio";
        case StepKind::kEnterPidNamespace: return "entering the pid namespace";
        case StepKind::kBoundingSet: return "applying the capability bounding set";
        case StepKind::kIdentity: return "setting user and groups";
        case StepKind::kHarden: return "protecting the process";
        case StepKind::kNoNewPrivileges: return "setting no_new_privs";
        case StepKind::kSeccomp: return "loading the seccomp filter";
        case StepKind::kCapabilities: return "applying capabilities";
        case StepKind::kWaitForStart: return "waiting for start";
        case StepKind::kPlace: return "mounting for the runtime at";
        case StepKind::kCommand: return "running the runtime";
        case StepKind::kAdopt: return "reading the runtime's pid file";
        case StepKind::kListenConsole:
        case StepKind::kTakeConsole: return "receiving the terminal from the runtime at";
        case StepKind::kLeave:
        case StepKind::kWorkingDirectory:
        case StepKind::kFindProgram:
        case StepKind::kExec:
        case StepKind::kCount_: break;
    }
    return "container init";
}

/// Steps whose text is bytes for the kernel and no name for people.
bool has_name(StepKind step) {
    return step != StepKind::kSeccomp && step != StepKind::kIdentity &&
           step != StepKind::kScheduler;
}

std::string step_text(const shim::Answer& answer) {
    const auto step = static_cast<StepKind>(answer.step);
    if (step == StepKind::kFindProgram || step == StepKind::kExec) {
        return program_text(answer);
    }
    if (step == StepKind::kWorkingDirectory) {
        if (answer.error == EXDEV) {
            return "current working directory is outside of container mount namespace root -- "
                   "possible container breakout detected";
        }
        return fmt::format("chdir to cwd (\"{}\") set in config.json failed: {}", answer.noun,
                           errno_text(answer.error));
    }
    if (step == StepKind::kSecurityLabel && (answer.error == ENOENT || answer.error == EINVAL)) {
        return std::string_view(answer.noun).find("apparmor") != std::string_view::npos
                   ? "apparmor: config provided but apparmor not supported"
                   : "selinux label is specified in config, but selinux is disabled or not "
                     "supported";
    }
    if (step == StepKind::kMount && answer.error == ELOOP) {
        return fmt::format(
            "error mounting to rootfs at \"{}\": must be mounted on ordinary directory",
            answer.noun);
    }
    if (step == StepKind::kHook && answer.error == ETIMEDOUT) {
        return fmt::format("error running hook \"{}\": hook ran past its timeout", answer.noun);
    }
    if (step == StepKind::kHook && answer.error == ECANCELED) {
        return fmt::format("error running hook \"{}\": it failed", answer.noun);
    }
    if (answer.error == ECHILD && answer.step == 0) {
        return "the process was killed while it was set up";
    }
    const bool named = has_name(step) && answer.noun[0] != '\0';
    return fmt::format("error during container init: {}{}: {}", step_words(step),
                       named ? fmt::format(" \"{}\"", answer.noun) : "", errno_text(answer.error));
}

/// Another runtime's own words.
Error command_failure(const shim::Answer& answer, const char* operation) {
    std::string words = read_runtime_error(answer.noun);
    (void)unlink(answer.noun);
    if (words.empty()) {
        words = answer.error == ECANCELED ? "the runtime failed and did not say why"
                                          : "running it: " + errno_text(answer.error);
    }
    return Error(Kind::kInternal, fmt::format("OCI runtime {} failed: {}", operation, words),
                 answer.error);
}

Kind kind_of(const shim::Answer& answer) {
    const auto step = static_cast<StepKind>(answer.step);
    const bool invalid = answer.exec_failure != ExecFailure::kNone || step == StepKind::kBind ||
                         step == StepKind::kOpenMount;
    return invalid ? Kind::kInvalid : Kind::kInternal;
}

}  // namespace

Error launch_failure(const shim::Answer& answer) {
    const char* operation = answer.process == 0 ? "create" : "exec";
    if (static_cast<StepKind>(answer.step) == StepKind::kCommand) {
        return command_failure(answer, operation);
    }
    return Error(kind_of(answer),
                 fmt::format("OCI runtime {} failed: unable to start container process: {}",
                             operation, step_text(answer)),
                 answer.error);
}

Error stage_failure(const shim::ChildMessage& message) {
    shim::Answer answer = {};
    answer.error = message.error;
    answer.step = static_cast<uint32_t>(message.step);
    answer.exec_failure = message.exec_failure;
    std::memcpy(answer.noun, message.noun, sizeof answer.noun);
    return Error(kind_of(answer),
                 fmt::format("unable to start container process: {}", step_text(answer)),
                 answer.error);
}

}  // namespace gantry::runtime
