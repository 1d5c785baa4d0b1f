#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gantry::sys {

struct SyscallNumber {
    std::string_view name;
    uint32_t number;
};

// Sorted by name. From the kernel's headers of 6.1 plus the numbers that 6.2 to 6.18 added.
extern const SyscallNumber kX86_64Syscalls[];
extern const size_t kX86_64SyscallsSize;
extern const SyscallNumber kX86Syscalls[];
extern const size_t kX86SyscallsSize;
extern const SyscallNumber kX32Syscalls[];
extern const size_t kX32SyscallsSize;

}  // namespace gantry::sys
