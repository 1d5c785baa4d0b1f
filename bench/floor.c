/* floor KIND COUNT: what the kernel alone asks for a step, in microseconds, one line per pass.
 *
 *   exec       vfork, exec /bin/busybox true, wait: nobody runs a program for less
 *   sandbox    the same in new mount, pid, ipc, uts and network namespaces, without any mount
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char* const command[] = {"/bin/busybox", "true", NULL};
static char* const environment[] = {NULL};

static int run(void* unused) {
    (void)unused;
    execve(command[0], command, environment);
    _exit(127);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char** argv) {
    static char stack[65536];
    if (argc != 3) {
        return 2;
    }
    int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
    if (strcmp(argv[1], "sandbox") == 0) {
        flags |= CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET;
    }
    for (long i = strtol(argv[2], NULL, 10); i > 0; --i) {
        double begin = now();
        int status;
        pid_t child = clone(run, stack + sizeof stack, flags, NULL);
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
            perror("floor");
            return 1;
        }
        printf("%.1f\n", now() - begin);
    }
    return 0;
}
