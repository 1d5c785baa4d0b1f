#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gantry::spec::oci {

/// One comparison of a system call's argument. "SCMP_CMP_NE" ... "SCMP_CMP_MASKED_EQ" (value is the
/// mask, value_two the wanted result).
struct SeccompArg {
    uint32_t index = 0;
    uint64_t value = 0;
    uint64_t value_two = 0;
    std::string op;
};

/// ACTION for each of NAMES when all of ARGS hold.
struct SeccompRule {
    std::vector<std::string> names;
    /// "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", ...
    std::string action;
    /// EPERM when absent.
    std::optional<uint32_t> errno_ret;
    std::vector<SeccompArg> args;
};

/// runtime-spec 1.2, config-linux.md, "Seccomp". Compiled by sys/seccomp.h.
struct Seccomp {
    std::string default_action;
    std::optional<uint32_t> default_errno_ret;
    /// "SCMP_ARCH_X86_64"; empty: the native one.
    std::vector<std::string> architectures;
    /// "SECCOMP_FILTER_FLAG_LOG", ...
    std::vector<std::string> flags;
    std::string listener_path;
    std::string listener_metadata;
    std::vector<SeccompRule> syscalls;
};

}  // namespace gantry::spec::oci
