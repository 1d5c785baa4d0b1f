#include "sys/seccomp.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <map>
#include <span>

#include "sys/seccomp_syscalls.h"

namespace gantry::sys {
namespace {

using Program = std::vector<sock_filter>;

constexpr uint32_t kX32Bit = 0x40000000;
constexpr uint32_t kArchOffset = offsetof(seccomp_data, arch);
constexpr uint32_t kNumberOffset = offsetof(seccomp_data, nr);
constexpr size_t kLongestJump = 255;

std::span<const SyscallNumber> table_of(SeccompArchitecture architecture) {
    switch (architecture) {
        case SeccompArchitecture::kX86: return {kX86Syscalls, kX86SyscallsSize};
        case SeccompArchitecture::kX32: return {kX32Syscalls, kX32SyscallsSize};
        case SeccompArchitecture::kX86_64: break;
    }
    return {kX86_64Syscalls, kX86_64SyscallsSize};
}

sock_filter statement(uint32_t code, uint32_t k) {
    return {static_cast<uint16_t>(code), 0, 0, k};
}

sock_filter jump(uint32_t code, uint32_t k, size_t if_true, size_t if_false) {
    return {static_cast<uint16_t>(BPF_JMP | BPF_K | code), static_cast<uint8_t>(if_true),
            static_cast<uint8_t>(if_false), k};
}

/// What happens to one system call: conditions in order, then an action. Two calls with equal
/// treatment share their code if their numbers are neighbours.
struct Treatment {
    std::vector<const SeccompRule*> conditional;
    SeccompAction otherwise = 0;

    bool operator==(const Treatment&) const = default;
};

/// The numbers from `first` up to the next range's first.
struct Range {
    uint32_t first;
    Treatment treatment;
};

using Treatments = std::map<uint32_t, Treatment>;

/// Code that loads one half of an argument, compares it, and falls through when the test says
/// nothing yet. Jumps to "no match" are written as `kNoMatch` and patched when the length is known.
constexpr uint8_t kNoMatch = 254;
constexpr uint8_t kMatch = 253;

void emit_condition(Program& code, const SeccompArgument& argument) {
    const auto low_offset =
        static_cast<uint32_t>(offsetof(seccomp_data, args) + argument.index * sizeof(uint64_t));
    const auto high = static_cast<uint32_t>(argument.value >> 32);
    const auto low = static_cast<uint32_t>(argument.value);
    const auto load = [&](uint32_t offset) {
        code.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offset));
    };
    load(low_offset + 4);
    switch (argument.op) {
        case SeccompOperator::kEq:
            code.push_back(jump(BPF_JEQ, high, 0, kNoMatch));
            load(low_offset);
            code.push_back(jump(BPF_JEQ, low, 0, kNoMatch));
            return;
        case SeccompOperator::kNe:
            code.push_back(jump(BPF_JEQ, high, 0, kMatch));
            load(low_offset);
            code.push_back(jump(BPF_JEQ, low, kNoMatch, 0));
            return;
        case SeccompOperator::kGt:
        case SeccompOperator::kGe:
            code.push_back(jump(BPF_JGT, high, kMatch, 0));
            code.push_back(jump(BPF_JEQ, high, 0, kNoMatch));
            load(low_offset);
            code.push_back(
                jump(argument.op == SeccompOperator::kGt ? BPF_JGT : BPF_JGE, low, 0, kNoMatch));
            return;
        case SeccompOperator::kLt:
        case SeccompOperator::kLe:
            code.push_back(jump(BPF_JGT, high, kNoMatch, 0));
            code.push_back(jump(BPF_JEQ, high, 0, kMatch));
            load(low_offset);
            code.push_back(
                jump(argument.op == SeccompOperator::kLt ? BPF_JGE : BPF_JGT, low, kNoMatch, 0));
            return;
        case SeccompOperator::kMaskedEq:
            code.push_back(statement(BPF_ALU | BPF_AND | BPF_K, high));
            code.push_back(
                jump(BPF_JEQ, static_cast<uint32_t>(argument.value_two >> 32), 0, kNoMatch));
            load(low_offset);
            code.push_back(statement(BPF_ALU | BPF_AND | BPF_K, low));
            code.push_back(jump(BPF_JEQ, static_cast<uint32_t>(argument.value_two), 0, kNoMatch));
            return;
    }
}

/// Makes jumps out of the marks that emit_condition() left in the code from START: a match goes on
/// behind the condition at MATCH, the rest to NO_MATCH.
void patch(Program& code, size_t start, size_t end, size_t match, size_t no_match) {
    for (size_t at = start; at < end; ++at) {
        sock_filter& instruction = code[at];
        if (BPF_CLASS(instruction.code) != BPF_JMP) {
            continue;
        }
        for (uint8_t* target : {&instruction.jt, &instruction.jf}) {
            if (*target == kMatch || *target == kNoMatch) {
                *target = static_cast<uint8_t>((*target == kMatch ? match : no_match) - at - 1);
            }
        }
    }
}

