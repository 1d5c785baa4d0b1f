#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::sys {

/// The architectures a filter can know on this machine.
enum class SeccompArch { kX86_64, kI386, kX32, kAarch64, kArm };

enum class SeccompCompare {
    kNotEqual,
    kLess,
    kLessEqual,
    kEqual,
    kGreaterEqual,
    kGreater,
    kMasked
};

/// One condition on a 64-bit argument. For kMasked: (argument & value) == value_two.
struct SeccompCondition {
    uint32_t index = 0;
    SeccompCompare compare = SeccompCompare::kEqual;
    uint64_t value = 0;
    uint64_t value_two = 0;
};

/// ACTION (a SECCOMP_RET_* value with its data) for the system calls NAMES when all CONDITIONS
/// hold. Names that an architecture does not have are left out there.
struct SeccompRule {
    std::vector<std::string> names;
    uint32_t action = 0;
    std::vector<SeccompCondition> conditions;
};

/// A filter as it is wanted. Rules are looked at in order; the first that holds decides, but one
/// without conditions decides for its calls against all with conditions before and behind it, as
/// libseccomp has it.
struct SeccompFilter {
    uint32_t default_action = 0;
    std::vector<SeccompArch> architectures;
    std::vector<SeccompRule> rules;
};

using SeccompProgram = std::vector<sock_filter>;

/// Compiles FILTER to classic BPF for seccomp(2).
///
/// A call by an architecture that is not listed kills the process, one by the x32 table is refused
/// with ENOSYS unless x32 is listed. When the default action is an errno, a number above all that
/// this build knows gives ENOSYS, so that programs fall back as on an older kernel. kInvalid for a
/// condition on an argument that does not exist and for a program beyond the kernel's 4096
/// instructions. Pure: no system call.
Result<SeccompProgram> compile_seccomp(const SeccompFilter& filter);

/// The number of NAME on ARCH; -1 if there is none.
int syscall_number(SeccompArch arch, std::string_view name);

}  // namespace gantry::sys
