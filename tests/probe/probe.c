/* The payload of the black-box tests: one static program that does, inside a container, the few
 * things that busybox cannot. Each command prints its finding on stdout. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* "ok", or the number of the error. */
static void say(long result) {
    if (result == -1) {
        printf("errno %d\n", errno);
    } else {
        printf("ok\n");
    }
}

/* Ends with 0 at SIGTERM or SIGINT: a container that can be stopped at once. */
static int wait_for_stop(void) {
    sigset_t set;
    int got;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    printf("ready\n");
    fflush(stdout);
    sigwait(&set, &got);
    return 0;
}

/* Prints the number of each signal that arrives; SIGTERM ends it with 3. */
static int print_signals(void) {
    sigset_t set;
    int got = 0;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    printf("ready\n");
    fflush(stdout);
    while (got != SIGTERM) {
        sigwait(&set, &got);
        printf("signal %d\n", got);
        fflush(stdout);
    }
    return 3;
}

static int eat(long mebibytes) {
    for (long i = 0; i < mebibytes; ++i) {
        char* block =
            mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED) {
            say(-1);
            return 1;
        }
        memset(block, 1, 1 << 20);
    }
    printf("ok\n");
    return 0;
}

static int fork_many(long count) {
    long made = 0;
    for (; made < count; ++made) {
        pid_t child = fork();
        if (child == 0) {
            pause();
            _exit(0);
        }
        if (child < 0) {
            break;
        }
    }
    printf("%ld\n", made);
    fflush(stdout);
    kill(0, SIGKILL);
    return 0;
}

/* Burns CPU for that many seconds of wall time; prints the CPU milliseconds it was given. */
static int spin(long seconds) {
    struct timespec now, begin, cpu;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - begin.tv_sec < seconds);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    printf("%ld\n", (long)(cpu.tv_sec * 1000 + cpu.tv_nsec / 1000000));
    return 0;
}

static int print_lines(long count, long length) {
    char* line = malloc((size_t)length + 1);
    memset(line, 'x', (size_t)length);
    line[length] = '\n';
    static char buffer[1 << 16];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    for (long i = 0; i < count; ++i) {
        fwrite(line, 1, (size_t)length + 1, stdout);
    }
    return 0;
}

/* Answers every datagram with itself. */
static int echo_datagrams(long port) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    struct sockaddr_in peer;
    char data[2048];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(fd, (struct sockaddr*)&own, sizeof own) != 0) {
        return 1;
    }
    for (;;) {
        socklen_t size = sizeof peer;
        ssize_t n = recvfrom(fd, data, sizeof data, 0, (struct sockaddr*)&peer, &size);
        if (n >= 0) {
            sendto(fd, data, (size_t)n, 0, (struct sockaddr*)&peer, size);
        }
    }
}

/* The fds that are open, and what they are, without opening any to find out. */
static int list_fds(void) {
    for (int fd = 0; fd < 4096; ++fd) {
        if (fcntl(fd, F_GETFD) != -1) {
            char link[64], target[256];
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            ssize_t n = readlink(link, target, sizeof target - 1);
            printf("%d %.*s\n", fd, n > 0 ? (int)n : 0, target);
        }
    }
    return 0;
}

/* Prints LINE unless it was printed before. */
static void print_once(const char* line) {
    static char seen[256][160];
    static int count = 0;
    for (int i = 0; i < count; ++i) {
        if (strcmp(seen[i], line) == 0) {
            return;
        }
    }
    if (count < 256) {
        strcpy(seen[count++], line);
        printf("%s\n", line);
        fflush(stdout);
    }
}

static void pry_link(const char* path, const char* name) {
    char target[128], line[160];
    const ssize_t n = readlink(path, target, sizeof target - 1);
    if (n > 0) {
        snprintf(line, sizeof line, "%s %.*s", name, (int)n, target);
        print_once(line);
    }
}

/* Looks at every other process that can be seen, as fast as it can and until it is killed: what it
 * runs and what it has open. Each finding is one line, once. */
static int pry(void) {
    static const char* const kLinks[] = {"exe", "root", "cwd"};
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        for (int pid = 2; pid < 400; ++pid) {
            char path[64], name[16];
            for (int i = 0; i < 3; ++i) {
                snprintf(path, sizeof path, "/proc/%d/%s", pid, kLinks[i]);
                pry_link(path, kLinks[i]);
            }
            for (int fd = 0; fd < 16; ++fd) {
                snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
                snprintf(name, sizeof name, "fd%d", fd);
                pry_link(path, name);
            }
        }
    }
}

int main(int argc, char** argv) {
    const char* command = argc > 1 ? argv[1] : "";
    long n[6] = {0};
    for (int i = 2; i < argc && i < 8; ++i) {
        n[i - 2] = strtol(argv[i], NULL, 0);
    }
    if (strcmp(command, "wait") == 0) {
        return wait_for_stop();
    }
    if (strcmp(command, "signals") == 0) {
        return print_signals();
    }
    if (strcmp(command, "eat") == 0) {
        return eat(n[0]);
    }
    if (strcmp(command, "fork") == 0) {
        return fork_many(n[0]);
    }
    if (strcmp(command, "spin") == 0) {
        return spin(n[0]);
    }
    if (strcmp(command, "lines") == 0) {
        return print_lines(n[0], n[1]);
    }
    if (strcmp(command, "udp-echo") == 0) {
        return echo_datagrams(n[0]);
    }
    if (strcmp(command, "pry") == 0) {
        return pry();
    }
    if (strcmp(command, "fds") == 0) {
        return list_fds();
    }
    if (strcmp(command, "socket") == 0) {
        say(socket((int)n[0], (int)n[1], (int)n[2]));
        return 0;
    }
    if (strcmp(command, "syscall") == 0) {
        say(syscall(n[0], n[1], n[2], n[3], n[4], n[5]));
        return 0;
    }
    if (strcmp(command, "open") == 0 && argc > 2) {
        say(open(argv[2], O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        return 0;
    }
    fprintf(stderr, "probe: no such command: %s\n", command);
    return 2;
}
