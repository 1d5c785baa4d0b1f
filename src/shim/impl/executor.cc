#include "shim/impl/executor.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/impl/kernel.h"

namespace gantry::shim {

namespace {

int set_name(const char* text, uint32_t size, int (*set)(const char*, size_t)) {
    return set(text, size) == 0 ? 0 : errno;
}

int run_isolation_step(ChildContext& context, const Step& step) {
    const PlanView& plan = context.plan;
    switch (step.kind) {
        case StepKind::kJoinNamespace: return join_namespace(context, step);
        case StepKind::kJoinContainer: return join_container(context, step);
        case StepKind::kJoinCgroups: return join_cgroups(context);
        case StepKind::kTimeNamespace: return make_time_namespace(context, step);
        case StepKind::kBirth: return give_birth(context, step);
        case StepKind::kBecomeRoot: return become_root(step);
        case StepKind::kRendezvous: return meet_parent(context);
        case StepKind::kUnshare: return unshare(static_cast<int>(step.flags)) == 0 ? 0 : errno;
        case StepKind::kPropagation: return set_propagation(step);
        case StepKind::kAttachRoot: return attach_root(context, step);
        case StepKind::kPrivateProc: return make_private_proc(context);
        case StepKind::kSysctl: return write_sysctl(context, step);
        case StepKind::kHostname:
            return set_name(plan.text(step.text[0]), step.text[0].size, &sethostname);
        case StepKind::kDomainname:
            return set_name(plan.text(step.text[0]), step.text[0].size, &setdomainname);
        case StepKind::kReadonlyRoot: return make_root_readonly(context);
        case StepKind::kPivotRoot: return pivot_into_root(context, step);
        case StepKind::kEnterPidNamespace: return enter_pid_namespace(context);
        default: return ENOSYS;
    }
}

int run_file_step(ChildContext& context, const Step& step) {
    switch (step.kind) {
        case StepKind::kMount: return mount_file_system(context, step);
        case StepKind::kMountCopy: return mount_copy(context, step);
        case StepKind::kOpenMount: return open_mount(context, step);
        case StepKind::kBind: return bind_path(context, step);
        case StepKind::kRemount: return remount_path(context, step);
        case StepKind::kMask: return mask_path(context, step);
        case StepKind::kReadonlyPath: return make_path_readonly(context, step);
        case StepKind::kDirectory: return make_directory(context, step);
        case StepKind::kDevice: return make_device(context, step);
        case StepKind::kSymlink: return make_symlink(context, step);
        case StepKind::kTerminal: return open_terminal(context, step);
        case StepKind::kWorkingDirectory: return enter_working_directory(context, step);
        default: return run_isolation_step(context, step);
    }
}

int run_host_step(ChildContext& context, const Step& step) {
    switch (step.kind) {
        case StepKind::kPlace: return place_mount(context, step);
        case StepKind::kCommand: return run_command(context, step);
        case StepKind::kAdopt: return adopt_process(context, step);
        case StepKind::kListenConsole: return listen_for_console(context, step);
        case StepKind::kTakeConsole: return take_console(context, step);
        case StepKind::kLeave: _exit(0);
        default: return run_file_step(context, step);
    }
}

int run_step(ChildContext& context, const Step& step) {
    switch (step.kind) {
        case StepKind::kResourceLimit: return limit_resource(step);
        case StepKind::kOomScore: return set_oom_score(step);
        case StepKind::kScheduler: return set_scheduler(context, step);
        case StepKind::kIoPriority: return set_io_priority(step);
        case StepKind::kPersonality: return set_personality(step);
        case StepKind::kSecurityLabel: return set_security_label(context, step);
        case StepKind::kKeyring: return join_session_keyring(context, step);
        case StepKind::kSession: return start_session(context);
        case StepKind::kStdioOwner: return own_stdio(step);
        case StepKind::kBoundingSet: return drop_bounding_set(step);
        case StepKind::kIdentity: return become_user(context, step);
        case StepKind::kHarden: return harden(context, step);
        case StepKind::kNoNewPrivileges: return set_no_new_privileges();
        case StepKind::kSeccomp: return load_seccomp(context, step);
        case StepKind::kCapabilities: return set_capabilities(step);
        case StepKind::kFindProgram: return find_program(context, step);
        case StepKind::kHookState: context.hook_state = &step; return 0;
        case StepKind::kHook: return run_hook(context, step);
        case StepKind::kWaitForStart: return wait_for_start(context, step);
        case StepKind::kExec: return exec_program(context, step);
        default: return run_host_step(context, step);
    }
}

/// The program a plan executes names its failures, whichever step found them.
const char* noun_of(const ChildContext& context, const Step& step) {
    // Of a command only itself can tell what went wrong: where it has.
    return context.plan.text(step.text[step.kind == StepKind::kCommand ? 1 : 0]);
}

}  // namespace

int send_child_message(int sync_fd, const ChildMessage& message, int fd) {
    ChildMessage copy = message;
    iovec data = {&copy, sizeof copy};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header = {};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    if (fd >= 0) {
        header.msg_control = control;
        header.msg_controllen = sizeof control;
        cmsghdr* item = CMSG_FIRSTHDR(&header);
        item->cmsg_level = SOL_SOCKET;
        item->cmsg_type = SCM_RIGHTS;
        item->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(item), &fd, sizeof fd);
    }
    return sendmsg(sync_fd, &header, MSG_NOSIGNAL) >= 0 ? 0 : errno;
}

int tell_and_wait(int sync_fd, const ChildMessage& message) {
    char byte = 0;
    if (write(sync_fd, &message, sizeof message) < 0) {
        return errno;
    }
    const ssize_t size = read(sync_fd, &byte, 1);
    if (size == 0) {
        _exit(1);  // nobody waits for us any more
    }
    return size > 0 ? 0 : errno;
}

char* put_number(char* text, uint64_t value) {
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (count > 0) {
        *text++ = digits[--count];
    }
    return text;
}

void execute(ChildContext& context) {
    const PlanHeader& header = context.plan.header();
    ChildMessage failure = {};
    failure.kind = ChildMessageKind::kFailed;
    failure.error = ENOEXEC;
    for (uint32_t i = 0; i < header.step_count; ++i) {
        const Step& step = context.plan.step(i);
        const int error = run_step(context, step);
        if (error != 0) {
            failure.step = step.kind;
            failure.error = error;
            failure.exec_failure = context.exec_failure;
            strncpy(failure.noun, noun_of(context, step), sizeof failure.noun - 1);
            break;
        }
    }
    // write(2) and not sendmsg(2): a filter that is loaded by now may know only the former. A
    // creator that has gone, as gantry-runtime does, must not make a signal of it.
    (void)signal(SIGPIPE, SIG_IGN);
    (void)write(context.sync_fd, &failure, sizeof failure);
    _exit(1);
}

}  // namespace gantry::shim
