#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

struct bpf_insn;

namespace gantry::sys {

/// One line of a container's device policy (OCI linux.resources.devices).
struct DeviceRule {
    enum class Action { kAllow, kDeny };
    enum class Type : char { kAll = 'a', kChar = 'c', kBlock = 'b' };
    enum Access : uint8_t { kMknod = 1, kRead = 2, kWrite = 4, kAnyAccess = 7 };

    Action action = Action::kDeny;
    Type type = Type::kAll;
    std::optional<uint32_t> major;  // absent: any
    std::optional<uint32_t> minor;
    uint8_t access = kAnyAccess;  // of Access

    bool operator==(const DeviceRule&) const = default;
};

/// Letters of "rwm"; empty on any other.
std::optional<uint8_t> parse_device_access(std::string_view letters);

/// What devices.allow and devices.deny take: "c 1:3 rwm", "b *:* m"; type kAll is "a" (all).
std::string format_device_rule(const DeviceRule& rule);

/// Docker's default policy: deny all, then null, zero, full, random, urandom, tty, console, ptmx,
/// pts and mknod of anything (COMPAT: behaviour G9).
std::vector<DeviceRule> default_device_rules();

/// The program that the kernel runs for each device access in a v2 cgroup: the last rule that
/// matches decides, none means deny. Pure; exposed for tests.
std::vector<bpf_insn> compile_device_rules(std::span<const DeviceRule> rules);

/// Loads the compiled rules and attaches them to a v2 cgroup directory in place of what was there.
Result<> attach_device_rules(int cgroup_dir, std::span<const DeviceRule> rules);

}  // namespace gantry::sys
