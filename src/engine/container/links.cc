#include "engine/container/links.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "engine/container/config_merge.h"
#include "engine/container/install.h"
#include "engine/container/join.h"
#include "spec/port.h"
#include "sys/files.h"

namespace gantry::engine {
namespace {

constexpr size_t kMaxHostsFile = 1 << 20;
constexpr mode_t kFileMode = 0644;

/// The two halves of a link: a container's name or id, and the alias.
struct LinkText {
    std::string_view peer;
    std::string_view alias;
};

/// "name", "name:alias", or "/name:/parent/alias" as inspect has it.
Result<LinkText> parse_link(std::string_view text) {
    if (text.empty()) {
        return fail(Kind::kInvalid, "empty string specified for links");
    }
    const auto [peer, alias, given] = cut(text, ':');
    if (alias.find(':') != alias.npos) {
        return fail(Kind::kInvalid, fmt::format("bad format for links: {}", text.substr(0, 256)));
    }
    if (!given) {
        return LinkText{.peer = peer, .alias = peer};
    }
    if (peer.starts_with('/')) {
        return LinkText{.peer = peer.substr(1), .alias = alias.substr(alias.rfind('/') + 1)};
    }
    return LinkText{.peer = peer, .alias = alias};
}

/// A link of a record: always "ID:alias".
LinkText stored_link(std::string_view text) {
    const auto [peer, alias, given] = cut(text, ':');
    return {.peer = peer, .alias = alias};
}

/// Where a container is reached; one that uses another's network, there.
const std::optional<net::Endpoint>& endpoint_of(const Lifecycle& life) {
    return life.endpoint ? life.endpoint : life.shared_endpoint;
}

EntryPtr peer_of(const ContainerTable& table, const LinkText& link) {
    return table.find_id(ContainerId(std::string(link.peer)));
}

/// COMPAT: elsewhere links are kept and mean nothing.
bool is_on_bridge(const ContainerRecord& record) {
    return record.host.network_mode == "bridge" && !record.config.network_disabled;
}

bool is_alias(std::string_view alias) {
    return !alias.empty() && alias.find_first_of(" \t\r\n#/") == alias.npos;
}

/// "alias host" and the peer's name where that is another.
std::string names_of(std::string_view alias, const ContainerSnapshot& peer) {
    std::string names = fmt::format("{} {}", alias, peer.record->config.hostname);
    if (alias != peer.name) {
        names += " " + peer.name;
    }
    return names;
}

/// TCP before UDP, as Docker looks for a peer's first port.
std::vector<spec::Port> ports_of(const ContainerRecord& peer) {
    std::vector<spec::Port> ports;
    for (const std::string& text : peer.config.exposed_ports) {
        const auto parsed = spec::parse_expose(text);
        ports.insert(ports.end(), parsed ? parsed->begin() : ports.end(),
                     parsed ? parsed->end() : ports.end());
    }
    std::ranges::sort(ports, {}, [](const spec::Port& port) {
        return std::pair(port.number, port.protocol != "tcp");
    });
    return ports;
}

std::vector<std::string> variables_of(std::string_view parent, std::string_view alias,
                                      const ContainerSnapshot& peer) {
    std::string prefix = to_upper(alias);
    std::ranges::replace(prefix, '-', '_');
    const std::string address = sys::format_ipv4(endpoint_of(peer.life)->ip);
    const std::vector<spec::Port> ports = ports_of(*peer.record);
    std::vector<std::string> variables;
    const auto url = [&](const spec::Port& port) {
        return fmt::format("{}://{}:{}", port.protocol, address, port.number);
    };
    if (!ports.empty()) {
        variables.push_back(fmt::format("{}_PORT={}", prefix, url(ports.front())));
    }
    for (const spec::Port& port : ports) {
        const std::string name =
            fmt::format("{}_PORT_{}_{}", prefix, port.number, to_upper(port.protocol));
        variables.push_back(fmt::format("{}={}", name, url(port)));
        variables.push_back(fmt::format("{}_ADDR={}", name, address));
        variables.push_back(fmt::format("{}_PORT={}", name, port.number));
        variables.push_back(fmt::format("{}_PROTO={}", name, port.protocol));
    }
    variables.push_back(fmt::format("{}_NAME=/{}/{}", prefix, parent, alias));
    for (const std::string& variable : peer.record->config.env) {
        const auto [name, value, given] = cut(variable, '=');
        if (given && name != "HOME" && name != "PATH") {
            variables.push_back(fmt::format("{}_ENV_{}={}", prefix, name, value));
        }
    }
    return variables;
}

/// TEXT, a hosts file, with ADDRESS in the line of NAMES.
std::string with_address(std::string_view text, std::string_view names, std::string_view address) {
    std::string out;
    for (const std::string_view line : split(text, '\n')) {
        const auto [old, rest, given] = cut(line, '\t');
        out += given && rest == names ? fmt::format("{}\t{}\n", address, names)
                                      : fmt::format("{}\n", line);
    }
    out.pop_back();  // the last line had its end already
    return out;
}

Result<> write_address(const ContainerCore& core, const ContainerId& parent, std::string_view names,
                       std::string_view address) {
    GT_TRY_VAR(dir, sys::open_dir(core.container_dir(parent).c_str()));
    GT_TRY_VAR(text, sys::read_file_at(dir.get(), "hosts", kMaxHostsFile));
    const std::string next = with_address(text, names, address);
    return next == text ? Result<>() : sys::write_file_at(dir.get(), "hosts", next, kFileMode);
}

Result<std::string> resolve_link(const ContainerTable& table, const std::string& text) {
    GT_TRY_VAR(link, parse_link(text));
    if (!is_alias(link.alias)) {
        return fail(Kind::kInvalid, fmt::format("bad format for links: {}", text.substr(0, 256)));
    }
    auto peer = table.find(link.peer);
    if (!peer) {
        // COMPAT: not 404, which clients take for a missing image.
        return fail(Kind::kInvalid, fmt::format("could not get container for {}: {}",
                                                link.peer.substr(0, 256), peer.error().text()));
    }
    if ((*peer)->snapshot()->record->host.network_mode == "host") {
        return fail(Kind::kInvalid,
                    "conflicting options: host type networking can't be used with links. This "
                    "would result in undefined behavior");
    }
    return fmt::format("{}:{}", (*peer)->id().str(), link.alias);
}

}  // namespace

Result<> resolve_links(const ContainerTable& table, ContainerRecord& record) {
    if (record.host.links.empty()) {
        return {};
    }
    if (record.host.network_mode == "host") {
        return fail(Kind::kInvalid,
                    "conflicting options: host type networking can't be used with links. This "
                    "would result in undefined behavior");
    }
    for (std::string& text : record.host.links) {
        GT_TRY_VAR(resolved, resolve_link(table, text));
        text = std::move(resolved);
    }
    return {};
}

std::vector<std::string> shown_links(const ContainerTable& table, const ContainerRecord& record,
                                     std::string_view name) {
    std::vector<std::string> shown;
    for (const std::string& text : record.host.links) {
        const LinkText link = stored_link(text);
        if (const EntryPtr peer = peer_of(table, link)) {
            shown.push_back(fmt::format("/{}:/{}/{}", peer->snapshot()->name, name, link.alias));
        }
    }
    return shown;
}

std::map<ContainerId, std::vector<std::string>> link_names(const ContainerTable& table) {
    std::map<ContainerId, std::vector<std::string>> names;
    for (const EntryPtr& entry : table.all()) {
        const SnapshotPtr parent = entry->snapshot();
        for (const std::string& text : parent->record->host.links) {
            const LinkText link = stored_link(text);
            names[ContainerId(std::string(link.peer))].push_back(
                fmt::format("/{}/{}", parent->name, link.alias));
        }
    }
    return names;
}

Result<std::vector<net::HostEntry>> link_hosts(const ContainerCore& core,
                                               const ContainerSnapshot& snapshot) {
    std::vector<net::HostEntry> lines;
    if (!is_on_bridge(*snapshot.record)) {
        return lines;
    }
    for (const std::string& text : snapshot.record->host.links) {
        const LinkText link = stored_link(text);
        const EntryPtr entry = peer_of(core.table, link);
        if (entry == nullptr) {
            continue;
        }
        const SnapshotPtr peer = entry->snapshot();
        if (!peer->life.alive()) {
            return fail(Kind::kConflict,
                        fmt::format("Cannot link to a non running container: /{} AS /{}/{}",
                                    peer->name, snapshot.name, link.alias));
        }
        if (!endpoint_of(peer->life)) {
            return fail(Kind::kConflict,
                        fmt::format("Cannot link to /{}, as it does not belong to the default "
                                    "network",
                                    peer->name));
        }
        lines.push_back({.address = sys::format_ipv4(endpoint_of(peer->life)->ip),
                         .names = names_of(link.alias, *peer)});
    }
    return lines;
}

ContainerRecord with_link_variables(const ContainerCore& core, const ContainerSnapshot& snapshot) {
    ContainerRecord record = *snapshot.record;
    std::vector<std::string> variables;
    for (const std::string& text : record.host.links) {
        const LinkText link = stored_link(text);
        const EntryPtr entry = peer_of(core.table, link);
        const SnapshotPtr peer = entry == nullptr ? nullptr : entry->snapshot();
        if (peer != nullptr && is_on_bridge(record) && endpoint_of(peer->life)) {
            const auto some = variables_of(snapshot.name, link.alias, *peer);
            variables.insert(variables.end(), some.begin(), some.end());
        }
    }
    record.config.env = replace_env(std::move(variables), record.config.env);
    return record;
}

void tell_linking(const ContainerCore& core, const ContainerEntry& entry) {
    const SnapshotPtr peer = entry.snapshot();
    if (!endpoint_of(peer->life)) {
        return;
    }
    for (const EntryPtr& other : core.table.all()) {
        const SnapshotPtr parent = other->snapshot();
        if (!parent->life.alive()) {
            continue;
        }
        for (const std::string& text : parent->record->host.links) {
            const LinkText link = stored_link(text);
            if (link.peer != entry.id().str()) {
                continue;
            }
            const auto told = write_address(core, other->id(), names_of(link.alias, *peer),
                                            sys::format_ipv4(endpoint_of(peer->life)->ip));
            if (!told) {
                log::warn("cannot tell a container the address of a linked one",
                          {{"container", other->id().str()}, {"error", told.error().text()}});
            }
        }
    }
}

std::vector<ContainerId> linked_containers(const ContainerRecord& record) {
    std::vector<ContainerId> linked;
    for (const std::string& text : record.host.links) {
        linked.emplace_back(std::string(stored_link(text).peer));
    }
    return linked;
}

Result<> remove_link(ContainerCore& core, std::string_view name) {
    const std::string_view path = name.starts_with('/') ? name.substr(1) : name;
    const size_t slash = path.rfind('/');
    if (slash == path.npos) {
        return fail(Kind::kConflict,
                    "Conflict, cannot remove the default link name of the container");
    }
    GT_TRY_VAR(entry, core.table.find(path.substr(0, slash)));
    const std::string_view alias = path.substr(slash + 1);
    const auto operation = entry->begin();
    auto next = std::make_shared<ContainerRecord>(*entry->snapshot()->record);
    const size_t removed = std::erase_if(next->host.links, [&](const std::string& text) {
        return stored_link(text).alias == alias;
    });
    if (removed == 0) {
        return fail(Kind::kNotFound, fmt::format("Cannot get child for link: /{}", path));
    }
    std::vector<std::string> warnings;
    GT_TRY(install_record(core, *entry, operation, std::move(next), LiveMounts::Busy::kRefuse,
                          warnings));
    return {};
}

}  // namespace gantry::engine