/// Code that ends in a return on every way. At most six conditions of six instructions a rule, so
/// that no jump in a rule is too long.
Program emit_treatment(const Treatment& treatment) {
    Program code;
    for (const SeccompRule* rule : treatment.conditional) {
        std::vector<std::pair<size_t, size_t>> conditions;
        for (const SeccompArgument& argument : rule->arguments) {
            const size_t start = code.size();
            emit_condition(code, argument);
            conditions.emplace_back(start, code.size());
        }
        code.push_back(statement(BPF_RET | BPF_K, rule->action));
        for (const auto& [start, end] : conditions) {
            patch(code, start, end, end, code.size());
        }
    }
    code.push_back(statement(BPF_RET | BPF_K, treatment.otherwise));
    return code;
}

/// A balanced tree over ranges whose leaves are written once for each treatment, behind the tests.
class SharedTree {
public:
    explicit SharedTree(std::span<const Range> ranges) {
        emit_child(ranges, nullptr);
        for (const Leaf& leaf : leaves_) {
            for (const Jump& jump : leaf.jumps) {
                set_target(jump, code_.size());
            }
            const Program treatment = emit_treatment(*leaf.treatment);
            code_.insert(code_.end(), treatment.begin(), treatment.end());
        }
    }

    /// Empty when a leaf is too far away for a jump.
    std::optional<Program> take() {
        return is_too_long_ ? std::nullopt : std::optional(std::move(code_));
    }

private:
    enum class Branch { kBelow, kAbove };
    struct Jump {
        size_t at;
        Branch branch;
    };
    struct Leaf {
        const Treatment* treatment;
        std::vector<Jump> jumps;
    };

    void emit_child(std::span<const Range> ranges, const Jump* from) {
        if (ranges.size() == 1) {
            add_leaf(ranges[0].treatment, from);
            return;
        }
        if (from != nullptr) {
            set_target(*from, code_.size());
        }
        const size_t middle = ranges.size() / 2;
        const size_t at = code_.size();
        code_.push_back(jump(BPF_JGE, ranges[middle].first, 0, 0));
        const Jump below{at, Branch::kBelow};
        const Jump above{at, Branch::kAbove};
        emit_child(ranges.first(middle), &below);
        emit_child(ranges.subspan(middle), &above);
    }

    void add_leaf(const Treatment& treatment, const Jump* from) {
        auto leaf = std::ranges::find_if(
            leaves_, [&](const Leaf& known) { return *known.treatment == treatment; });
        if (leaf == leaves_.end()) {
            leaf = leaves_.insert(leaf, {&treatment, {}});
        }
        if (from != nullptr) {
            leaf->jumps.push_back(*from);
        }
    }

    void set_target(const Jump& jump, size_t target) {
        const size_t distance = target - jump.at - 1;
        is_too_long_ = is_too_long_ || distance > kLongestJump;
        sock_filter& test = code_[jump.at];
        (jump.branch == Branch::kAbove ? test.jt : test.jf) = static_cast<uint8_t>(distance);
    }

    Program code_;
    std::vector<Leaf> leaves_;
    bool is_too_long_ = false;
};

/// Decides by the number in the accumulator: one tree, or two when one does not fit.
Program emit_tree(std::span<const Range> ranges) {
    if (auto code = SharedTree(ranges).take()) {
        return std::move(*code);
    }
    const size_t middle = ranges.size() / 2;
    const Program below = emit_tree(ranges.first(middle));
    const Program above = emit_tree(ranges.subspan(middle));
    Program code{jump(BPF_JGE, ranges[middle].first, 0, 1),
                 statement(BPF_JMP | BPF_JA, static_cast<uint32_t>(below.size()))};
    code.insert(code.end(), below.begin(), below.end());
    code.insert(code.end(), above.begin(), above.end());
    return code;
}

Treatments collect(const SeccompFilter& filter, SeccompArchitecture architecture, uint32_t bit) {
    Treatments treatments;
    std::map<uint32_t, bool> settled;
    for (const SeccompRule& rule : filter.rules) {
        for (const std::string& name : rule.names) {
            const auto number = syscall_number(architecture, name);
            if (!number) {
                continue;
            }
            const auto [entry, added] =
                treatments.try_emplace(*number | bit, Treatment{{}, filter.default_action});
            if (!rule.arguments.empty()) {
                entry->second.conditional.push_back(&rule);
            } else if (!settled[*number]) {
                entry->second.otherwise = rule.action;
                settled[*number] = true;
            }
        }
    }
    // Conditions whose result is what happens anyway say nothing.
    for (auto& [number, treatment] : treatments) {
        auto& conditional = treatment.conditional;
        while (!conditional.empty() && conditional.back()->action == treatment.otherwise) {
            conditional.pop_back();
        }
    }
    return treatments;
}

