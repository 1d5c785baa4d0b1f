#pragma once

#include <cstdint>

namespace gantry::shim {

// The steps of a LaunchPlan (plan.h). What is said of FD, SLOT, FLAGS, N[] and TEXT[] is about the
// members of Step.

/// Bytes in the pool. A zero byte follows that is not counted.
struct Text {
    uint32_t offset;
    uint32_t size;
};

enum class StepKind : uint32_t {
    /// setns(2) to FD, or to the namespace file TEXT[0]; FLAGS is the CLONE_NEW* bit.
    kJoinNamespace = 1,
    /// Exec: setns(2) to the namespaces FLAGS of the container's first process (the pidfd FD, or
    /// the one that the shim gives).
    kJoinContainer,
    /// unshare(2) of the time namespace for children; TEXT[0] goes to timens_offsets.
    kTimeNamespace,
    /// Makes what SLOT stands for from then on: a clone of TEXT[1] on the host, everything else as
    /// with kBind, for TEXT[0]. Before kBirth, where all of the host can be named. With FD, a user
    /// namespace, the mounts are idmapped by it. FLAGS kOpenDevice: N[0] is the device's number.
    kOpenMount,
    /// All that follows happens in a child with the clone3 flags N[0], whose parent is ours; the
    /// process itself ends. TEXT[1] and TEXT[2] are what its uid_map and gid_map shall be (none:
    /// nothing is written). With FD, a cgroup v2 directory, it is born there. FLAGS kDenySetgroups.
    kBirth,
    /// uid and gid 0 of a user namespace, no additional groups (FLAGS kKeepGroups: those that are).
    kBecomeRoot,
    /// Writes "0" to every kept cgroup descriptor: v1 `tasks` files.
    kJoinCgroups,
    /// unshare(FLAGS): what must come after joining cgroups.
    kUnshare,
    /// Propagation of the whole mount tree: mount flags FLAGS.
    kPropagation,
    /// Mounts the root over "/": the mount FD, or a bind of TEXT[0] (recursive). FLAGS kBindSlot as
    /// for kBind.
    kAttachRoot,
    /// A procfs of the present pid namespace that nobody else sees: kSysctl writes go there.
    kPrivateProc,
    /// New file system of type TEXT[1] with options TEXT[2] (mount syntax) at TEXT[0] in the root.
    /// N[0] MOUNT_ATTR_*, N[1] propagation mount flags or 0. FLAGS kMountModeOfTarget. ELOOP: the
    /// place of a proc or sysfs is a link.
    kMount,
    /// TEXT[1] on the host, or the O_PATH descriptor FD, at TEXT[0] in the root. FLAGS kBind*;
    /// with kBindDetached FD is a detached mount that is attached itself. With kBindSlot that of
    /// SLOT is attached as it is.
    /// N[0] attributes to set, N[1] to clear, N[2] propagation or 0, N[3] attributes to set (low
    /// half) and to clear (high half) on all mounts below too.
    kBind,
    /// The mount at TEXT[0] in the root (not those below): N[0] attributes to set, N[1] to clear.
    kRemount,
    /// mkdir -p of TEXT[0] in the root, owner 0:0; N[0] is the mode of what is missing.
    kDirectory,
    /// Hides TEXT[0] in the root, if it exists.
    kMask,
    /// Makes TEXT[0] in the root and what is mounted below read-only, if it exists.
    kReadonlyPath,
    /// mknod of TEXT[0] in the root; N[0] mode with type, N[1] device number, N[2] uid, N[3] gid.
    kDevice,
    /// As kMount of a tmpfs at TEXT[0], with options TEXT[2], that begins with a copy of what was
    /// there.
    kMountCopy,
    /// TEXT[0] in the root becomes a link with the content TEXT[1]; an existing file stays.
    kSymlink,
    /// /proc/sys/TEXT[0] = TEXT[1]
    kSysctl,
    kHostname,
    kDomainname,
    /// A pty of the container's devpts becomes stdio; N[0] rows, N[1] columns. FLAGS kConsoleDevice
    /// binds it to /dev/console.
    kTerminal,
    kReadonlyRoot,
    kPivotRoot,
    /// N[0] RLIMIT_*, N[1] soft, N[2] hard.
    kResourceLimit,
    kOomScore,
    /// sched_setattr(2) with the struct TEXT[0].
    kScheduler,
    /// ioprio_set(2) to N[0].
    kIoPriority,
    /// personality(2) N[0].
    kPersonality,
    /// A session keyring named TEXT[0].
    kKeyring,
    /// setsid(2); with a terminal it becomes the controlling one.
    kSession,
    /// stdio belongs to N[0]:N[1] (so that /dev/stdout can be opened again).
    kStdioOwner,
    /// chdir to TEXT[0], which must then be inside the root (CVE-2024-21626).
    kWorkingDirectory,
    /// Exec: all that follows happens in a child in the container's pid namespace, whose parent is
    /// the shim.
    kEnterPidNamespace,
    /// The bounding set becomes N[0].
    kBoundingSet,
    /// uid N[0], gid N[1], umask N[2], additional groups TEXT[0] (packed uint32_t; FLAGS
    /// kKeepGroups: they stay). Capabilities are kept until kCapabilities.
    kIdentity,
    /// SIGKILL when the shim dies (FLAGS kOutlive: not); not dumpable until exec.
    kHarden,
    /// /proc/thread-self/TEXT[0] = TEXT[1]: how a security module shall treat the program.
    kSecurityLabel,
    kNoNewPrivileges,
    /// The BPF program TEXT[0] with the seccomp(2) flags FLAGS. With a listener among them, tells
    /// its number and waits until the parent has taken it.
    kSeccomp,
    /// N[0] effective, N[1] permitted, N[2] inheritable, N[3] ambient.
    kCapabilities,
    /// Finds the program of the kExec step as its user would.
    kFindProgram,
    /// Tells that the namespaces exist and waits until the parent has done its part.
    kRendezvous,
    /// What hooks get on stdin: TEXT[0], the pid, TEXT[1].
    kHookState,
    /// Runs the program TEXT[0] with N[0] arguments TEXT[1] and N[1] environment strings TEXT[2];
    /// N[2] is its timeout in seconds, 0 for none. Anything but exit code 0 is a failure.
    kHook,
    /// Tells that all is set up and waits for START: from the parent, or a byte from the FIFO FD.
    kWaitForStart,
    /// TEXT[0] holds N[0] arguments, TEXT[1] N[1] environment strings, each with its zero byte.
    kExec,

