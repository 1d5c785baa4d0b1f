#include "bin/gantryd/container_options.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "engine/container/host_check.h"
#include "spec/units.h"
#include "sys/ipv4.h"

namespace gantry::daemon {

namespace {

/// Seconds of a timeout.
constexpr int64_t kLongest = 1 << 30;

}  // namespace

Result<> set_default_ulimits(Options& options, const Values& values) {
    std::vector<spec::Ulimit> limits;
    for (const std::string& text : values) {
        const auto [name, limit, given] = cut(text, '=');
        const auto [soft_text, hard_text, has_hard] = cut(limit, ':');
        const auto soft = parse_int(soft_text);
        const auto hard = has_hard ? parse_int(hard_text) : soft;
        if (!given || !soft || !hard) {
            return fail(Kind::kInvalid, fmt::format("invalid ulimit argument: {}", text));
        }
        limits.push_back({.name = std::string(name), .soft = *soft, .hard = *hard});
    }
    GT_TRY(engine::check_ulimits(limits));
    options.defaults.ulimits = std::move(limits);
    return {};
}

Result<> set_default_shm_size(Options& options, const Values& values) {
    GT_TRY_VAR(size, spec::parse_ram(values.back()));
    if (size <= 0) {
        return fail(Kind::kInvalid, fmt::format("invalid size: '{}'", values.back()));
    }
    options.defaults.shm_size = size;
    return {};
}

Result<> set_default_cgroupns_mode(Options& options, const Values& values) {
    const std::string& mode = values.back();
    if (mode != "private" && mode != "host" && !mode.empty()) {
        return fail(Kind::kInvalid,
                    fmt::format("default cgroup namespace mode ({}) is invalid; use \"host\" or "
                                "\"private\"",
                                mode));
    }
    options.defaults.cgroupns_mode = mode;
    return {};
}

Result<> set_default_ipc_mode(Options& options, const Values& values) {
    const std::string& mode = values.back();
    if (mode != "private" && mode != "shareable") {
        return fail(Kind::kInvalid,
                    fmt::format("default IPC mode setting ({}) is invalid; use \"shareable\" or "
                                "\"private\"",
                                mode));
    }
    options.defaults.ipc_mode = mode;
    return {};
}

Result<> set_default_stop_timeout(Options& options, const Values& values) {
    const auto seconds = parse_int(values.back());
    if (!seconds || *seconds < -1 || *seconds > kLongest) {
        return fail(Kind::kInvalid, fmt::format("\"{}\" is no number of seconds", values.back()));
    }
    options.defaults.stop_timeout = static_cast<int>(*seconds);
    return {};
}

Result<> set_shutdown_timeout(Options& options, const Values& values) {
    const auto seconds = parse_int(values.back());
    if (!seconds || *seconds > kLongest) {
        return fail(Kind::kInvalid, fmt::format("\"{}\" is no number of seconds", values.back()));
    }
    options.shutdown_timeout = static_cast<int>(std::max(*seconds, int64_t{-1}));
    return {};
}

Result<> set_host_gateway_ips(Options& options, const Values& values) {
    for (const std::string& address : values) {
        in6_addr ipv6{};
        if (!sys::parse_ipv4(address) && ::inet_pton(AF_INET6, address.c_str(), &ipv6) != 1) {
            return fail(Kind::kInvalid, fmt::format("\"{}\" is not an IP address", address));
        }
    }
    options.host_gateway_ips = values;
    return {};
}

Result<> set_publish_address(Options& options, const Values& values) {
    if (!sys::parse_ipv4(values.back())) {
        return fail(Kind::kInvalid, fmt::format("\"{}\" is not an IPv4 address", values.back()));
    }
    options.publish_address = values.back();
    return {};
}

Result<> set_exec_options(Options&, const Values& values) {
    for (const std::string& option : values) {
        const auto [name, value, given] = cut(option, '=');
        if (name != "native.cgroupdriver") {
            return fail(Kind::kInvalid, fmt::format("invalid option: \"{}\"", option));
        }
        if (value != "cgroupfs") {
            return fail(Kind::kInvalid,
                        fmt::format("cgroup driver \"{}\": Gantry has only \"cgroupfs\"", value));
        }
    }
    return {};
}

Result<> set_storage_driver(Options&, const Values& values) {
    if (values.back() != "overlay2" && !values.back().empty()) {
        return fail(Kind::kInvalid, fmt::format("storage driver \"{}\": Gantry has only "
                                                "\"overlay2\"",
                                                values.back()));
    }
    return {};
}

Result<> set_storage_options(Options& options, const Values& values) {
    for (const std::string& option : values) {
        const auto [name, value, given] = cut(option, '=');
        if (name == "overlay2.size") {
            GT_TRY_VAR(size, spec::parse_ram(value));
            options.defaults.storage_size = size;
        } else if (name != "overlay2.override_kernel_check") {
            // COMPAT: the one above asks for no check of the kernel's version, and there is none.
            return fail(Kind::kInvalid, fmt::format("overlay2: unknown option {}", option));
        }
    }
    return {};
}

}  // namespace gantry::daemon
