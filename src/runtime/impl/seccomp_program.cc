#include "runtime/seccomp_program.h"

#include <fmt/core.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "spec/json.h"
#include "spec/oci/seccomp.h"
#include "sys/seccomp.h"

namespace gantry::runtime {

namespace {

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)  // Linux 5.19
#endif

constexpr size_t kMaxRemembered = 32;

Result<sys::SeccompAction> parse_action(const std::string& name,
                                        std::optional<uint32_t> errno_ret) {
    const uint32_t data = errno_ret.value_or(EPERM) & SECCOMP_RET_DATA;
    if (name == "SCMP_ACT_ALLOW") {
        return SECCOMP_RET_ALLOW;
    }
    if (name == "SCMP_ACT_ERRNO") {
        return SECCOMP_RET_ERRNO | data;
    }
    if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD") {
        return SECCOMP_RET_KILL_THREAD;
    }
    if (name == "SCMP_ACT_KILL_PROCESS") {
        return SECCOMP_RET_KILL_PROCESS;
    }
    if (name == "SCMP_ACT_TRAP") {
        return SECCOMP_RET_TRAP;
    }
    if (name == "SCMP_ACT_TRACE") {
        return SECCOMP_RET_TRACE | data;
    }
    if (name == "SCMP_ACT_LOG") {
        return SECCOMP_RET_LOG;
    }
    if (name == "SCMP_ACT_NOTIFY") {
        return SECCOMP_RET_USER_NOTIF;
    }
    return fail(Kind::kNotImplemented, fmt::format("seccomp action {:?} is not supported", name));
}

Result<sys::SeccompArgument> convert_argument(const spec::oci::SeccompArg& argument) {
    constexpr std::array<std::string_view, 7> kOperators = {
        "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",       "SCMP_CMP_EQ",
        "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"};
    for (size_t i = 0; i < kOperators.size(); ++i) {
        if (argument.op == kOperators[i]) {
            return sys::SeccompArgument{argument.index, argument.value, argument.value_two,
                                        static_cast<sys::SeccompOperator>(i)};
        }
    }
    return fail(Kind::kInvalid, fmt::format("unknown seccomp operator {:?}", argument.op));
}

std::vector<sys::SeccompArchitecture> convert_architectures(const std::vector<std::string>& names) {
    std::vector<sys::SeccompArchitecture> architectures;
    for (const std::string& name : names) {
        if (name == "SCMP_ARCH_X86_64") {
            architectures.push_back(sys::SeccompArchitecture::kX86_64);
        } else if (name == "SCMP_ARCH_X86") {
            architectures.push_back(sys::SeccompArchitecture::kX86);
        } else if (name == "SCMP_ARCH_X32") {
            architectures.push_back(sys::SeccompArchitecture::kX32);
        }
        // This kernel never makes calls of the others.
    }
    if (architectures.empty()) {
        architectures.push_back(sys::SeccompArchitecture::kX86_64);
    }
    return architectures;
}

Result<uint32_t> convert_flags(const std::vector<std::string>& names) {
    uint32_t flags = 0;
    for (const std::string& name : names) {
        if (name == "SECCOMP_FILTER_FLAG_LOG") {
            flags |= SECCOMP_FILTER_FLAG_LOG;
        } else if (name == "SECCOMP_FILTER_FLAG_SPEC_ALLOW") {
            flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
        } else if (name == "SECCOMP_FILTER_FLAG_TSYNC") {
            flags |= SECCOMP_FILTER_FLAG_TSYNC;
        } else if (name == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") {
            flags |= SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
        } else {
            return fail(Kind::kNotImplemented,
                        fmt::format("seccomp flag {:?} is not supported", name));
        }
    }
    return flags;
}

bool uses(const spec::oci::Seccomp& profile, std::string_view action) {
    return std::ranges::find(profile.syscalls, action, &spec::oci::SeccompRule::action) !=
           profile.syscalls.end();
}

Result<SeccompProgram> compile(const spec::oci::Seccomp& profile) {
    if (uses(profile, "SCMP_ACT_NOTIFY") && profile.listener_path.empty()) {
        return fail(Kind::kInvalid, "listenerPath must be set when using SCMP_ACT_NOTIFY");
    }
    if (profile.default_action == "SCMP_ACT_NOTIFY") {
        return fail(Kind::kInvalid, "SCMP_ACT_NOTIFY cannot be used as default action");
    }
    sys::SeccompFilter filter;
    GT_TRY_VAR(default_action, parse_action(profile.default_action, profile.default_errno_ret));
    filter.default_action = default_action;
    filter.architectures = convert_architectures(profile.architectures);
    for (const spec::oci::SeccompRule& rule : profile.syscalls) {
        GT_TRY_VAR(action, parse_action(rule.action, rule.errno_ret));
        if (rule.action == "SCMP_ACT_NOTIFY" &&
            std::ranges::find(rule.names, "write") != rule.names.end()) {
            // The set-up itself tells of the listener by write(2).
            return fail(Kind::kInvalid, "SCMP_ACT_NOTIFY cannot be used for the write syscall");
        }
        sys::SeccompRule converted{rule.names, action, {}};
        for (const spec::oci::SeccompArg& argument : rule.args) {
            GT_TRY_VAR(condition, convert_argument(argument));
            converted.arguments.push_back(condition);
        }
        filter.rules.push_back(std::move(converted));
    }
    GT_TRY_VAR(flags, convert_flags(profile.flags));
    if (uses(profile, "SCMP_ACT_NOTIFY")) {
        flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    }
    if ((flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) == 0) {
        flags &= ~uint32_t{SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV};
    }
    GT_TRY_VAR(instructions, sys::compile_seccomp(filter));
    return SeccompProgram{std::string(sys::seccomp_bytes(instructions)), flags};
}

struct Remembered {
    Mutex mutex;
    std::map<std::string, SeccompProgram> programs GT_GUARDED_BY(mutex);
};

Remembered& remembered() {
    static Remembered instance;
    return instance;
}

}  // namespace

Result<SeccompProgram> seccomp_program(const spec::oci::Seccomp* profile) {
    if (profile == nullptr) {
        return SeccompProgram{};
    }
    // The whole text is the key: equal hashes of different profiles would be a hole.
    const std::string key = spec::to_json(*profile);
    Remembered& cache = remembered();
    {
        MutexLock lock(cache.mutex);
        if (const auto found = cache.programs.find(key); found != cache.programs.end()) {
            return found->second;
        }
    }
    GT_TRY_VAR(program, compile(*profile));
    MutexLock lock(cache.mutex);
    if (cache.programs.size() >= kMaxRemembered) {
        cache.programs.clear();
    }
    cache.programs.emplace(key, program);
    return program;
}

}  // namespace gantry::runtime
