#pragma once

#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace gantry::sys {

/// What the kernel does with a seccomp program, for tests: runs PROGRAM over CALL as
/// Documentation/networking/filter.rst describes classic BPF, and gives the value that it returns.
/// Empty when the program does what the kernel's checker would refuse (a jump out of it, a load
/// outside of seccomp_data, an unknown instruction, no return).
inline std::optional<uint32_t> run_seccomp(std::span<const sock_filter> program,
                                           const seccomp_data& call) {
    uint32_t accumulator = 0;
    for (size_t at = 0; at < program.size(); ++at) {
        const sock_filter& op = program[at];
        switch (op.code) {
            case BPF_LD | BPF_W | BPF_ABS:
                if (op.k % 4 != 0 || op.k + 4 > sizeof call) {
                    return std::nullopt;
                }
                std::memcpy(&accumulator,
                            static_cast<const char*>(static_cast<const void*>(&call)) + op.k,
                            sizeof accumulator);
                break;
            case BPF_ALU | BPF_AND | BPF_K: accumulator &= op.k; break;
            case BPF_JMP | BPF_JA: at += op.k; break;
            case BPF_JMP | BPF_JEQ | BPF_K: at += accumulator == op.k ? op.jt : op.jf; break;
            case BPF_JMP | BPF_JGT | BPF_K: at += accumulator > op.k ? op.jt : op.jf; break;
            case BPF_JMP | BPF_JGE | BPF_K: at += accumulator >= op.k ? op.jt : op.jf; break;
            case BPF_RET | BPF_K: return op.k;
            default: return std::nullopt;
        }
    }
    return std::nullopt;
}

}  // namespace gantry::sys
