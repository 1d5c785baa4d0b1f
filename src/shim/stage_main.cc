#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/impl/executor.h"
#include "shim/impl/process.h"

// gantry-stage: executes one plan and becomes the program in it (shim/stage.h). The child of
// gantry-runtime, whose own memory and file never meet the container.

namespace {

using namespace gantry::shim;

constinit ChildContext g_context;
constinit MappedPlan g_plan;

int parse_base(int argc, char** argv) {
    int base = 0;
    for (const char* digit = argc == 2 ? argv[1] : ""; *digit >= '0' && *digit <= '9'; ++digit) {
        base = base * 10 + (*digit - '0');
    }
    return base;
}

/// Holds a place for the container's process until our caller is done, or dead.
int wait_for_end() {
    char drop[16];
    while (read(STDIN_FILENO, drop, sizeof drop) > 0) {
    }
    return 0;
}

void close_on_exec(int fd) {
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && strcmp(argv[1], kStageWait) == 0) {
        return wait_for_end();
    }
    const int base = parse_base(argc, argv);
    if (base < 3 || !g_plan.map(base + kStagePlan)) {
        return 2;
    }
    // Modes in the plan are meant as they are; the program gets its own umask (kIdentity).
    umask(0);
    const PlanHeader& header = g_plan.view().header();
    close(base + kStagePlan);
    close_on_exec(base + kStageSync);
    close_on_exec(base + kStageStart);
    for (uint32_t i = 0; i < header.fd_count; ++i) {
        close_on_exec(base + kStageFirstPlanFd + static_cast<int>(i));
    }
    g_context.plan = g_plan.view();
    g_context.sync_fd = base + kStageSync;
    g_context.last_fd = base + kStageStart;
    g_context.tasks_fd = base + kStageFirstPlanFd;
    g_context.tasks_fds = header.tasks_fds;
    execute(g_context);
}
