#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/impl/executor.h"
#include "shim/impl/kernel.h"

namespace gantry::shim {

namespace {

// linux/capability.h and linux/seccomp.h, which musl does not bring.
struct CapHeader {
    uint32_t version;
    int pid;
};
struct CapData {
    uint32_t effective, permitted, inheritable;
};
constexpr uint32_t kCapVersion3 = 0x20080522;
constexpr unsigned kSeccompSetModeFilter = 1;
constexpr unsigned kSeccompNewListener = 8;
constexpr int kKeyctlJoinSessionKeyring = 1;
constexpr int kMaxCapability = 63;

int get_caps(CapData (&data)[2]) {
    CapHeader header = {kCapVersion3, 0};
    return syscall(SYS_capget, &header, data) == 0 ? 0 : errno;
}

int set_caps(const CapData (&data)[2]) {
    CapHeader header = {kCapVersion3, 0};
    return syscall(SYS_capset, &header, data) == 0 ? 0 : errno;
}

}  // namespace

int limit_resource(const Step& step) {
    const rlimit limit = {static_cast<rlim_t>(step.n[1]), static_cast<rlim_t>(step.n[2])};
    return setrlimit(static_cast<int>(step.n[0]), &limit) == 0 ? 0 : errno;
}

int set_oom_score(const Step& step) {
    char text[16];
    size_t size = 0;
    int64_t value = step.n[0];
    if (value < 0) {
        text[size++] = '-';
        value = -value;
    }
    for (int64_t unit = 1000; unit > 0; unit /= 10) {
        // No leading zeros: the kernel would read an octal number.
        if (value >= unit || unit == 1) {
            text[size++] = static_cast<char>('0' + value / unit % 10);
        }
    }
    const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    const int error = write(fd, text, size) == static_cast<ssize_t>(size) ? 0 : errno;
    close(fd);
    // COMPAT: without CAP_SYS_RESOURCE the score cannot be lowered; Docker's runtime goes on then.
    return error == EACCES || error == EPERM ? 0 : error;
}

int join_session_keyring(ChildContext& context, const Step& step) {
    const long key =
        syscall(SYS_keyctl, kKeyctlJoinSessionKeyring, context.plan.text(step.text[0]), 0, 0, 0);
    // ENOSYS: a kernel without keyrings has none to share.
    return key >= 0 || errno == ENOSYS ? 0 : errno;
}

int drop_bounding_set(const Step& step) {
    const auto keep = static_cast<uint64_t>(step.n[0]);
    for (int cap = 0; cap <= kMaxCapability; ++cap) {
        if ((keep >> cap & 1) != 0) {
            continue;
        }
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) {
            // EINVAL: past the last one that this kernel knows.
            return errno == EINVAL ? 0 : errno;
        }
    }
    return 0;
}

int become_user(ChildContext& context, const Step& step) {
    CapData data[2] = {};
    const auto uid = static_cast<uid_t>(step.n[0]);
    const auto gid = static_cast<gid_t>(step.n[1]);
    const Text& groups = step.text[0];
    umask(static_cast<mode_t>(step.n[2]));
    // The pool does not align; gid_t is uint32_t on Linux.
    gid_t list[256];
    const size_t count = groups.size / sizeof(gid_t);
    if (count > sizeof list / sizeof list[0]) {
        return E2BIG;
    }
    memcpy(list, context.plan.text(groups), count * sizeof(gid_t));
    // Raw calls: this process has one thread, so no libc has to tell others.
    const bool keep_groups = (step.flags & kKeepGroups) != 0;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 ||
        (!keep_groups && syscall(SYS_setgroups, count, list) != 0) ||
        syscall(SYS_setresgid, gid, gid, gid) != 0 || syscall(SYS_setresuid, uid, uid, uid) != 0 ||
        prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) {
        return errno;
    }
    // The change of user emptied the effective set; kSeccomp still needs it.
    if (const int error = get_caps(data); error != 0) {
        return error;
    }
    for (CapData& word : data) {
        word.effective = word.permitted;
    }
    return set_caps(data);
}

