#include "engine/container/change.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "engine/container/config_merge.h"
#include "engine/container/host_check.h"
#include "engine/container/join.h"
#include "spec/mount.h"
#include "spec/port.h"

namespace gantry::engine {

namespace {

constexpr size_t kShown = 256;

Failure absent(std::string_view what, std::string_view name) {
    return fail(Kind::kInvalid, fmt::format("the container has no {} \"{}\" that could be removed",
                                            what, name.substr(0, kShown)));
}

Result<> change_env(std::vector<std::string>& env, const spec::ContainerChange& change) {
    for (const std::string& name : change.env_remove) {
        const auto removed = std::erase_if(
            env, [&](const std::string& variable) { return cut(variable, '=').before == name; });
        if (removed == 0) {
            return absent("environment variable", name);
        }
    }
    for (const std::string& variable : change.env) {
        if (!cut(variable, '=').found) {
            return fail(Kind::kInvalid,
                        fmt::format("invalid environment variable: {}: it has no value",
                                    variable.substr(0, kShown)));
        }
    }
    env = replace_env(std::move(env), change.env);
    return {};
}

Result<> change_labels(spec::StringMap& labels, const spec::ContainerChange& change) {
    for (const std::string& name : change.labels_remove) {
        if (labels.erase(name) == 0) {
            return absent("label", name);
        }
    }
    for (const auto& [name, value] : change.labels) {
        if (name.empty()) {
            return fail(Kind::kInvalid, "invalid label: its name is empty");
        }
        labels[name] = value;
    }
    return {};
}

void change_command(spec::ContainerConfig& config, const spec::ContainerChange& change) {
    if (change.cmd) {
        config.cmd = *change.cmd;
        config.args_escaped = false;
    }
    if (change.entrypoint) {
        config.entrypoint = change.entrypoint;
        if (change.entrypoint->empty() ||
            (change.entrypoint->size() == 1 && change.entrypoint->front().empty())) {
            config.entrypoint.reset();
        }
    }
}

Result<std::string> canonical_port(const std::string& text) {
    const auto port = spec::parse_port(text);
    if (!port) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid port specification: \"{}\"", text.substr(0, 64)));
    }
    return port->str();
}

/// The entry of BINDINGS for PORT, however that is written.
spec::PortMap::iterator find_port(spec::PortMap& bindings, const std::string& port) {
    return std::ranges::find_if(bindings, [&](const auto& entry) {
        const auto parsed = spec::parse_port(entry.first);
        return parsed && parsed->str() == port;
    });
}

/// COMPAT: no address means all of IPv4.
std::string_view address_of(const spec::PortBinding& binding) {
    return binding.host_ip.empty() ? "0.0.0.0" : std::string_view(binding.host_ip);
}

bool same_binding(const spec::PortBinding& a, const spec::PortBinding& b) {
    const auto port = [](const spec::PortBinding& binding) {
        return binding.host_port == "0" ? std::string() : binding.host_port;
    };
    return address_of(a) == address_of(b) && port(a) == port(b);
}

std::string binding_text(const spec::PortBinding& binding, const std::string& port) {
    return fmt::format("{}:{}:{}", address_of(binding), binding.host_port, port);
}

Result<> remove_ports(spec::HostConfig& host, const spec::PortMap& removed) {
    for (const auto& [text, bindings] : removed) {
        GT_TRY_VAR(port, canonical_port(text));
        const auto found = find_port(host.port_bindings, port);
        if (found == host.port_bindings.end()) {
            return absent("published port", text);
        }
        for (const spec::PortBinding& binding :
             bindings.value_or(std::vector<spec::PortBinding>())) {
            const auto matches = [&](const auto& other) { return same_binding(binding, other); };
            if (!found->second || std::erase_if(*found->second, matches) == 0) {
                return absent("published port", binding_text(binding, port));
            }
        }
        if (!bindings || bindings->empty() || !found->second || found->second->empty()) {
            host.port_bindings.erase(found);
        }
    }
    return {};
}

Result<> add_ports(spec::HostConfig& host, spec::ContainerConfig& config,
                   const spec::PortMap& added) {
    for (const auto& [text, bindings] : added) {
        GT_TRY_VAR(port, canonical_port(text));
        if (!bindings || bindings->empty()) {
            return fail(Kind::kInvalid, fmt::format("no binding for port {}", port));
        }
        config.exposed_ports.insert(port);
        const auto found = find_port(host.port_bindings, port);
        auto& present =
            found == host.port_bindings.end() ? host.port_bindings[port] : found->second;
        if (!present) {
            present.emplace();
        }
        for (const spec::PortBinding& binding : *bindings) {
            const bool any_port = binding.host_port.empty() || binding.host_port == "0";
            if (!any_port && std::ranges::any_of(*present, [&](const auto& other) {
                    return same_binding(binding, other);
                })) {
                return fail(Kind::kInvalid, fmt::format("port {} is published by the container "
                                                        "already",
                                                        binding_text(binding, port)));
            }
            present->push_back(binding);
        }
    }
    return {};
}

