#include "engine/container/lifecycle.h"

#include <array>
#include <chrono>
#include <utility>

#include "engine/container/health.h"
#include "engine/container/revision.h"
#include "spec/json.h"
#include "spec/value.h"

namespace gantry::engine {

namespace {

constexpr std::array<std::pair<Phase, std::string_view>, 7> kPhases = {{
    {Phase::kCreated, "created"},
    {Phase::kRunning, "running"},
    {Phase::kPaused, "paused"},
    {Phase::kRestarting, "restarting"},
    {Phase::kRemoving, "removing"},
    {Phase::kExited, "exited"},
    {Phase::kDead, "dead"},
}};

using spec::Value;

int64_t nanoseconds(WallTime time) {
    return time.time_since_epoch().count();
}

Value endpoint_value(const net::Endpoint& endpoint) {
    return Value(Value::Object{
        {"id", endpoint.id.str()},
        {"network_id", endpoint.network_id.str()},
        {"network_name", endpoint.network_name},
        {"container_name", endpoint.container_name},
        {"mac", sys::format_mac(endpoint.mac)},
        {"ip", sys::format_ipv4(endpoint.ip)},
        {"prefix_length", int64_t{endpoint.prefix_length}},
        {"gateway", sys::format_ipv4(endpoint.gateway)},
        {"interface", endpoint.interface},
        {"host_interface", endpoint.host_interface},
    });
}

Value port_value(const net::PublishedPort& port) {
    return Value(Value::Object{
        {"protocol", int64_t{std::to_underlying(port.protocol)}},
        {"container_port", int64_t{port.container_port}},
        {"host_ip", sys::format_ipv4(port.host_ip)},
        {"host_port", int64_t{port.host_port}},
    });
}

/// Reads members of one object; remembers whether any was missing or of another kind.
class Reader {
public:
    explicit Reader(const Value& object) : object_(object) {}

