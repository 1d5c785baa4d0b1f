#include "sys/seccomp.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <span>

#include "sys/seccomp_fake.h"
#include "sys/seccomp_syscalls.h"

namespace gantry::sys {
namespace {

using Arch = SeccompArchitecture;
using Op = SeccompOperator;

constexpr uint32_t kX32Bit = 0x40000000;
constexpr SeccompAction kAllow = SECCOMP_RET_ALLOW;
constexpr SeccompAction kEperm = SECCOMP_RET_ERRNO | EPERM;
constexpr SeccompAction kEnosys = SECCOMP_RET_ERRNO | ENOSYS;

seccomp_data call(uint32_t audit, uint32_t number, std::initializer_list<uint64_t> arguments = {}) {
    seccomp_data data{};
    data.nr = static_cast<int>(number);
    data.arch = audit;
    std::ranges::copy(arguments, data.args);
    return data;
}

bool holds(const SeccompArgument& argument, const seccomp_data& data) {
    const uint64_t value = data.args[argument.index];
    switch (argument.op) {
        case Op::kNe: return value != argument.value;
        case Op::kLt: return value < argument.value;
        case Op::kLe: return value <= argument.value;
        case Op::kEq: return value == argument.value;
        case Op::kGe: return value >= argument.value;
        case Op::kGt: return value > argument.value;
        case Op::kMaskedEq: return (value & argument.value) == argument.value_two;
    }
    return false;
}

/// The contract of compile_seccomp(), read off the rules for every call anew.
SeccompAction evaluate(const SeccompFilter& filter, const seccomp_data& data) {
    const auto lists = [&](Arch arch) {
        return std::ranges::find(filter.architectures, arch) != filter.architectures.end();
    };
    auto number = static_cast<uint32_t>(data.nr);
    Arch arch = data.arch == AUDIT_ARCH_I386 ? Arch::kX86 : Arch::kX86_64;
    if ((data.arch != AUDIT_ARCH_I386 && data.arch != AUDIT_ARCH_X86_64) || !lists(arch)) {
        return SECCOMP_RET_KILL_PROCESS;
    }
    if (arch == Arch::kX86_64 && (number & ~0x3FFFFFFFU) != 0) {
        if (!lists(Arch::kX32)) {
            return kEnosys;
        }
        arch = Arch::kX32;
        number -= kX32Bit;
    }
    std::optional<SeccompAction> otherwise;
    uint32_t highest = 0;
    bool any = false;
    for (const SeccompRule& rule : filter.rules) {
        for (const std::string& name : rule.names) {
            const auto known = syscall_number(arch, name);
            highest = known ? std::max(highest, *known) : highest;
            any = any || known.has_value();
            if (known != number) {
                continue;
            }
            if (rule.arguments.empty()) {
                otherwise = otherwise.value_or(rule.action);
            } else if (std::ranges::all_of(rule.arguments,
                                           [&](const auto& arg) { return holds(arg, data); })) {
                return rule.action;
            }
        }
    }
    const bool is_errno = (filter.default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
    if ((!any || number > highest) && is_errno) {
        return kEnosys;
    }
    return otherwise.value_or(filter.default_action);
}

/// Numbers around everything that the tables name, in all three spaces.
std::vector<uint32_t> interesting_numbers() {
    std::vector<uint32_t> numbers;
    for (uint32_t number = 0; number < 600; ++number) {
        numbers.push_back(number);
        numbers.push_back(number | kX32Bit);
    }
    for (const uint32_t number : {kX32Bit - 1, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU, 5000U}) {
        numbers.push_back(number);
    }
    return numbers;
}

void expect_equal(const SeccompFilter& filter, const std::vector<sock_filter>& program,
                  const seccomp_data& data) {
    const auto got = run_seccomp(program, data);
    ASSERT_TRUE(got) << "a broken program at " << std::hex << data.arch << " " << data.nr;
    ASSERT_EQ(*got, evaluate(filter, data))
        << std::hex << data.arch << " " << data.nr << " " << data.args[0] << " " << data.args[1];
}

class RandomFilters {
public:
    explicit RandomFilters(uint32_t seed) : random_(seed) {}

    uint64_t value() {
        constexpr uint64_t kValues[] = {
            0, 1, 38, 39, 40, 0x7e020000, 0xffffffff, 0x100000000, 0x100000001, UINT64_MAX};
        return below(3) == 0 ? random_() : kValues[below(std::size(kValues))];
    }

    SeccompFilter filter() {
        constexpr SeccompAction kActions[] = {kAllow, kEperm, kEnosys, SECCOMP_RET_LOG,
                                              SECCOMP_RET_KILL_PROCESS};
        SeccompFilter filter;
        filter.default_action = kActions[below(std::size(kActions))];
        filter.architectures = {Arch::kX86_64};
        if (below(2) == 0) {
            filter.architectures.push_back(Arch::kX86);
        }
        if (below(2) == 0) {
            filter.architectures.push_back(Arch::kX32);
        }
        const size_t rules = below(60);
        for (size_t count = 0; count < rules; ++count) {
            SeccompRule rule;
            rule.action = kActions[below(std::size(kActions))];
            const size_t arguments = below(3) == 0 ? 1 + below(6) : 0;
            // Conditions are written out for every call: few, to stay below the kernel's limit.
            const size_t names = 1 + below(arguments == 0 ? 20 : 2);
            for (size_t n = 0; n < names; ++n) {
                rule.names.emplace_back(below(2) == 0
                                            ? kX86_64Syscalls[below(kX86_64SyscallsSize)].name
                                            : kX86Syscalls[below(kX86SyscallsSize)].name);
            }
            for (size_t n = 0; n < arguments; ++n) {
                const uint64_t wanted = value();
                const uint64_t mask = value();
                rule.arguments.push_back({static_cast<uint32_t>(below(6)), mask, wanted & mask,
                                          static_cast<Op>(below(7))});
            }
            filter.rules.push_back(std::move(rule));
        }
        return filter;
    }

    seccomp_data data() {
        const uint32_t number = static_cast<uint32_t>(below(520)) | (below(4) == 0 ? kX32Bit : 0);
        return call(below(3) == 0 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64, number,
                    {value(), value(), value(), value(), value(), value()});
    }

private:
    size_t below(size_t limit) { return random_() % limit; }

    std::mt19937_64 random_;
};

TEST(Seccomp, RandomFiltersDoWhatTheirRulesSay) {
    for (uint32_t seed = 1; seed <= 60; ++seed) {
        RandomFilters random(seed);
        const SeccompFilter filter = random.filter();
        const auto program = compile_seccomp(filter);
        ASSERT_TRUE(program) << program.error().text();
        for (const uint32_t audit : {uint32_t{AUDIT_ARCH_X86_64}, uint32_t{AUDIT_ARCH_I386},
                                     uint32_t{AUDIT_ARCH_AARCH64}}) {
            for (const uint32_t number : interesting_numbers()) {
                ASSERT_NO_FATAL_FAILURE(expect_equal(filter, *program, call(audit, number)))
                    << "seed " << seed;
            }
        }
        for (int count = 0; count < 2000; ++count) {
            ASSERT_NO_FATAL_FAILURE(expect_equal(filter, *program, random.data()))
                << "seed " << seed;
        }
    }
}

SeccompFilter one_rule(std::vector<SeccompArgument> arguments) {
    return {kEperm, {Arch::kX86_64}, {{{"personality"}, kAllow, std::move(arguments)}}};
}

TEST(Seccomp, ComparesAll64Bits) {
    const auto result = [](Op op, uint64_t value, uint64_t two, uint64_t argument) {
        const auto program = compile_seccomp(one_rule({{0, value, two, op}}));
        return *run_seccomp(*program, call(AUDIT_ARCH_X86_64, SYS_personality, {argument})) ==
               kAllow;
    };
    constexpr uint64_t kHigh = uint64_t{1} << 32;
    for (const uint64_t value : {uint64_t{0}, uint64_t{5}, kHigh, kHigh + 5, UINT64_MAX}) {
        for (const uint64_t argument : {value - 1, value, value + 1, value ^ kHigh}) {
            EXPECT_EQ(result(Op::kEq, value, 0, argument), argument == value);
            EXPECT_EQ(result(Op::kNe, value, 0, argument), argument != value);
            EXPECT_EQ(result(Op::kLt, value, 0, argument), argument < value);
            EXPECT_EQ(result(Op::kLe, value, 0, argument), argument <= value);
            EXPECT_EQ(result(Op::kGt, value, 0, argument), argument > value);
            EXPECT_EQ(result(Op::kGe, value, 0, argument), argument >= value);
        }
    }
    EXPECT_TRUE(result(Op::kMaskedEq, 0x7e020000, 0, 0x1200011));
    EXPECT_FALSE(result(Op::kMaskedEq, 0x7e020000, 0, 0x10000000));
    EXPECT_FALSE(result(Op::kMaskedEq, kHigh, 0, kHigh | 1));
    EXPECT_TRUE(result(Op::kMaskedEq, kHigh | 2, kHigh, kHigh | 1));
}

TEST(Seccomp, X32IsNoWayAroundADenyList) {
    const SeccompFilter filter{kAllow, {Arch::kX86_64}, {{{"mount"}, kEperm, {}}}};
    const auto program = compile_seccomp(filter);
    EXPECT_EQ(*run_seccomp(*program, call(AUDIT_ARCH_X86_64, SYS_mount)), kEperm);
    EXPECT_EQ(*run_seccomp(*program, call(AUDIT_ARCH_X86_64, SYS_mount | kX32Bit)), kEnosys);
    EXPECT_EQ(*run_seccomp(*program, call(AUDIT_ARCH_I386, 21)), SECCOMP_RET_KILL_PROCESS);
    // execve has a number of its own there.
    EXPECT_EQ(syscall_number(Arch::kX32, "execve"), 520U);
    EXPECT_EQ(syscall_number(Arch::kX32, "read"), 0U);
    EXPECT_EQ(syscall_number(Arch::kX86, "nothing"), std::nullopt);
}

TEST(Seccomp, RefusesWhatCannotBe) {
    EXPECT_FALSE(compile_seccomp({kEperm, {}, {}}));
    EXPECT_FALSE(compile_seccomp({kEperm, {Arch::kX32}, {}}));
    EXPECT_FALSE(compile_seccomp(one_rule({{6, 0, 0, Op::kEq}})));
    EXPECT_FALSE(compile_seccomp(one_rule(std::vector<SeccompArgument>(7))));
    SeccompFilter huge{kEperm, {Arch::kX86_64}, {}};
    for (uint64_t value = 0; value < 2000; ++value) {
        huge.rules.push_back({{"socket"}, kAllow, {{0, value, 0, Op::kEq}}});
    }
    EXPECT_FALSE(compile_seccomp(huge));
}

TEST(Seccomp, TablesAreSorted) {
    const std::span<const SyscallNumber> tables[] = {{kX86_64Syscalls, kX86_64SyscallsSize},
                                                     {kX86Syscalls, kX86SyscallsSize},
                                                     {kX32Syscalls, kX32SyscallsSize}};
    for (const auto& table : tables) {
        EXPECT_TRUE(std::ranges::is_sorted(table, {}, &SyscallNumber::name));
    }
}

/// In a child with PROGRAM loaded: 0 when CHECK holds there.
template <class Check>
int status_under(const std::vector<sock_filter>& program, Check check) {
    const pid_t child = fork();
    if (child == 0) {
        const sock_fprog loaded{static_cast<unsigned short>(program.size()),
                                const_cast<sock_filter*>(program.data())};
        const bool is_loaded = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                               syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &loaded) == 0;
        _exit(is_loaded ? (check() ? 0 : 1) : 2);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

TEST(Seccomp, KernelTakesTheProgram) {
    SeccompFilter filter{kEperm, {Arch::kX86_64, Arch::kX86, Arch::kX32}, {{{}, kAllow, {}}}};
    for (size_t at = 0; at < kX86_64SyscallsSize; ++at) {
        const auto name = std::string(kX86_64Syscalls[at].name);
        if (name != "getppid" && name != "clone3" && name != "personality") {
            filter.rules[0].names.push_back(name);
        }
    }
    filter.rules.push_back({{"clone3"}, kEnosys, {}});
    filter.rules.push_back({{"personality"}, kAllow, {{0, 0xffffffff, 0, Op::kEq}}});
    const auto program = compile_seccomp(filter);
    ASSERT_TRUE(program);
    const int status = status_under(*program, [] {
        const auto gives = [](long result, int wanted) { return result == -1 && errno == wanted; };
        return gives(syscall(SYS_getppid), EPERM) && gives(syscall(SYS_clone3, 0, 0), ENOSYS) &&
               gives(syscall(1000), ENOSYS) && gives(syscall(SYS_personality, 8), EPERM) &&
               syscall(SYS_personality, 0xffffffff) >= 0 && syscall(SYS_getpid) > 0;
    });
    EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace gantry::sys
