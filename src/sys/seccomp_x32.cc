#include "sys/seccomp_syscalls.h"

namespace gantry::sys {

// What x32 calls by another number than x86-64; the bit that marks x32 is not in the numbers.
// clang-format off
const SyscallNumber kX32Syscalls[] = {
    {"execve", 520},
    {"execveat", 545},
    {"get_robust_list", 531},
    {"getsockopt", 542},
    {"io_setup", 543},
    {"io_submit", 544},
    {"ioctl", 514},
    {"kexec_load", 528},
    {"move_pages", 533},
    {"mq_notify", 527},
    {"preadv", 534},
    {"preadv2", 546},
    {"process_vm_readv", 539},
    {"process_vm_writev", 540},
    {"ptrace", 521},
    {"pwritev", 535},
    {"pwritev2", 547},
    {"readv", 515},
    {"recvfrom", 517},
    {"recvmmsg", 537},
    {"recvmsg", 519},
    {"rt_sigaction", 512},
    {"rt_sigpending", 522},
    {"rt_sigqueueinfo", 524},
    {"rt_sigreturn", 513},
    {"rt_sigtimedwait", 523},
    {"rt_tgsigqueueinfo", 536},
    {"sendmmsg", 538},
    {"sendmsg", 518},
    {"set_robust_list", 530},
    {"setsockopt", 541},
    {"sigaltstack", 525},
    {"timer_create", 526},
    {"vmsplice", 532},
    {"waitid", 529},
    {"writev", 516},
};
// clang-format on
const size_t kX32SyscallsSize = sizeof kX32Syscalls / sizeof kX32Syscalls[0];

}  // namespace gantry::sys