/// Takes what the config itself mounts at TARGET out of it. False if there is nothing.
bool remove_mount(ContainerRecord& record, const std::string& target) {
    spec::HostConfig& host = record.host;
    const auto at_target = [&](std::string_view path) { return spec::clean_path(path) == target; };
    size_t removed = std::erase_if(host.binds, [&](const std::string& bind) {
        const auto parsed = spec::parse_bind(bind);
        return parsed && parsed->destination == target;
    });
    removed += std::erase_if(host.mounts,
                             [&](const spec::Mount& mount) { return at_target(mount.target); });
    removed += std::erase_if(host.tmpfs, [&](const auto& entry) { return at_target(entry.first); });
    removed += std::erase_if(record.config.volumes, at_target);
    return removed > 0;
}

bool mounts_at(const std::vector<PlannedMount>& mounts, std::string_view target) {
    return std::ranges::find(mounts, target, &PlannedMount::target) != mounts.end();
}

Result<> change_mounts(ContainerRecord& record, const spec::ContainerChange& change) {
    std::vector<PlannedMount> left = record.mounts;
    for (const std::string& text : change.mounts_remove) {
        const std::string target = spec::clean_path(text);
        if (!mounts_at(left, target)) {
            return absent("mount", text);
        }
        if (!remove_mount(record, target)) {
            return fail(Kind::kInvalid, fmt::format("the mount \"{}\" comes from another container "
                                                    "(--volumes-from) and cannot be removed alone",
                                                    target));
        }
        std::erase_if(left, [&](const PlannedMount& plan) { return plan.target == target; });
    }
    std::vector<std::string> targets;
    for (const std::string& bind : change.binds_add) {
        GT_TRY_VAR(plan, plan_bind_entry(bind));
        targets.push_back(plan.target);
        record.host.binds.push_back(bind);
    }
    for (const spec::Mount& mount : change.mounts_add) {
        targets.push_back(spec::clean_path(mount.target));
        record.host.mounts.push_back(mount);
    }
    for (const std::string& target : targets) {
        if (mounts_at(left, target)) {
            return fail(Kind::kInvalid, fmt::format("Duplicate mount point: {}", target));
        }
    }
    return {};
}

}  // namespace

Result<> apply_change(ContainerRecord& record, const spec::ContainerChange& change) {
    if (!change.apply.empty() && change.apply != "restart") {
        return fail(Kind::kInvalid, fmt::format("invalid Apply \"{}\": use \"restart\" or nothing",
                                                change.apply.substr(0, kShown)));
    }
    GT_TRY(change_env(record.config.env, change));
    GT_TRY(change_labels(record.config.labels, change));
    change_command(record.config, change);
    GT_TRY(remove_ports(record.host, change.ports_remove));
    GT_TRY(add_ports(record.host, record.config, change.ports_add));
    return change_mounts(record, change);
}

Result<> check_changed_record(const ContainerRecord& record) {
    spec::ContainerConfig asked = record.config;
    const bool joined = joined_container(record.host.network_mode).has_value();
    if (joined || record.host.network_mode == "host" || record.host.uts_mode == "host") {
        // Not what the user asked for: it came with the other's network, or the host's.
        asked.hostname.clear();
        asked.domainname.clear();
    }
    if (joined) {
        asked.exposed_ports.clear();
    }
    GT_TRY(check_config(asked));
    GT_TRY(check_merged_config(record.config));
    return check_host_config(record.host, asked);
}

Result<std::vector<PlannedMount>> plan_changed_mounts(const ContainerRecord& before,
                                                      const ContainerRecord& after) {
    GT_TRY_VAR(own_before, plan_mounts(before.host, before.config.volumes));
    std::vector<PlannedMount> inherited;
    std::ranges::copy_if(before.mounts, std::back_inserter(inherited),
                         [&](const auto& plan) { return !mounts_at(own_before, plan.target); });
    GT_TRY_VAR(plans, plan_mounts(after.host, after.config.volumes, std::move(inherited)));
    GT_TRY_VAR(own_after, plan_mounts(after.host, after.config.volumes));
    for (PlannedMount& plan : plans) {
        const auto now = std::ranges::find(own_after, plan.target, &PlannedMount::target);
        const auto was = std::ranges::find(own_before, plan.target, &PlannedMount::target);
        // The same wish as before: what it was given stays.
        const bool same = now != own_after.end() && was != own_before.end() &&
                          format_mounts(std::span(&*now, 1)) == format_mounts(std::span(&*was, 1));
        const auto given = std::ranges::find(before.mounts, plan.target, &PlannedMount::target);
        if (same && given != before.mounts.end()) {
            plan = *given;
        }
    }
    return plans;
}

}  // namespace gantry::engine