    // A container that another OCI runtime makes. The plan's child stays on the host, in a mount
    // namespace of its own, and runs that runtime's command line (runtime/foreign_plan.h).

    /// Attaches the detached mount FD at the host's path TEXT[0], which is made.
    kPlace,
    /// Runs a program and waits for it: TEXT[0] holds N[0] arguments, its path the first, and N[1]
    /// environment strings. It has our stdio, or none with FLAGS kCommandQuiet, and can read
    /// TEXT[2]
    /// from descriptor kCommandInput. After anything but exit code 0, the file TEXT[1] says why.
    kCommand,
    /// The process whose pid is in the file TEXT[0], a descendant of ours, goes on in our place.
    kAdopt,
    /// Listens at TEXT[0]; takes the pty's master that came there.
    kListenConsole,
    kTakeConsole,
    /// The end of a plan that executes no program.
    kLeave,
    kCount_,
};

/// Of kMount: the new root gets the mode of the directory that it covers, if there is one.
inline constexpr uint32_t kMountModeOfTarget = 1;

inline constexpr uint32_t kBindRecursive = 1;
inline constexpr uint32_t kBindDetached = 2;
inline constexpr uint32_t kBindSlot = 4;
/// kOpenMount: a device node, whose number is N[3].
inline constexpr uint32_t kOpenDevice = 8;
inline constexpr uint32_t kDenySetgroups = 1;
inline constexpr uint32_t kKeepGroups = 1;
inline constexpr uint32_t kOutlive = 1;
/// kAttachRoot: TEXT[0] is the root where it is, in a mount namespace that is not the container's.
inline constexpr uint32_t kRootInPlace = 8;
/// kPivotRoot: the old root stays below the new one.
inline constexpr uint32_t kChroot = 1;
inline constexpr uint32_t kMaxSlots = 512;
inline constexpr uint32_t kConsoleDevice = 1;
inline constexpr uint32_t kCommandQuiet = 1;
inline constexpr int kCommandInput = 3;

struct Step {
    StepKind kind;
    uint32_t flags;
    /// A descriptor number in the shim, or -1.
    int32_t fd;
    uint32_t slot;
    int64_t n[4];
    Text text[3];
};

}  // namespace gantry::shim
