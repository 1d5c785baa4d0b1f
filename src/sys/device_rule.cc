#include "sys/device_rule.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/bpf.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "sys/files.h"
#include "sys/syscalls.h"

namespace gantry::sys {
namespace {

using Type = DeviceRule::Type;
using Action = DeviceRule::Action;

bpf_insn instruction(int code, int destination, int source, int offset, int immediate) {
    return {.code = static_cast<__u8>(code),
            .dst_reg = static_cast<__u8>(destination & 15),
            .src_reg = static_cast<__u8>(source & 15),
            .off = static_cast<__s16>(offset),
            .imm = immediate};
}

bpf_insn load_member(int destination, size_t offset) {
    return instruction(BPF_LDX | BPF_MEM | BPF_W, destination, BPF_REG_1, static_cast<int>(offset),
                       0);
}

// Where the program keeps what it is asked about.
constexpr int kType = BPF_REG_2;
constexpr int kAccess = BPF_REG_3;
constexpr int kMajor = BPF_REG_4;
constexpr int kMinor = BPF_REG_5;
constexpr int kScratch = BPF_REG_6;

/// Puts the question into registers. struct bpf_cgroup_dev_ctx has the type in the low half of
/// access_type and the access bits, with the same values as ours, in the high half.
void append_prologue(std::vector<bpf_insn>& program) {
    program.push_back(load_member(kType, offsetof(bpf_cgroup_dev_ctx, access_type)));
    program.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_X, kAccess, kType, 0, 0));
    program.push_back(instruction(BPF_ALU64 | BPF_AND | BPF_K, kType, 0, 0, 0xffff));
    program.push_back(instruction(BPF_ALU64 | BPF_RSH | BPF_K, kAccess, 0, 0, 16));
    program.push_back(load_member(kMajor, offsetof(bpf_cgroup_dev_ctx, major)));
    program.push_back(load_member(kMinor, offsetof(bpf_cgroup_dev_ctx, minor)));
}

void append_return(std::vector<bpf_insn>& program, Action action) {
    const int value = action == Action::kAllow ? 1 : 0;
    program.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, value));
    program.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

/// "If all of this matches, answer; else go on with the next block."
void append_rule(std::vector<bpf_insn>& program, const DeviceRule& rule) {
    std::vector<bpf_insn> block;
    std::vector<size_t> jumps;
    const auto unless_equal = [&](int reg, int value) {
        jumps.push_back(block.size());
        block.push_back(instruction(BPF_JMP | BPF_JNE | BPF_K, reg, 0, 0, value));
    };
    if (rule.type != Type::kAll) {
        unless_equal(kType, rule.type == Type::kChar ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK);
    }
    if (rule.access != DeviceRule::kAnyAccess) {
        block.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_X, kScratch, kAccess, 0, 0));
        if (rule.action == Action::kAllow) {
            // An allowing rule must cover all that is asked for.
            block.push_back(instruction(BPF_ALU64 | BPF_AND | BPF_K, kScratch, 0, 0,
                                        DeviceRule::kAnyAccess & ~rule.access));
            unless_equal(kScratch, 0);
        } else {
            // A denying rule bites as soon as it covers some of it.
            block.push_back(instruction(BPF_ALU64 | BPF_AND | BPF_K, kScratch, 0, 0, rule.access));
            jumps.push_back(block.size());
            block.push_back(instruction(BPF_JMP | BPF_JEQ | BPF_K, kScratch, 0, 0, 0));
        }
    }
    if (rule.major) {
        unless_equal(kMajor, static_cast<int>(*rule.major));
    }
    if (rule.minor) {
        unless_equal(kMinor, static_cast<int>(*rule.minor));
    }
    append_return(block, rule.action);
    for (const size_t jump : jumps) {
        block[jump].off = static_cast<__s16>(block.size() - jump - 1);
    }
    program.insert(program.end(), block.begin(), block.end());
}

bool decides_everything(const DeviceRule& rule) {
    return rule.type == Type::kAll && !rule.major && !rule.minor &&
           rule.access == DeviceRule::kAnyAccess;
}

std::string number_or_star(const std::optional<uint32_t>& number) {
    return number ? fmt::format("{}", *number) : "*";
}

Result<UniqueFd> load_program(const std::vector<bpf_insn>& program) {
    static constexpr char kLicense[] = "Apache-2.0";
    bpf_attr attr{};
    attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attr.insn_cnt = static_cast<__u32>(program.size());
    // SAFETY: the kernel's ABI for pointers in this structure.
    attr.insns = reinterpret_cast<uintptr_t>(program.data());
    attr.license = reinterpret_cast<uintptr_t>(kLicense);
    UniqueFd fd(bpf(BPF_PROG_LOAD, &attr, sizeof attr));
    if (!fd) {
        return fail_errno("load the device policy");
    }
    return fd;
}

