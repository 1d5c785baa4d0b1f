#include "sys/device_rule.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <string>
#include <vector>

namespace gantry::sys {
namespace {

TEST(DeviceRule, IsWrittenAsTheKernelReadsIt) {
    std::vector<std::string> lines;
    for (const DeviceRule& rule : default_device_rules()) {
        lines.push_back(format_device_rule(rule));
    }
    EXPECT_EQ(lines, (std::vector<std::string>{"a", "c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm",
                                               "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm",
                                               "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm"}));
    EXPECT_EQ(parse_device_access("mr"), DeviceRule::kMknod | DeviceRule::kRead);
    EXPECT_FALSE(parse_device_access("rx"));
}

/// Runs a program as the kernel would, for the few instructions that the compiler uses.
bool allows(const std::vector<bpf_insn>& program, DeviceRule::Type type, uint32_t major,
            uint32_t minor, uint8_t access) {
    const uint32_t kind =
        type == DeviceRule::Type::kChar ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK;
    const uint32_t context[3] = {kind | static_cast<uint32_t>(access) << 16, major, minor};
    uint64_t reg[11] = {};
    for (size_t at = 0; at < program.size(); ++at) {
        const bpf_insn& insn = program[at];
        uint64_t& target = reg[insn.dst_reg];
        const auto immediate = static_cast<uint64_t>(insn.imm);
        switch (insn.code) {
            case BPF_LDX | BPF_MEM | BPF_W: target = context[insn.off / 4]; break;
            case BPF_ALU64 | BPF_MOV | BPF_X: target = reg[insn.src_reg]; break;
            case BPF_ALU64 | BPF_MOV | BPF_K: target = immediate; break;
            case BPF_ALU64 | BPF_AND | BPF_K: target &= immediate; break;
            case BPF_ALU64 | BPF_RSH | BPF_K: target >>= immediate; break;
            case BPF_JMP | BPF_JNE | BPF_K:
                at += target != immediate ? static_cast<size_t>(insn.off) : 0;
                break;
            case BPF_JMP | BPF_JEQ | BPF_K:
                at += target == immediate ? static_cast<size_t>(insn.off) : 0;
                break;
            case BPF_JMP | BPF_EXIT: return reg[0] != 0;
            default: ADD_FAILURE() << "unknown instruction " << int{insn.code}; return false;
        }
    }
    ADD_FAILURE() << "the program runs off its end";
    return false;
}

TEST(DeviceRule, CompiledPolicyDecidesLikeTheRules) {
    using Type = DeviceRule::Type;
    const auto program = compile_device_rules(default_device_rules());
    EXPECT_TRUE(allows(program, Type::kChar, 1, 3, DeviceRule::kRead | DeviceRule::kWrite));
    EXPECT_TRUE(allows(program, Type::kChar, 136, 99, DeviceRule::kAnyAccess));
    EXPECT_TRUE(allows(program, Type::kBlock, 254, 0, DeviceRule::kMknod));
    EXPECT_FALSE(allows(program, Type::kBlock, 254, 0, DeviceRule::kRead));
    EXPECT_FALSE(allows(program, Type::kBlock, 254, 0, DeviceRule::kMknod | DeviceRule::kRead));
    EXPECT_FALSE(allows(program, Type::kChar, 1, 1, DeviceRule::kWrite));
    EXPECT_FALSE(allows(program, Type::kBlock, 1, 3, DeviceRule::kRead))
        << "null is no block device";
}

TEST(DeviceRule, LaterRulesWin) {
    using Type = DeviceRule::Type;
    using Action = DeviceRule::Action;
    std::vector<DeviceRule> rules{
        {Action::kAllow, Type::kAll, {}, {}, DeviceRule::kAnyAccess},
        {Action::kDeny, Type::kBlock, 8, {}, DeviceRule::kWrite},
    };
    auto program = compile_device_rules(rules);
    EXPECT_TRUE(allows(program, Type::kBlock, 8, 1, DeviceRule::kRead));
    EXPECT_FALSE(allows(program, Type::kBlock, 8, 1, DeviceRule::kWrite));
    EXPECT_FALSE(allows(program, Type::kBlock, 8, 1, DeviceRule::kRead | DeviceRule::kWrite));
    EXPECT_TRUE(allows(program, Type::kBlock, 9, 1, DeviceRule::kAnyAccess));
    rules.push_back({Action::kAllow, Type::kBlock, 8, 1, DeviceRule::kAnyAccess});
    program = compile_device_rules(rules);
    EXPECT_TRUE(allows(program, Type::kBlock, 8, 1, DeviceRule::kWrite));
    EXPECT_FALSE(allows(compile_device_rules({}), Type::kChar, 1, 3, DeviceRule::kRead));
}

}  // namespace
}  // namespace gantry::sys
