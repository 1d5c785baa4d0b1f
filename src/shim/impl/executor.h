#pragma once

#include <sys/types.h>

#include <cstdint>

#include "shim/impl/plan_view.h"
#include "shim/protocol.h"

namespace gantry::shim {

// The children (init; an exec's first and second process) talk to the shim over a SEQPACKET pair.
// The child writes: kTerminal with the pty's master, kEntered with the pid and pidfd of the second
// process, kReady before it waits, kFailed. The shim writes one byte for START. End of file without
// kFailed means that the program was executed: the child's end is closed by exec.

enum class ChildMessageKind : uint32_t { kTerminal = 1, kEntered, kReady, kFailed };

struct ChildMessage {
    ChildMessageKind kind;
    StepKind step;
    int32_t error;
    ExecFailure exec_failure;
    int32_t pid;
    char noun[256];
};

/// What a child needs beside its plan. Numbers of descriptors in the child.
struct ChildContext {
    PlanView plan;
    int sync_fd = -1;
    /// The kept cgroup files: TASKS_FDS from TASKS_FD on.
    int tasks_fd = -1;
    uint32_t tasks_fds = 0;
    /// Exec: the container's first process.
    int init_pidfd = -1;

    // Filled by the steps.
    int host_root_fd = -1;
    int root_fd = -1;
    int proc_fd = -1;
    int null_fd = -1;
    /// The first mask of a directory.
    int empty_fd = -1;
    int terminal_fd = -1;
    bool in_child = false;
    char program[4096];
    ExecFailure exec_failure = ExecFailure::kNone;
};

/// Executes the plan and with it the container's program. Runs in the child; on failure tells the
/// step, errno and noun over sync_fd. The caller has cleared signal handling and made stdio.
[[noreturn]] void execute(ChildContext& context);

// The steps, by subject. Each returns 0 or an errno.

int join_namespace(ChildContext& context, const Step& step);
int join_container(ChildContext& context, const Step& step);
int join_cgroups(ChildContext& context);
int set_propagation(const Step& step);
int attach_root(ChildContext& context, const Step& step);
int pivot_into_root(ChildContext& context);
int make_root_readonly(ChildContext& context);
int make_private_proc(ChildContext& context);
int write_sysctl(ChildContext& context, const Step& step);

int mount_file_system(ChildContext& context, const Step& step);
int bind_path(ChildContext& context, const Step& step);
int remount_path(ChildContext& context, const Step& step);
int mask_path(ChildContext& context, const Step& step);
int make_path_readonly(ChildContext& context, const Step& step);
int make_directory(ChildContext& context, const Step& step);
int make_device(ChildContext& context, const Step& step);
int make_symlink(ChildContext& context, const Step& step);

int open_terminal(ChildContext& context, const Step& step);
int start_session(ChildContext& context);
int own_stdio(const Step& step);
int enter_working_directory(ChildContext& context, const Step& step);
int enter_pid_namespace(ChildContext& context);

int limit_resource(const Step& step);
int set_oom_score(const Step& step);
int join_session_keyring(ChildContext& context, const Step& step);
int drop_bounding_set(const Step& step);
int become_user(ChildContext& context, const Step& step);
int harden(ChildContext& context);
int set_no_new_privileges();
int load_seccomp(ChildContext& context, const Step& step);
int set_capabilities(const Step& step);

int find_program(ChildContext& context, const Step& step);
int wait_for_start(ChildContext& context);
int exec_program(ChildContext& context, const Step& step);

/// Sends MESSAGE, with descriptor FD unless it is -1.
int send_child_message(int sync_fd, const ChildMessage& message, int fd);

}  // namespace gantry::shim