std::vector<Range> make_ranges(const Treatments& treatments, SeccompAction default_action,
                               SeccompAction above_all) {
    std::vector<Range> ranges;
    const auto add = [&](uint32_t first, Treatment treatment) {
        if (!ranges.empty() && ranges.back().first == first) {
            ranges.back().treatment = std::move(treatment);
        } else if (ranges.empty() || !(ranges.back().treatment == treatment)) {
            ranges.push_back({first, std::move(treatment)});
        }
    };
    uint32_t next = 0;
    for (const auto& [number, treatment] : treatments) {
        if (number > next) {
            // Between the tables of x86-64 and x32 there is nothing.
            if (number >= kX32Bit && next < kX32Bit) {
                add(next, {{}, above_all});
                next = kX32Bit;
            }
            add(next, {{}, default_action});
        }
        add(number, treatment);
        next = number + 1;
    }
    add(next, {{}, above_all});
    return ranges;
}

bool lists(const SeccompFilter& filter, SeccompArchitecture architecture) {
    return std::ranges::find(filter.architectures, architecture) != filter.architectures.end();
}

Program emit_numbers(const SeccompFilter& filter, SeccompArchitecture architecture) {
    constexpr SeccompAction kNoSuchCall = SECCOMP_RET_ERRNO | ENOSYS;
    const bool is_errno = (filter.default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
    const SeccompAction above_all = is_errno ? kNoSuchCall : filter.default_action;
    Treatments treatments = collect(filter, architecture, 0);
    const bool has_x32 = lists(filter, SeccompArchitecture::kX32);
    if (architecture == SeccompArchitecture::kX86_64 && has_x32) {
        treatments.merge(collect(filter, SeccompArchitecture::kX32, kX32Bit));
    }
    auto ranges = make_ranges(treatments, filter.default_action, above_all);
    if (architecture == SeccompArchitecture::kX86_64 && !has_x32) {
        // SAFETY: with a default that allows, the x32 number of a denied call would be a way in.
        ranges.push_back({kX32Bit, {{}, kNoSuchCall}});
    }
    return emit_tree(ranges);
}

Result<> check(const SeccompFilter& filter) {
    if (filter.architectures.empty()) {
        return fail(Kind::kInvalid, "seccomp: no architecture");
    }
    if (lists(filter, SeccompArchitecture::kX32) && !lists(filter, SeccompArchitecture::kX86_64)) {
        return fail(Kind::kInvalid, "seccomp: x32 without x86-64");
    }
    for (const SeccompRule& rule : filter.rules) {
        if (rule.arguments.size() > 6) {
            return fail(Kind::kInvalid, "seccomp: more than six conditions in one rule");
        }
        for (const SeccompArgument& argument : rule.arguments) {
            if (argument.index > 5) {
                return fail(Kind::kInvalid, "seccomp: a system call has six arguments");
            }
        }
    }
    return {};
}

}  // namespace

std::optional<uint32_t> syscall_number(SeccompArchitecture architecture, std::string_view name) {
    const auto table = table_of(architecture);
    const auto entry = std::ranges::lower_bound(table, name, {}, &SyscallNumber::name);
    if (entry != table.end() && entry->name == name) {
        return entry->number;
    }
    return architecture == SeccompArchitecture::kX32
               ? syscall_number(SeccompArchitecture::kX86_64, name)
               : std::nullopt;
}

Result<std::vector<sock_filter>> compile_seccomp(const SeccompFilter& filter) {
    GT_TRY(check(filter));
    Program program{statement(BPF_LD | BPF_W | BPF_ABS, kArchOffset)};
    const auto add_architecture = [&](SeccompArchitecture architecture, uint32_t audit) {
        const Program numbers = emit_numbers(filter, architecture);
        program.push_back(jump(BPF_JEQ, audit, 1, 0));
        program.push_back(statement(BPF_JMP | BPF_JA, static_cast<uint32_t>(numbers.size() + 1)));
        program.push_back(statement(BPF_LD | BPF_W | BPF_ABS, kNumberOffset));
        program.insert(program.end(), numbers.begin(), numbers.end());
    };
    if (lists(filter, SeccompArchitecture::kX86_64)) {
        add_architecture(SeccompArchitecture::kX86_64, AUDIT_ARCH_X86_64);
    }
    if (lists(filter, SeccompArchitecture::kX86)) {
        add_architecture(SeccompArchitecture::kX86, AUDIT_ARCH_I386);
    }
    program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    if (program.size() > BPF_MAXINSNS) {
        return fail(Kind::kInvalid, "seccomp: the profile is too large for the kernel");
    }
    return program;
}

std::string_view seccomp_bytes(const std::vector<sock_filter>& program) {
    // SAFETY: sock_filter is a plain struct of eight bytes without padding.
    return {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)};
}

}  // namespace gantry::sys