    int64_t number(std::string_view name) {
        const Value* value = object_.find(name);
        if (value == nullptr || !value->is_int()) {
            good_ = false;
            return 0;
        }
        return value->as_int();
    }
    std::string text(std::string_view name) {
        const Value* value = object_.find(name);
        if (value == nullptr || !value->is_string()) {
            good_ = false;
            return {};
        }
        return value->as_string();
    }
    bool flag(std::string_view name) {
        const Value* value = object_.find(name);
        if (value == nullptr || !value->is_bool()) {
            good_ = false;
            return false;
        }
        return value->as_bool();
    }
    net::Ipv4 address(std::string_view name) {
        const auto parsed = sys::parse_ipv4(text(name));
        good_ = good_ && parsed.has_value();
        return parsed.value_or(net::Ipv4{});
    }
    WallTime time(std::string_view name) {
        return WallTime(std::chrono::nanoseconds(number(name)));
    }
    void fail() { good_ = false; }
    bool good() const { return good_; }

private:
    const Value& object_;
    bool good_ = true;
};

std::optional<net::Endpoint> read_endpoint(const Value& value) {
    Reader reader(value);
    net::Endpoint endpoint;
    endpoint.id = EndpointId(reader.text("id"));
    endpoint.network_id = NetworkId(reader.text("network_id"));
    endpoint.network_name = reader.text("network_name");
    endpoint.container_name = reader.text("container_name");
    const auto mac = sys::parse_mac(reader.text("mac"));
    if (!mac) {
        return std::nullopt;
    }
    endpoint.mac = *mac;
    endpoint.ip = reader.address("ip");
    endpoint.prefix_length = static_cast<uint8_t>(reader.number("prefix_length"));
    endpoint.gateway = reader.address("gateway");
    endpoint.interface = reader.text("interface");
    endpoint.host_interface = reader.text("host_interface");
    return reader.good() ? std::optional(endpoint) : std::nullopt;
}

std::optional<net::PublishedPort> read_port(const Value& value) {
    Reader reader(value);
    net::PublishedPort port;
    port.protocol = static_cast<net::PortProtocol>(reader.number("protocol"));
    port.container_port = static_cast<uint16_t>(reader.number("container_port"));
    port.host_ip = reader.address("host_ip");
    port.host_port = static_cast<uint16_t>(reader.number("host_port"));
    return reader.good() ? std::optional(port) : std::nullopt;
}

void read_network(const Value& document, Reader& reader, Lifecycle& life) {
    if (const Value* endpoint = document.find("endpoint")) {
        life.endpoint = read_endpoint(*endpoint);
        if (!life.endpoint) {
            reader.fail();
        }
    }
    if (const Value* endpoint = document.find("shared_endpoint")) {
        life.shared_endpoint = read_endpoint(*endpoint);
        if (!life.shared_endpoint) {
            reader.fail();
        }
    }
    const Value* ports = document.find("ports");
    if (ports == nullptr || !ports->is_array()) {
        reader.fail();
        return;
    }
    for (const Value& value : ports->as_array()) {
        if (const auto port = read_port(value)) {
            life.ports.push_back(*port);
        } else {
            reader.fail();
        }
    }
}

/// Only what outlives the daemon.
Value health_value(const HealthState& health) {
    return Value(Value::Object{
        {"status", int64_t{std::to_underlying(health.status)}},
        {"failing_streak", int64_t{health.failing_streak}},
    });
}

Value touched_value(const std::vector<MountTouch>& touched) {
    Value::Array array;
    for (const MountTouch& touch : touched) {
        array.emplace_back(Value::Object{{"target", touch.target},
                                         {"keep", static_cast<int64_t>(touch.keep)},
                                         {"wanted", static_cast<int64_t>(touch.wanted)}});
    }
    return array;
}

/// What is there only after a change of a running container.
void read_changes(const Value& document, Reader& reader, Lifecycle& life) {
    if (const Value* started = document.find("started_as")) {
        Reader members(*started);
        auto config = spec::parse_json<spec::ContainerConfig>(members.text("config"));
        auto mounts = parse_mounts(members.text("mounts"));
        if (!config || !mounts || !members.good()) {
            reader.fail();
            return;
        }
        life.started_as = std::make_shared<const StartedAs>(
            StartedAs{.config = *std::move(config), .mounts = *std::move(mounts)});
    }
    const Value* touched = document.find("touched_mounts");
    if (touched == nullptr || !touched->is_array()) {
        return;
    }
    for (const Value& value : touched->as_array()) {
        Reader members(value);
        life.touched_mounts.push_back({.target = members.text("target"),
                                       .keep = static_cast<size_t>(members.number("keep")),
                                       .wanted = static_cast<size_t>(members.number("wanted"))});
    }
}

void read_health(const Value& document, Reader& reader, Lifecycle& life) {
    const Value* value = document.find("health");
    if (value == nullptr) {
        return;
    }
    Reader members(*value);
    auto health = std::make_shared<HealthState>();
    const int64_t status = members.number("status");
    health->status = static_cast<HealthStatus>(status);
    health->failing_streak = static_cast<int>(members.number("failing_streak"));
    if (!members.good() || status < 0 || status > std::to_underlying(HealthStatus::kUnhealthy)) {
        reader.fail();
    }
    life.health = std::move(health);
}

}  // namespace

std::string_view phase_name(Phase phase) {
    for (const auto& [value, name] : kPhases) {
        if (value == phase) {
            return name;
        }
    }
    return "";
}

std::optional<Phase> parse_phase(std::string_view name) {
    for (const auto& [value, known] : kPhases) {
        if (known == name) {
            return value;
        }
    }
    return std::nullopt;
}

std::string format_lifecycle(const Lifecycle& life) {
    Value::Array ports;
    for (const net::PublishedPort& port : life.ports) {
        ports.push_back(port_value(port));
    }
    Value document(Value::Object{
        {"phase", phase_name(life.phase)},
        {"pid", int64_t{life.pid}},
        {"exit_code", int64_t{life.exit_code}},
        {"error", life.error},
        {"started_at", nanoseconds(life.started_at)},
        {"finished_at", nanoseconds(life.finished_at)},
        {"oom_killed", life.oom_killed},
        {"manually_stopped", life.manually_stopped},
        {"restart_count", int64_t{life.restart_count}},
        {"ports", std::move(ports)},
    });
    if (life.endpoint) {
        document.set("endpoint", endpoint_value(*life.endpoint));
    }
    if (life.restart_wanted) {
        document.set("restart_wanted", true);
    }
    if (life.health) {
        document.set("health", health_value(*life.health));
    }
    if (life.shared_endpoint) {
        document.set("shared_endpoint", endpoint_value(*life.shared_endpoint));
    }
    if (life.started_as) {
        document.set("started_as",
                     Value::Object{{"config", spec::to_json(life.started_as->config)},
                                   {"mounts", format_mounts(life.started_as->mounts)}});
    }
    if (!life.touched_mounts.empty()) {
        document.set("touched_mounts", touched_value(life.touched_mounts));
    }
    return document.serialize();
}

Result<Lifecycle> parse_lifecycle(std::string_view json) {
    const auto document = Value::parse(json);
    if (!document) {
        return fail(Kind::kDataLoss, "damaged state: " + document.error().text());
    }
    Reader reader(*document);
    Lifecycle life;
    const auto phase = parse_phase(reader.text("phase"));
    life.phase = phase.value_or(Phase::kDead);
    life.pid = static_cast<pid_t>(reader.number("pid"));
    life.exit_code = static_cast<int>(reader.number("exit_code"));
    life.error = reader.text("error");
    life.started_at = reader.time("started_at");
    life.finished_at = reader.time("finished_at");
    life.oom_killed = reader.flag("oom_killed");
    life.manually_stopped = reader.flag("manually_stopped");
    life.restart_count = static_cast<int>(reader.number("restart_count"));
    life.restart_wanted = document->find("restart_wanted") != nullptr;
    read_health(*document, reader, life);
    read_network(*document, reader, life);
    read_changes(*document, reader, life);
    if (!phase || !reader.good()) {
        return fail(Kind::kDataLoss, "damaged state: a member is missing");
    }
    return life;
}

}  // namespace gantry::engine
