#include "sys/capability.h"

#include <fmt/core.h>
#include <sys/prctl.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>

#include "base/text.h"

namespace gantry::sys {
namespace {

// By number, from linux/capability.h.
constexpr std::array<std::string_view, 41> kNames{
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

}  // namespace

std::optional<int> parse_capability(std::string_view name) {
    std::string wanted = to_upper(name);
    if (!wanted.starts_with("CAP_")) {
        wanted.insert(0, "CAP_");
    }
    for (size_t number = 0; number < kNames.size(); ++number) {
        if (kNames[number] == wanted) {
            return static_cast<int>(number);
        }
    }
    return {};
}

std::string_view capability_name(int number) {
    return kNames.at(static_cast<size_t>(number));
}

std::vector<std::string> capability_names(CapSet set) {
    std::vector<std::string> names;
    for (size_t number = 0; number < kNames.size(); ++number) {
        if ((set >> number & 1) != 0) {
            names.emplace_back(kNames[number]);
        }
    }
    return names;
}

namespace {

Result<CapSet> read_bounding_set() {
    CapSet set = 0;
    for (unsigned number = 0; number < 64; ++number) {
        const int has = ::prctl(PR_CAPBSET_READ, number, 0, 0, 0);
        if (has < 0) {
            if (errno == EINVAL) {
                break;  // past the last one that the kernel knows
            }
            return fail_errno("read the bounding set");
        }
        set |= static_cast<CapSet>(has) << number;
    }
    return set;
}

}  // namespace

Result<CapSet> bounding_set() {
    static std::atomic<CapSet> known = 0;
    if (const CapSet set = known.load(std::memory_order_relaxed); set != 0) {
        return set;
    }
    GT_TRY_VAR(set, read_bounding_set());
    known.store(set, std::memory_order_relaxed);
    return set;
}

Result<CapSet> all_capabilities() {
    CapSet set = 0;
    for (unsigned number = 0; number < 64; ++number) {
        if (::prctl(PR_CAPBSET_READ, number, 0, 0, 0) < 0) {
            break;
        }
        set |= CapSet{1} << number;
    }
    return set;
}

}  // namespace gantry::sys
