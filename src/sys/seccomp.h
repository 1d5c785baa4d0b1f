#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::sys {

/// The tables of system calls that an x86-64 kernel has. x32 shares the audit architecture and the
/// numbers of x86-64 but for a bit in the number.
enum class SeccompArchitecture { kX86_64, kX86, kX32 };

enum class SeccompOperator { kNe, kLt, kLe, kEq, kGe, kGt, kMaskedEq };

/// A SECCOMP_RET_* value with its data in the low 16 bits.
using SeccompAction = uint32_t;

/// One condition on a 64-bit argument. For kMaskedEq: (argument & value) == value_two.
struct SeccompArgument {
    uint32_t index = 0;
    uint64_t value = 0;
    uint64_t value_two = 0;
    SeccompOperator op = SeccompOperator::kEq;

    bool operator==(const SeccompArgument&) const = default;
};

/// ACTION for the system calls NAMES when all ARGUMENTS hold. Names that an architecture does not
/// have are left out there.
struct SeccompRule {
    std::vector<std::string> names;
    SeccompAction action = 0;
    std::vector<SeccompArgument> arguments;
};

/// A filter as it is wanted. For one call, rules with conditions are tried in order; when none
/// holds, the first rule without conditions decides, and without one the default action.
struct SeccompFilter {
    SeccompAction default_action = 0;
    std::vector<SeccompArchitecture> architectures;
    std::vector<SeccompRule> rules;
};

/// Compiles FILTER to classic BPF for seccomp(2): per architecture a balanced tree over ranges of
/// numbers that are treated alike.
///
/// A call by an architecture that is not listed kills the process; x32, which cannot be told by the
/// architecture, gets ENOSYS then. When the default action is an errno, a number above all that the
/// rules name for the architecture gives ENOSYS, so that programs fall back as on an older kernel.
/// kInvalid without an architecture, for x32 without x86-64, for a condition on an argument that
/// does not exist, for more than six conditions in a rule, and for a program beyond the kernel's
/// 4096 instructions. Pure: no system call.
Result<std::vector<sock_filter>> compile_seccomp(const SeccompFilter& filter);

/// The number of NAME; empty if ARCHITECTURE has no such call. x32's come without its bit.
std::optional<uint32_t> syscall_number(SeccompArchitecture architecture, std::string_view name);

/// The bytes of PROGRAM, for a LaunchPlan.
std::string_view seccomp_bytes(const std::vector<sock_filter>& program);

}  // namespace gantry::sys
