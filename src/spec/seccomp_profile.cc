#include "spec/seccomp_profile.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "spec/impl/seccomp_document.h"
#include "spec/json.h"

namespace gantry::spec {
namespace {

using impl::SeccompCondition;
using impl::SeccompDocument;
using impl::SeccompDocumentRule;

/// One machine by its three names: the kernel's, Go's and libseccomp's.
struct Machine {
    std::string_view name;
    std::string_view go;
    std::string_view native;
};
constexpr Machine kMachines[] = {
    {"x86_64", "amd64", "SCMP_ARCH_X86_64"},
    {"aarch64", "arm64", "SCMP_ARCH_AARCH64"},
    {"armv7l", "arm", "SCMP_ARCH_ARM"},
    {"i686", "386", "SCMP_ARCH_X86"},
    {"ppc64le", "ppc64le", "SCMP_ARCH_PPC64LE"},
    {"s390x", "s390x", "SCMP_ARCH_S390X"},
    {"riscv64", "riscv64", "SCMP_ARCH_RISCV64"},
    {"loongarch64", "loong64", "SCMP_ARCH_LOONGARCH64"},
};

constexpr std::string_view kActions[] = {
    "SCMP_ACT_KILL",  "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_TRAP",  "SCMP_ACT_ERRNO",        "SCMP_ACT_TRACE",
    "SCMP_ACT_ALLOW", "SCMP_ACT_LOG",          "SCMP_ACT_NOTIFY"};
constexpr std::string_view kOperators[] = {"SCMP_CMP_NE",       "SCMP_CMP_LT", "SCMP_CMP_LE",
                                           "SCMP_CMP_EQ",       "SCMP_CMP_GE", "SCMP_CMP_GT",
                                           "SCMP_CMP_MASKED_EQ"};

bool contains(const auto& list, std::string_view wanted) {
    return std::ranges::find(list, wanted) != std::end(list);
}

Machine machine_of(std::string_view name) {
    const auto machine = std::ranges::find(kMachines, name, &Machine::name);
    return machine == std::end(kMachines) ? Machine{name, name, {}} : *machine;
}

bool applies(const SeccompDocumentRule& rule, const SeccompContext& context) {
    const std::string_view arch = machine_of(context.machine).go;
    const auto has_cap = [&](const std::string& cap) {
        return contains(context.capabilities, cap);
    };
    const auto reaches = [&](const std::string& version) {
        return context.kernel >= parse_kernel_version(version);
    };
    const SeccompCondition& excludes = rule.excludes;
    const SeccompCondition& includes = rule.includes;
    const bool is_excluded = contains(excludes.arches, arch) ||
                             std::ranges::any_of(excludes.caps, has_cap) ||
                             (!excludes.min_kernel.empty() && reaches(excludes.min_kernel));
    return !is_excluded && (includes.arches.empty() || contains(includes.arches, arch)) &&
           std::ranges::all_of(includes.caps, has_cap) &&
           (includes.min_kernel.empty() || reaches(includes.min_kernel));
}

std::vector<std::string> architectures_of(const SeccompDocument& document,
                                          std::string_view machine) {
    std::vector<std::string> architectures = document.architectures;
    const std::string_view native = machine_of(machine).native;
    for (const impl::SeccompArchEntry& entry : document.arch_map) {
        if (entry.architecture == native) {
            architectures.push_back(entry.architecture);
            architectures.insert(architectures.end(), entry.sub_architectures.begin(),
                                 entry.sub_architectures.end());
            break;
        }
    }
    return architectures;
}

oci::Seccomp resolve(const SeccompDocument& document, const SeccompContext& context) {
    oci::Seccomp profile;
    profile.default_action = document.default_action;
    profile.default_errno_ret = document.default_errno_ret;
    profile.architectures = architectures_of(document, context.machine);
    profile.flags = document.flags;
    profile.listener_path = document.listener_path;
    profile.listener_metadata = document.listener_metadata;
    for (const SeccompDocumentRule& rule : document.syscalls) {
        if (applies(rule, context)) {
            auto names = rule.name.empty() ? rule.names : std::vector{rule.name};
            profile.syscalls.push_back({std::move(names), rule.action, rule.errno_ret, rule.args});
        }
    }
    return profile;
}

Failure invalid(std::string text) {
    return fail(Kind::kInvalid, std::move(text));
}

Result<> check_condition(const SeccompCondition& condition) {
    for (const std::string& cap : condition.caps) {
        if (!cap.starts_with("CAP_")) {
            return invalid(fmt::format("unknown capability in seccomp profile: {}", cap));
        }
    }
    if (!condition.min_kernel.empty() && parse_kernel_version(condition.min_kernel).major == 0) {
        return invalid(fmt::format("invalid kernel version: {}", condition.min_kernel));
    }
    return {};
}

Result<> check_rule(const SeccompDocumentRule& rule) {
    if (!rule.name.empty() && !rule.names.empty()) {
        return invalid(
            "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or "
            "'names'");
    }
    if (!contains(kActions, rule.action)) {
        return invalid(fmt::format("unrecognized action: \"{}\"", rule.action));
    }
    for (const oci::SeccompArg& arg : rule.args) {
        if (!contains(kOperators, arg.op)) {
            return invalid(fmt::format("unrecognized operator: \"{}\"", arg.op));
        }
        if (arg.index > 5) {
            return invalid(fmt::format("invalid syscall argument index: {}", arg.index));
        }
    }
    GT_TRY(check_condition(rule.includes));
    return check_condition(rule.excludes);
}

Result<> check(const SeccompDocument& document) {
    if (!document.architectures.empty() && !document.arch_map.empty()) {
        return invalid(
            "both 'architectures' and 'archMap' are specified in the seccomp profile, use either "
            "'architectures' or 'archMap'");
    }
    if (!contains(kActions, document.default_action)) {
        return invalid(fmt::format("unrecognized action: \"{}\"", document.default_action));
    }
    for (const SeccompDocumentRule& rule : document.syscalls) {
        GT_TRY(check_rule(rule));
    }
    return {};
}

}  // namespace

KernelVersion parse_kernel_version(std::string_view release) {
    const Cut parts = cut(release, '.');
    const auto major = parse_uint(parts.before);
    const size_t digits = std::min(parts.after.find_first_not_of("0123456789"), parts.after.size());
    const auto minor = parse_uint(parts.after.substr(0, digits));
    if (!major || !minor || *major > UINT32_MAX || *minor > UINT32_MAX) {
        return {};
    }
    return {static_cast<uint32_t>(*major), static_cast<uint32_t>(*minor)};
}

oci::Seccomp default_seccomp_profile(const SeccompContext& context) {
    return resolve(impl::default_seccomp_document(), context);
}

Result<oci::Seccomp> parse_seccomp_profile(std::string_view json, const SeccompContext& context) {
    auto document = parse_json<SeccompDocument>(json);
    if (!document) {
        return Failure(std::move(document).error().in("decoding seccomp profile failed"));
    }
    if (auto checked = check(*document); !checked) {
        return Failure(std::move(checked).error().in("loading seccomp profile failed"));
    }
    return resolve(*document, context);
}

}  // namespace gantry::spec