int harden(ChildContext& context, const Step& step) {
    // ORDER: after the change of user, which clears both (kernel/cred.c, commit_creds).
    const bool outlive = (step.flags & kOutlive) != 0;
    if ((!outlive && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        return errno;
    }
    // A shim that died before that sends no signal: its end of the channel is closed then.
    char byte = 0;
    if (!outlive && recv(context.sync_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
        _exit(1);
    }
    // SAFETY: P3. Only stdio, what the program shall have, and the channel, which exec closes,
    // remain.
    return close_from(context.last_fd + 1) == 0 ? 0 : errno;
}

int set_scheduler(ChildContext& context, const Step& step) {
    return syscall(SYS_sched_setattr, 0, context.plan.text(step.text[0]), 0) == 0 ? 0 : errno;
}

int set_io_priority(const Step& step) {
    constexpr int kWhoProcess = 1;
    return syscall(SYS_ioprio_set, kWhoProcess, 0, step.n[0]) == 0 ? 0 : errno;
}

int set_personality(const Step& step) {
    return syscall(SYS_personality, step.n[0]) >= 0 ? 0 : errno;
}

int set_security_label(ChildContext& context, const Step& step) {
    char path[256] = "/proc/thread-self/";
    constexpr size_t kPrefix = 18;
    const Text& name = step.text[0];
    const Text& value = step.text[1];
    if (name.size >= sizeof path - kPrefix) {
        return ENAMETOOLONG;
    }
    memcpy(path + kPrefix, context.plan.text(name), name.size + 1);
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    const int error = write(fd, context.plan.text(value), value.size) == value.size ? 0 : errno;
    close(fd);
    return error;
}

int become_root(const Step& step) {
    // ORDER: groups first, they need the privileges of who we are now.
    if (((step.flags & kKeepGroups) == 0 && syscall(SYS_setgroups, 0, nullptr) != 0) ||
        syscall(SYS_setresgid, 0, 0, 0) != 0 || syscall(SYS_setresuid, 0, 0, 0) != 0) {
        return errno;
    }
    return 0;
}

int set_no_new_privileges() {
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

int load_seccomp(ChildContext& context, const Step& step) {
    const Text& filter = step.text[0];
    struct {
        unsigned short instructions;
        const void* code;
    } program = {static_cast<unsigned short>(filter.size / 8), context.plan.text(filter)};
    if (filter.size % 8 != 0 || filter.size / 8 > 4096) {
        return EINVAL;
    }
    const long result = syscall(SYS_seccomp, kSeccompSetModeFilter, step.flags, &program);
    if (result < 0) {
        return errno;
    }
    if ((step.flags & kSeccompNewListener) == 0) {
        return 0;
    }
    ChildMessage message = {};
    message.kind = ChildMessageKind::kSeccompListener;
    message.pid = static_cast<int32_t>(result);
    const int error = tell_and_wait(context.sync_fd, message);
    close(static_cast<int>(result));
    return error;
}

int set_capabilities(const Step& step) {
    const auto effective = static_cast<uint64_t>(step.n[0]);
    const auto permitted = static_cast<uint64_t>(step.n[1]);
    const auto inheritable = static_cast<uint64_t>(step.n[2]);
    const auto ambient = static_cast<uint64_t>(step.n[3]);
    CapData data[2] = {};
    for (int word = 0; word < 2; ++word) {
        data[word] = {static_cast<uint32_t>(effective >> 32 * word),
                      static_cast<uint32_t>(permitted >> 32 * word),
                      static_cast<uint32_t>(inheritable >> 32 * word)};
    }
    if (const int error = set_caps(data); error != 0) {
        return error;
    }
    for (int cap = 0; cap <= kMaxCapability; ++cap) {
        if ((ambient >> cap & 1) != 0 &&
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) != 0) {
            return errno;
        }
    }
    return 0;
}

}  // namespace gantry::shim
