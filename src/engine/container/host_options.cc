#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"
#include "engine/container/host_check.h"
#include "spec/seccomp_profile.h"
#include "spec/units.h"
#include "sys/apparmor.h"

namespace gantry::engine {

namespace {

using namespace std::string_view_literals;

constexpr size_t kMaxProfileName = 1024;

Result<bool> parse_switch(std::string_view option, std::string_view value, bool given) {
    if (!given || value == "true" || value == "1") {
        return true;
    }
    if (value == "false" || value == "0") {
        return false;
    }
    return fail(Kind::kInvalid, fmt::format("invalid --security-opt 2: \"{}\"", option));
}

Failure unsupported(std::string_view option, std::string_view what) {
    return fail(Kind::kNotImplemented,
                fmt::format("HostConfig.SecurityOpt \"{}\": {} are not supported on this host",
                            option.substr(0, 256), what));
}

Result<> set_apparmor(SecurityOptions& options, std::string_view option, std::string_view profile) {
    // Nothing has to be done to free somebody from what the kernel does not have.
    if (profile != "unconfined" && !sys::has_apparmor()) {
        return unsupported(option, "AppArmor profiles");
    }
    // SAFETY: the name goes into one line of a file of the kernel's.
    if (profile.size() > kMaxProfileName || profile.find_first_of("\n\r\0"sv) != profile.npos) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid --security-opt 2: \"{}\"", option.substr(0, 256)));
    }
    options.apparmor_profile = profile;
    return {};
}

Result<> apply_security_option(SecurityOptions& options, std::string_view option) {
    // COMPAT: "name:value" is the notation of Docker before 1.10.
    const char separator = option.find('=') != std::string_view::npos ? '=' : ':';
    const auto [name, value, given] = cut(option, separator);
    if (name == "no-new-privileges") {
        GT_TRY_VAR(on, parse_switch(option, value, given));
        options.no_new_privileges = on;
        return {};
    }
    if (!given) {
        return fail(Kind::kInvalid, fmt::format("invalid --security-opt 1: \"{}\"", option));
    }
    if (name == "seccomp") {
        options.profile.clear();
        if (value == "unconfined") {
            options.seccomp = SecurityOptions::Seccomp::kUnconfined;
        } else if (value == "builtin") {
            options.seccomp = SecurityOptions::Seccomp::kBuiltin;
        } else {
            options.seccomp = SecurityOptions::Seccomp::kProfile;
            options.profile = value;
            GT_TRY(spec::parse_seccomp_profile(value, {}));
        }
        return {};
    }
    if (name == "systempaths" && value == "unconfined") {
        options.unconfined_paths = true;
        return {};
    }
    if (name == "apparmor" && !value.empty()) {
        return set_apparmor(options, option, value);
    }
    // There is no SELinux confinement to be freed from.
    if (name == "label" && value == "disable") {
        return {};
    }
    if (name == "label" && !value.empty()) {
        return unsupported(option, "SELinux labels");
    }
    if (name == "writable-cgroups") {
        GT_TRY_VAR(on, parse_switch(option, value, given));
        options.writable_cgroups = on;
        return {};
    }
    return fail(Kind::kInvalid,
                fmt::format("invalid --security-opt 2: \"{}\"", option.substr(0, 256)));
}

/// A list of capabilities as the user wrote it.
struct CapabilityList {
    bool all = false;
    sys::CapSet named = 0;
};

Result<CapabilityList> parse_capabilities(const std::vector<std::string>& names,
                                          std::string_view field) {
    CapabilityList list;
    for (const std::string& name : names) {
        if (equals_ignoring_case(name, "ALL") || equals_ignoring_case(name, "CAP_ALL")) {
            list.all = true;
            continue;
        }
        const auto number = sys::parse_capability(name);
        if (!number) {
            std::string shown = to_upper(std::string_view(name).substr(0, 64));
            if (!shown.starts_with("CAP_")) {
                shown.insert(0, "CAP_");
            }
            return fail(Kind::kInvalid,
                        fmt::format("invalid {}: unknown capability: \"{}\"", field, shown));
        }
        list.named |= sys::CapSet{1} << *number;
    }
    return list;
}

}  // namespace

Result<SecurityOptions> parse_security_options(const std::vector<std::string>& options) {
    SecurityOptions parsed;
    for (const std::string& option : options) {
        GT_TRY(apply_security_option(parsed, option));
    }
    return parsed;
}

Result<uint64_t> storage_limit(const spec::HostConfig& host) {
    int64_t limit = 0;
    for (const auto& [name, value] : host.storage_opt) {
        if (to_lower(name) != "size") {
            return fail(Kind::kInvalid, fmt::format("unknown option {}", name.substr(0, 64)));
        }
        GT_TRY_VAR(size, spec::parse_ram(value));
        limit = size;
    }
    return static_cast<uint64_t>(limit);
}

Result<sys::CapSet> resolve_capabilities(const spec::HostConfig& host, sys::CapSet available) {
    GT_TRY_VAR(added, parse_capabilities(host.cap_add, "CapAdd"));
    GT_TRY_VAR(dropped, parse_capabilities(host.cap_drop, "CapDrop"));
    if (host.privileged) {
        return available;
    }
    // COMPAT: with both ALLs nothing but the named ones is left; "add ALL, drop X" is all but X;
    // otherwise what is named in both lists stays.
    if (dropped.all) {
        return added.named & available;
    }
    if (added.all) {
        return available & ~dropped.named;
    }
    return ((sys::kDefaultCapabilities & ~dropped.named) | added.named) & available;
}

}  // namespace gantry::engine
