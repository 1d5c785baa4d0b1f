#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"
#include "engine/container/host_check.h"
#include "spec/seccomp_profile.h"
#include "spec/units.h"

namespace gantry::engine {

namespace {

Result<bool> parse_switch(std::string_view option, std::string_view value, bool given) {
    if (!given || value == "true" || value == "1") {
        return true;
    }
    if (value == "false" || value == "0") {
        return false;
    }
    return fail(Kind::kInvalid, fmt::format("invalid --security-opt 2: \"{}\"", option));
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
    // There is neither AppArmor nor SELinux confinement to be freed from.
    if ((name == "apparmor" && value == "unconfined") || (name == "label" && value == "disable")) {
        return {};
    }
    if (name == "apparmor" || name == "label") {
        return fail(Kind::kNotImplemented,
                    fmt::format("HostConfig.SecurityOpt \"{}\": {} are not supported on this host",
                                option.substr(0, 256),
                                name == "label" ? "SELinux labels" : "AppArmor profiles"));
    }
    if (name == "writable-cgroups") {
        return fail(Kind::kNotImplemented,
                    fmt::format("HostConfig.SecurityOpt \"{}\" is not supported yet",
                                option.substr(0, 256)));
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
            return fail(Kind::kInvalid, fmt::format("invalid {}: unknown capability: \"{}\"", field,
                                                    name.substr(0, 64)));
        }
        list.named |= sys::CapSet{1} << *number;
    }
    return list;
}

Result<> apply_json_file_option(JsonFileOptions& options, const std::string& name,
                                const std::string& value) {
    if (name == "max-size") {
        if (value == "-1") {
            return {};
        }
        const auto size = spec::parse_ram(value);
        if (!size || *size <= 0) {
            return fail(Kind::kInvalid, fmt::format("invalid value for max-size: {}: must be a "
                                                    "positive number",
                                                    value));
        }
        options.max_size = *size;
        return {};
    }
    if (name == "max-file") {
        const auto count = parse_int(value);
        if (!count || *count < 1 || *count > 1000) {
            return fail(Kind::kInvalid, "max-file cannot be less than 1");
        }
        options.max_files = static_cast<uint32_t>(*count);
        return {};
    }
    if (name == "mode" && value == "blocking") {
        return {};
    }
    constexpr std::array<std::string_view, 8> kLater = {
        "compress", "labels", "labels-regex", "env", "env-regex", "tag", "mode", "max-buffer-size"};
    if (std::find(kLater.begin(), kLater.end(), name) != kLater.end()) {
        return fail(
            Kind::kNotImplemented,
            fmt::format("log option \"{}\" of HostConfig.LogConfig is not supported yet", name));
    }
    return fail(Kind::kInvalid,
                fmt::format("unknown log opt '{}' for json-file log driver", name.substr(0, 64)));
}

}  // namespace

Result<SecurityOptions> parse_security_options(const std::vector<std::string>& options) {
    SecurityOptions parsed;
    for (const std::string& option : options) {
        GT_TRY(apply_security_option(parsed, option));
    }
    return parsed;
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

Result<JsonFileOptions> parse_log_options(const spec::LogConfig& log) {
    JsonFileOptions options;
    if (log.type == "none") {
        if (!log.config.empty()) {
            return fail(Kind::kInvalid, fmt::format("unknown log opt '{}' for none log driver",
                                                    log.config.begin()->first.substr(0, 64)));
        }
        return options;
    }
    constexpr std::array<std::string_view, 8> kLater = {
        "local", "syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "gcplogs"};
    if (std::find(kLater.begin(), kLater.end(), log.type) != kLater.end()) {
        return fail(Kind::kNotImplemented,
                    fmt::format("HostConfig.LogConfig.Type \"{}\" is not supported yet", log.type));
    }
    if (!log.type.empty() && log.type != "json-file") {
        return fail(Kind::kInvalid, fmt::format("logger: no log driver named '{}' is registered",
                                                log.type.substr(0, 64)));
    }
    for (const auto& [name, value] : log.config) {
        GT_TRY(apply_json_file_option(options, name, value));
    }
    if (options.max_size == -1 && options.max_files > 1) {
        return fail(Kind::kInvalid, "max-file cannot be set without max-size");
    }
    return options;
}

}  // namespace gantry::engine
