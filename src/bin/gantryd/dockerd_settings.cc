#include "bin/gantryd/dockerd_settings.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "cli/flags/flag_types.h"

namespace gantry::daemon {
namespace {

using cli::flag_type::kBool;
using cli::flag_type::kList;
using cli::flag_type::kString;

constexpr DockerdSetting make(std::string_view flag, std::string_view key,
                              const cli::FlagType& type, std::string_view accepted = {}) {
    return {.flag = {.name = flag, .type = &type, .visibility = cli::Flag::Visibility::kHidden},
            .key = key,
            .accepted = accepted};
}

constexpr DockerdSetting make(std::string_view name, const cli::FlagType& type,
                              std::string_view accepted = {}) {
    return make(name, name, type, accepted);
}

constexpr DockerdSetting kSettings[] = {
    make("allow-direct-routing", kBool),
    make("authorization-plugin", "authorization-plugins", kList),
    make("bip6", kString),
    make("bridge-accept-fwmark", kString),
    make("builder", kString),
    make("containerd", kString),
    make("containerd-namespace", kString),
    make("containerd-plugins-namespace", kString),
    make("cpu-rt-period", kString, "0"),
    make("cpu-rt-runtime", kString, "0"),
    make("cri-containerd", kBool, "false"),
    make("default-address-pool", "default-address-pools", kList),
    make("default-gateway", kString),
    make("default-gateway-v6", kString),
    make("default-network-opt", "default-network-opts", kList),
    make("experimental", kBool, "false"),
    make("firewall-backend", kString, "nftables"),
    make("fixed-cidr", kString),
    make("fixed-cidr-v6", kString),
    make("http-proxy", kString),
    make("https-proxy", kString),
    make("icc", kBool, "true"),
    make("insecure-registry", "insecure-registries", kList),
    make("ip-forward", kBool, "true"),
    make("ip-forward-no-drop", kBool),
    make("ip-masq", kBool, "true"),
    make("ip6tables", kBool, "true|false"),  // there is no IPv6 to filter
    make("iptables", kBool, "true"),
    make("ipv6", kBool, "false"),
    make("max-concurrent-downloads", kString),
    make("max-concurrent-uploads", kString),
    make("max-download-attempts", kString),
    make("metrics-addr", kString),
    make("min-api-version", kString, "1.24"),
    make("network-control-plane-mtu", kString),
    make("no-proxy", kString),
    make("node-generic-resource", "node-generic-resources", kList),
    make("proxies", kList),
    make("raw-logs", kBool, "true|false"),  // the log has full times and no colours
    make("registry-mirror", "registry-mirrors", kList),
    make("rootless", kBool, "false"),
    make("selinux-enabled", kBool, "false"),
    make("swarm-default-advertise-addr", kString),
    make("tls", kBool, "false"),
    make("tlscacert", kString),
    make("tlscert", kString),
    make("tlskey", kString),
    make("tlsverify", kBool, "false"),
    // The kernel takes the host's own connections to published ports, too.
    make("userland-proxy", kBool, "true|false"),
    make("userland-proxy-path", kString),
};

bool is_accepted(const DockerdSetting& setting, std::string_view value) {
    if (value.empty()) {
        return true;
    }
    std::string_view plain = value;
    if (setting.flag.type == &kBool) {
        const auto on = cli::parse_go_bool(value);
        plain = !on ? "" : *on ? "true" : "false";
    }
    const auto words = split(setting.accepted, '|');
    return !plain.empty() && std::ranges::find(words, plain) != words.end();
}

}  // namespace

std::span<const DockerdSetting> dockerd_settings() {
    return kSettings;
}

Result<> check_dockerd_setting(const DockerdSetting& setting, std::string_view name,
                               std::span<const std::string> values) {
    for (const std::string& value : values) {
        if (!is_accepted(setting, value)) {
            return fail(Kind::kInvalid,
                        fmt::format("Gantry does not support {} yet{}", name,
                                    setting.accepted.empty()
                                        ? std::string()
                                        : fmt::format(", other than {}", setting.accepted)));
        }
    }
    return {};
}

Result<> set_features(Options& options, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
        const auto [name, text, given] = cut(value, '=');
        // COMPAT: a name alone turns it on.
        const auto on = given ? cli::parse_go_bool(text) : std::optional(true);
        if (!on) {
            return fail(Kind::kInvalid, fmt::format("\"{}\" is not name=true or false", value));
        }
        if (name == "cdi") {
            if (!*on) {
                options.cdi_spec_dirs.clear();
            }
            continue;
        }
        // Which builder a client takes without being told: there is none here.
        const bool as_here = name == "buildkit" || (name == "containerd-snapshotter" && !*on);
        if (!as_here) {
            return fail(Kind::kInvalid,
                        fmt::format("Gantry does not support the feature {}={} yet", name, *on));
        }
    }
    return {};
}

}  // namespace gantry::daemon
