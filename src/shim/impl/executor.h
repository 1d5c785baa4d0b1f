#pragma once

#include <sys/types.h>

#include <cstdint>

#include "shim/impl/plan_view.h"
#include "shim/stage.h"

namespace gantry::shim {

/// What a child needs beside its plan. Numbers of descriptors in the child.
struct ChildContext {
    PlanView plan;
    int sync_fd = -1;
    /// The kept cgroup files: TASKS_FDS from TASKS_FD on.
    int tasks_fd = -1;
    uint32_t tasks_fds = 0;
    /// Exec: the container's first process.
    int init_pidfd = -1;
    /// The last descriptor that is needed until the end.
    int last_fd = -1;

    // Filled by the steps.
    int host_root_fd = -1;
    int root_fd = -1;
    int proc_fd = -1;
    int null_fd = -1;
    /// The first mask of a directory.
    int empty_fd = -1;
    int terminal_fd = -1;
    int console_fd = -1;
    int slots[kMaxSlots] = {};
    const Step* hook_state = nullptr;
    char program[4096] = {};
    ExecFailure exec_failure = ExecFailure::kNone;
};

/// Executes the plan and with it the container's program. Runs in the child; on failure tells the
/// step, errno and noun over sync_fd. The caller has cleared signal handling and made stdio.
[[noreturn]] void execute(ChildContext& context);

// The steps, by subject. Each returns 0 or an errno.

int join_namespace(ChildContext& context, const Step& step);
int join_container(ChildContext& context, const Step& step);
int join_cgroups(ChildContext& context);
int make_time_namespace(ChildContext& context, const Step& step);
int give_birth(ChildContext& context, const Step& step);
int become_root(const Step& step);
int set_propagation(const Step& step);
int attach_root(ChildContext& context, const Step& step);
int pivot_into_root(ChildContext& context, const Step& step);
int make_root_readonly(ChildContext& context);
int make_private_proc(ChildContext& context);
int write_sysctl(ChildContext& context, const Step& step);

int mount_file_system(ChildContext& context, const Step& step);
int mount_copy(ChildContext& context, const Step& step);
int open_mount(ChildContext& context, const Step& step);
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
int set_scheduler(ChildContext& context, const Step& step);
int set_io_priority(const Step& step);
int set_personality(const Step& step);
int set_security_label(ChildContext& context, const Step& step);
int join_session_keyring(ChildContext& context, const Step& step);
int drop_bounding_set(const Step& step);
int become_user(ChildContext& context, const Step& step);
int harden(ChildContext& context, const Step& step);
int set_no_new_privileges();
int load_seccomp(ChildContext& context, const Step& step);
int set_capabilities(const Step& step);

int find_program(ChildContext& context, const Step& step);
// On the host, for a container that another OCI runtime makes (runtime_steps.cc).
int place_mount(ChildContext& context, const Step& step);
int run_command(ChildContext& context, const Step& step);
int adopt_process(ChildContext& context, const Step& step);
int listen_for_console(ChildContext& context, const Step& step);
int take_console(ChildContext& context, const Step& step);

int run_hook(ChildContext& context, const Step& step);
int meet_parent(ChildContext& context);
int wait_for_start(ChildContext& context, const Step& step);
int exec_program(ChildContext& context, const Step& step);

/// Writes DIGITS of VALUE at TEXT and returns their end.
char* put_number(char* text, uint64_t value);
/// Tells MESSAGE with write(2) and waits for a byte with read(2): a filter that is loaded may know
/// no others. The end of the channel ends this process.
int tell_and_wait(int sync_fd, const ChildMessage& message);
/// Sends MESSAGE, with descriptor FD unless it is -1.
int send_child_message(int sync_fd, const ChildMessage& message, int fd);

}  // namespace gantry::shim
