#include "engine/container/revision.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "base/text.h"
#include "spec/json.h"

namespace gantry::engine {

namespace {

/// A list of "what" to its value, so that two of them can be compared.
using Pairs = std::map<std::string, std::string>;

std::string port_text(const std::string& port, const spec::PortBinding& binding) {
    std::string text = binding.host_ip.empty() ? "" : binding.host_ip + ":";
    return fmt::format("{}{}{}{}", text, binding.host_port,
                       binding.host_ip.empty() && binding.host_port.empty() ? "" : ":", port);
}

Pairs ports_of(const spec::HostConfig& host) {
    Pairs pairs;
    for (const auto& [port, bindings] : host.port_bindings) {
        for (const spec::PortBinding& binding :
             bindings.value_or(std::vector<spec::PortBinding>())) {
            pairs[port_text(port, binding)] += "x";
        }
    }
    return pairs;
}

Pairs env_of(const spec::ContainerConfig& config) {
    Pairs pairs;
    for (const std::string& variable : config.env) {
        const auto [name, value, assigned] = cut(variable, '=');
        pairs[std::string(name)] = variable;
    }
    return pairs;
}

Pairs mounts_of(const ContainerRecord& record) {
    Pairs pairs;
    for (const PlannedMount& plan : record.mounts) {
        pairs[plan.target] = format_mounts(std::span(&plan, 1));
    }
    return pairs;
}

/// By alias: the other's id tells people nothing.
Pairs links_of(const spec::HostConfig& host) {
    Pairs pairs;
    for (const std::string& link : host.links) {
        pairs[link.substr(link.rfind(':') + 1)] = link;
    }
    return pairs;
}

/// "+a -b ~c": came, went, has another value. Empty when nothing is different.
std::string difference(const Pairs& before, const Pairs& after) {
    std::vector<std::string> words;
    for (const auto& [name, value] : after) {
        const auto old = before.find(name);
        if (old == before.end()) {
            words.push_back("+" + name);
        } else if (old->second != value) {
            words.push_back("~" + name);
        }
    }
    for (const auto& [name, value] : before) {
        if (!after.contains(name)) {
            words.push_back("-" + name);
        }
    }
    return join(words, " ");
}

bool same_policy(const spec::RestartPolicy& a, const spec::RestartPolicy& b) {
    return a.name == b.name && a.maximum_retry_count == b.maximum_retry_count &&
           a.on_unhealthy == b.on_unhealthy;
}

/// Whether a part of two configs that needs a new process is the same.
bool same_part(Part part, const spec::ContainerConfig& a, const spec::ContainerConfig& b) {
    switch (part) {
        case Part::kEnv: return a.env == b.env;
        case Part::kCmd: return a.cmd == b.cmd;
        case Part::kEntrypoint: return a.entrypoint == b.entrypoint;
        default: return true;
    }
}

bool same_part(Part part, const ContainerRecord& a, const ContainerRecord& b) {
    switch (part) {
        case Part::kResources:
            return spec::to_json(a.host.resources) == spec::to_json(b.host.resources);
        case Part::kRestartPolicy: return same_policy(a.host.restart_policy, b.host.restart_policy);
        case Part::kLabels: return a.config.labels == b.config.labels;
        case Part::kPorts: return ports_of(a.host) == ports_of(b.host);
        case Part::kMounts: return format_mounts(a.mounts) == format_mounts(b.mounts);
        case Part::kLinks: return a.host.links == b.host.links;
        case Part::kEnv:
        case Part::kCmd:
        case Part::kEntrypoint: return same_part(part, a.config, b.config);
    }
    std::unreachable();
}

constexpr std::array kParts = {Part::kResources, Part::kRestartPolicy, Part::kLabels,
                               Part::kEnv,       Part::kCmd,           Part::kEntrypoint,
                               Part::kPorts,     Part::kMounts,        Part::kLinks};

std::string describe_part(Part part, const ContainerRecord& before, const ContainerRecord& after) {
    switch (part) {
        case Part::kLabels: return difference(before.config.labels, after.config.labels);
        case Part::kEnv: return difference(env_of(before.config), env_of(after.config));
        case Part::kPorts: return difference(ports_of(before.host), ports_of(after.host));
        case Part::kMounts: return difference(mounts_of(before), mounts_of(after));
        case Part::kLinks: return difference(links_of(before.host), links_of(after.host));
        default: return {};
    }
}

}  // namespace

std::string_view part_name(Part part) {
    switch (part) {
        case Part::kResources: return "Resources";
        case Part::kRestartPolicy: return "RestartPolicy";
        case Part::kLabels: return "Labels";
        case Part::kEnv: return "Env";
        case Part::kCmd: return "Cmd";
        case Part::kEntrypoint: return "Entrypoint";
        case Part::kPorts: return "Ports";
        case Part::kMounts: return "Mounts";
        case Part::kLinks: return "Links";
    }
    std::unreachable();
}

std::vector<std::string> part_names(const std::vector<Part>& parts) {
    std::vector<std::string> names;
    for (const Part part : parts) {
        names.emplace_back(part_name(part));
    }
    return names;
}

std::vector<Part> changed_parts(const ContainerRecord& before, const ContainerRecord& after) {
    std::vector<Part> parts;
    std::ranges::copy_if(kParts, std::back_inserter(parts),
                         [&](Part part) { return !same_part(part, before, after); });
    return parts;
}

std::vector<std::string> describe_changes(const ContainerRecord& before,
                                          const ContainerRecord& after) {
    std::vector<std::string> texts;
    for (const Part part : changed_parts(before, after)) {
        const std::string detail = describe_part(part, before, after);
        texts.push_back(fmt::format("{}{}{}", part_name(part), detail.empty() ? "" : " ", detail));
    }
    return texts;
}

const spec::ContainerConfig& config_of_run(const ContainerSnapshot& snapshot) {
    return snapshot.life.started_as ? snapshot.life.started_as->config : snapshot.record->config;
}

const std::vector<PlannedMount>& mounts_of_run(const ContainerSnapshot& snapshot) {
    return snapshot.life.started_as ? snapshot.life.started_as->mounts : snapshot.record->mounts;
}

std::vector<Part> waiting_parts(const ContainerSnapshot& snapshot) {
    std::vector<Part> parts;
    if (!snapshot.life.alive() || snapshot.life.started_as == nullptr) {
        return parts;
    }
    for (const Part part : {Part::kEnv, Part::kCmd, Part::kEntrypoint}) {
        if (!same_part(part, config_of_run(snapshot), snapshot.record->config)) {
            parts.push_back(part);
        }
    }
    if (format_mounts(mounts_of_run(snapshot)) != format_mounts(snapshot.record->mounts)) {
        parts.push_back(Part::kMounts);
    }
    return parts;
}

std::shared_ptr<const StartedAs> started_as(const ContainerRecord& record,
                                            const spec::ContainerConfig& config,
                                            const std::vector<PlannedMount>& mounts) {
    const bool same = same_part(Part::kEnv, config, record.config) &&
                      same_part(Part::kCmd, config, record.config) &&
                      same_part(Part::kEntrypoint, config, record.config) &&
                      format_mounts(mounts) == format_mounts(record.mounts);
    return same ? nullptr
                : std::make_shared<const StartedAs>(StartedAs{.config = config, .mounts = mounts});
}

}  // namespace gantry::engine
