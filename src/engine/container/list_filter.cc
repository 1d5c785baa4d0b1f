#include "engine/container/list_filter.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "engine/container/health.h"
#include "engine/container/mount_plan.h"
#include "engine/container/record.h"
#include "spec/regexp.h"

namespace gantry::engine {

namespace {

Failure invalid_value(std::string_view key, std::string_view value) {
    return fail(Kind::kInvalid, fmt::format("invalid filter '{}={}'", key, value.substr(0, 256)));
}

Result<> check_words(const spec::Filters& filters, std::string_view key,
                     std::initializer_list<std::string_view> words) {
    for (const std::string& value : filters.values(key)) {
        if (std::find(words.begin(), words.end(), value) == words.end()) {
            return invalid_value(key, value);
        }
    }
    return {};
}

/// "80", "80/udp", "8000-8010/tcp".
Result<std::set<spec::Port>> parse_ports(const spec::Filters& filters, std::string_view key) {
    std::set<spec::Port> ports;
    for (const std::string& value : filters.values(key)) {
        const auto parsed = spec::parse_expose(value);
        if (!parsed) {
            return invalid_value(key, value);
        }
        ports.insert(parsed->begin(), parsed->end());
    }
    return ports;
}

Result<std::set<int>> parse_codes(const spec::Filters& filters) {
    std::set<int> codes;
    for (const std::string& value : filters.values("exited")) {
        const auto code = parse_int(value);
        if (!code || *code < -1 || *code > 255) {
            return invalid_value("exited", value);
        }
        codes.insert(static_cast<int>(*code));
    }
    return codes;
}

bool publishes(const Lifecycle& life, const std::set<spec::Port>& wanted) {
    return std::any_of(life.ports.begin(), life.ports.end(), [&](const net::PublishedPort& port) {
        const spec::Port host{.number = port.host_port,
                              .protocol = net::protocol_name(port.protocol)};
        return wanted.contains(host);
    });
}

}  // namespace

Result<ListFilter> ListFilter::make(const spec::Filters& filters, Names names) {
    GT_TRY(filters.check_keys({"ancestor", "before", "exited", "expose", "health", "id", "is-task",
                               "isolation", "label", "name", "network", "publish", "since",
                               "status", "volume"}));
    GT_TRY(
        check_words(filters, "status",
                    {"created", "running", "paused", "restarting", "removing", "exited", "dead"}));
    GT_TRY(check_words(filters, "health", {"none", "starting", "healthy", "unhealthy"}));
    GT_TRY(filters.bool_value("is-task", false));
    for (const std::string& pattern : filters.values("name")) {
        GT_TRY(spec::Regexp::compile(pattern));
    }
    ListFilter filter;
    GT_TRY_VAR(codes, parse_codes(filters));
    filter.exit_codes_ = std::move(codes);
    GT_TRY_VAR(published, parse_ports(filters, "publish"));
    filter.published_ = std::move(published);
    GT_TRY_VAR(exposed, parse_ports(filters, "expose"));
    filter.exposed_ = std::move(exposed);
    filter.implies_all_ = filters.contains("status") || filters.contains("exited") ||
                          filters.contains("before") || filters.contains("since");
    filter.filters_ = filters;
    filter.names_ = std::move(names);
    return filter;
}

bool ListFilter::matches(const ContainerSnapshot& container) const {
    return matches_identity(container) && matches_state(container) && matches_order(container) &&
           matches_places(container) && matches_ports(container);
}

bool ListFilter::matches_identity(const ContainerSnapshot& container) const {
    const ContainerRecord& record = *container.record;
    // COMPAT: an expression may be written for the name with or without its slash.
    const bool name = filters_.match_regexp("name", "/" + container.name) ||
                      filters_.match_regexp("name", container.name);
    const auto is_task = filters_.bool_value("is-task", false);
    return name && filters_.match_prefix("id", record.id.str()) &&
           filters_.match_labels("label", record.config.labels) &&
           (!filters_.contains("ancestor") || names_.ancestors.contains(record.image)) && is_task &&
           !*is_task;
}

bool ListFilter::matches_state(const ContainerSnapshot& container) const {
    const Lifecycle& life = container.life;
    if (!filters_.match_exact("status", phase_name(life.phase)) ||
        !filters_.match_exact("health", life.health ? health_name(life.health->status) : "none") ||
        !filters_.match_exact("isolation", container.record->host.isolation)) {
        return false;
    }
    return !filters_.contains("exited") ||
           (life.phase == Phase::kExited && exit_codes_.contains(life.exit_code));
}

bool ListFilter::matches_order(const ContainerSnapshot& container) const {
    const WallTime created = container.record->created;
    return (!names_.before || created < names_.before->record->created) &&
           (!names_.since || created > names_.since->record->created);
}

bool ListFilter::matches_places(const ContainerSnapshot& container) const {
    const ContainerRecord& record = *container.record;
    if (filters_.contains("network")) {
        const bool by_id =
            container.life.endpoint &&
            filters_.match_prefix("network", container.life.endpoint->network_id.str());
        if (!by_id && !filters_.match_exact("network", record.host.network_mode)) {
            return false;
        }
    }
    if (filters_.contains("volume")) {
        const auto points = mount_points(record.mounts, names_.volumes);
        return std::any_of(points.begin(), points.end(), [this](const spec::MountPoint& point) {
            return filters_.match_exact("volume", point.destination) ||
                   (!point.name.empty() && filters_.match_exact("volume", point.name)) ||
                   (!point.source.empty() && filters_.match_exact("volume", point.source));
        });
    }
    return true;
}

bool ListFilter::matches_ports(const ContainerSnapshot& container) const {
    if (filters_.contains("publish") && !publishes(container.life, published_)) {
        return false;
    }
    if (!filters_.contains("expose")) {
        return true;
    }
    if (!container.life.alive()) {
        return false;
    }
    const auto& exposed = container.record->config.exposed_ports;
    return std::any_of(exposed.begin(), exposed.end(), [this](const std::string& text) {
        const auto ports = spec::parse_expose(text);
        return ports && std::any_of(ports->begin(), ports->end(), [this](const spec::Port& port) {
                   return exposed_.contains(port);
               });
    });
}

}  // namespace gantry::engine