/// Ids of the device programs on CGROUP itself.
Result<std::vector<__u32>> attached_programs(int cgroup) {
    std::vector<__u32> ids(64);
    bpf_attr attr{};
    attr.query.target_fd = static_cast<__u32>(cgroup);
    attr.query.attach_type = BPF_CGROUP_DEVICE;
    attr.query.prog_ids = reinterpret_cast<uintptr_t>(ids.data());
    attr.query.prog_cnt = static_cast<__u32>(ids.size());
    if (bpf(BPF_PROG_QUERY, &attr, sizeof attr) < 0) {
        return fail_errno("query the device policy");
    }
    ids.resize(attr.query.prog_cnt);
    return ids;
}

/// A program that went away by itself meanwhile needs no detaching.
Result<> detach_program(int cgroup, __u32 id) {
    bpf_attr by_id{};
    by_id.prog_id = id;
    const UniqueFd program(bpf(BPF_PROG_GET_FD_BY_ID, &by_id, sizeof by_id));
    bpf_attr attr{};
    attr.target_fd = static_cast<__u32>(cgroup);
    attr.attach_bpf_fd = static_cast<__u32>(program.get());
    attr.attach_type = BPF_CGROUP_DEVICE;
    if (program && bpf(BPF_PROG_DETACH, &attr, sizeof attr) < 0 && errno != ENOENT) {
        return fail_errno("detach the old device policy");
    }
    return {};
}

}  // namespace

std::optional<uint8_t> parse_device_access(std::string_view letters) {
    unsigned access = 0;
    for (const char letter : letters) {
        switch (letter) {
            case 'r': access |= DeviceRule::kRead; break;
            case 'w': access |= DeviceRule::kWrite; break;
            case 'm': access |= DeviceRule::kMknod; break;
            default: return {};
        }
    }
    return static_cast<uint8_t>(access);
}

std::string format_device_rule(const DeviceRule& rule) {
    if (rule.type == Type::kAll) {
        return "a";
    }
    std::string access;
    for (const auto& [bit, letter] :
         {std::pair(DeviceRule::kRead, 'r'), std::pair(DeviceRule::kWrite, 'w'),
          std::pair(DeviceRule::kMknod, 'm')}) {
        if ((rule.access & bit) != 0) {
            access += letter;
        }
    }
    return fmt::format("{} {}:{} {}", static_cast<char>(rule.type), number_or_star(rule.major),
                       number_or_star(rule.minor), access);
}

std::vector<DeviceRule> default_device_rules() {
    const auto allow = [](Type type, std::optional<uint32_t> major, std::optional<uint32_t> minor,
                          uint8_t access) {
        return DeviceRule{Action::kAllow, type, major, minor, access};
    };
    constexpr uint8_t kAny = DeviceRule::kAnyAccess;
    return {
        DeviceRule{},  // deny all
        allow(Type::kChar, {}, {}, DeviceRule::kMknod),
        allow(Type::kBlock, {}, {}, DeviceRule::kMknod),
        allow(Type::kChar, 1, 3, kAny),     // null
        allow(Type::kChar, 1, 5, kAny),     // zero
        allow(Type::kChar, 1, 7, kAny),     // full
        allow(Type::kChar, 1, 8, kAny),     // random
        allow(Type::kChar, 1, 9, kAny),     // urandom
        allow(Type::kChar, 5, 0, kAny),     // tty
        allow(Type::kChar, 5, 1, kAny),     // console
        allow(Type::kChar, 5, 2, kAny),     // ptmx
        allow(Type::kChar, 136, {}, kAny),  // pts
    };
}

std::vector<bpf_insn> compile_device_rules(std::span<const DeviceRule> rules) {
    std::vector<bpf_insn> program;
    append_prologue(program);
    // The last rule that matches decides, so ask them from the end.
    for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
        append_rule(program, *rule);
        if (decides_everything(*rule)) {
            return program;  // the verifier refuses code that nothing reaches
        }
    }
    append_return(program, Action::kDeny);
    return program;
}

Result<> attach_device_rules(int cgroup_dir, std::span<const DeviceRule> rules) {
    // BPF wants a real descriptor of the directory, not O_PATH.
    GT_TRY_VAR(cgroup, open_file(cgroup_dir, ".", O_RDONLY | O_DIRECTORY));
    GT_TRY_VAR(program, load_program(compile_device_rules(rules)));
    GT_TRY_VAR(old, attached_programs(cgroup.get()));
    bpf_attr attr{};
    attr.target_fd = static_cast<__u32>(cgroup.get());
    attr.attach_bpf_fd = static_cast<__u32>(program.get());
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    if (bpf(BPF_PROG_ATTACH, &attr, sizeof attr) < 0) {
        return fail_errno("attach the device policy");
    }
    // ORDER: new before old. All attached programs must agree to an access, so meanwhile it is the
    // stricter of both, never an open door.
    for (const __u32 id : old) {
        GT_TRY(detach_program(cgroup.get(), id));
    }
    return {};
}

}  // namespace gantry::sys
