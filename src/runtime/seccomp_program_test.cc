#include "runtime/seccomp_program.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/unique_fd.h"
#include "spec/oci/seccomp.h"
#include "spec/seccomp_profile.h"
#include "sys/seccomp_fake.h"

namespace gantry::runtime {
namespace {

// Docker's default profile, compiled by us and by libseccomp (as runc uses it), decides every call
// alike.

using Program = std::vector<sock_filter>;

struct Release {
    void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

uint32_t action_of(const spec::oci::SeccompRule& rule) {
    return rule.action == "SCMP_ACT_ALLOW" ? SCMP_ACT_ALLOW
                                           : SCMP_ACT_ERRNO(rule.errno_ret.value_or(EPERM));
}

scmp_compare operator_of(const std::string& name) {
    if (name == "SCMP_CMP_EQ") {
        return SCMP_CMP_EQ;
    }
    if (name == "SCMP_CMP_LT") {
        return SCMP_CMP_LT;
    }
    return name == "SCMP_CMP_GT" ? SCMP_CMP_GT : SCMP_CMP_MASKED_EQ;
}

/// As runc builds it: names that the library does not know are skipped, as are rules whose action
/// is the default's.
Program reference_program(const spec::oci::Seccomp& profile) {
    const Context context(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
    EXPECT_EQ(seccomp_arch_add(context.get(), SCMP_ARCH_X86), 0);
    EXPECT_EQ(seccomp_arch_add(context.get(), SCMP_ARCH_X32), 0);
    for (const auto& rule : profile.syscalls) {
        std::vector<scmp_arg_cmp> arguments;
        for (const auto& arg : rule.args) {
            arguments.push_back({arg.index, operator_of(arg.op), arg.value, arg.value_two});
        }
        for (const std::string& name : rule.names) {
            const int number = seccomp_syscall_resolve_name(name.c_str());
            if (number != __NR_SCMP_ERROR) {
                EXPECT_EQ(seccomp_rule_add_array(context.get(), action_of(rule), number,
                                                 static_cast<unsigned>(arguments.size()),
                                                 arguments.data()),
                          0)
                    << name;
            }
        }
    }
    const UniqueFd file(memfd_create("program", MFD_CLOEXEC));
    EXPECT_EQ(seccomp_export_bpf(context.get(), file.get()), 0);
    Program program(static_cast<size_t>(lseek(file.get(), 0, SEEK_END)) / sizeof(sock_filter));
    const size_t size = program.size() * sizeof(sock_filter);
    EXPECT_EQ(pread(file.get(), program.data(), size, 0), static_cast<ssize_t>(size));
    return program;
}

Program our_program(const spec::oci::Seccomp& profile) {
    const auto compiled = seccomp_program(&profile);
    EXPECT_TRUE(compiled) << compiled.error().text();
    Program program(compiled->bytes.size() / sizeof(sock_filter));
    std::memcpy(program.data(), compiled->bytes.data(), compiled->bytes.size());
    return program;
}

bool is_known(uint32_t arch, uint32_t number) {
    const std::unique_ptr<char, decltype(&std::free)> name(
        seccomp_syscall_resolve_num_arch(arch, static_cast<int>(number)), &std::free);
    return name != nullptr;
}

void compare(const std::vector<std::string>& capabilities) {
    const auto profile = spec::default_seccomp_profile({"x86_64", capabilities, {6, 18}});
    const Program ours = our_program(profile);
    const Program reference = reference_program(profile);
    ASSERT_LT(ours.size(), reference.size());
    constexpr uint64_t kArguments[] = {0,          1,          8,          38,          39,
                                       40,         41,         0x20000,    0x20008,     0x1200011,
                                       0x10000000, 0x7e020000, 0xffffffff, 0x100000008, UINT64_MAX};
    size_t compared = 0;
    struct Space {
        uint32_t arch;
        uint32_t audit;
        uint32_t base;
    };
    constexpr Space kSpaces[] = {{SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, 0},
                                 {SCMP_ARCH_X86, AUDIT_ARCH_I386, 0},
                                 {SCMP_ARCH_X32, AUDIT_ARCH_X86_64, 0x40000000}};
    for (const auto& [arch, audit, base] : kSpaces) {
        for (uint32_t number = base; number < base + 600; ++number) {
            // Newer calls, and ENOSYS above them, are not in this version of the library.
            if (!is_known(arch, number)) {
                continue;
            }
            for (const uint64_t argument : kArguments) {
                seccomp_data data{};
                data.nr = static_cast<int>(number);
                data.arch = audit;
                // 32-bit calls have 32-bit arguments; of x32's the library looks at no more.
                data.args[0] =
                    arch == SCMP_ARCH_X86_64 ? argument : static_cast<uint32_t>(argument);
                const auto got = sys::run_seccomp(ours, data);
                const auto wanted = sys::run_seccomp(reference, data);
                ASSERT_TRUE(got && wanted);
                EXPECT_EQ(*got, *wanted)
                    << std::hex << audit << " " << number << " argument " << argument;
                ++compared;
            }
        }
    }
    EXPECT_GT(compared, 10000U);
}

TEST(SeccompProgram, DefaultProfileEqualsLibseccomps) {
    compare({});
}

TEST(SeccompProgram, DefaultProfileWithCapabilitiesEqualsLibseccomps) {
    compare({"CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_NICE", "CAP_BPF"});
}

TEST(SeccompProgram, IsSmallAndQuick) {
    const auto profile = spec::default_seccomp_profile({"x86_64", {}, {6, 18}});
    const auto start = std::chrono::steady_clock::now();
    const auto first = seccomp_program(&profile);
    const auto compiled = std::chrono::steady_clock::now();
    const auto second = seccomp_program(&profile);
    const auto remembered = std::chrono::steady_clock::now();
    ASSERT_TRUE(first && second);
    const auto micros = [](auto duration) {
        return static_cast<int>(
            std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
    };
    const size_t count = first->bytes.size() / sizeof(sock_filter);
    RecordProperty("instructions", static_cast<int>(count));
    RecordProperty("compile_us", micros(compiled - start));
    std::printf("%zu instructions, compiled in %d us, remembered in %d us\n", count,
                micros(compiled - start), micros(remembered - compiled));
    EXPECT_LE(count, 450U);
}

}  // namespace
}  // namespace gantry::runtime
