#include "runtime/systemd.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <utility>

#include "runtime/impl/dbus.h"

namespace gantry::runtime {

namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";

template <class... Ts>
struct Overload : Ts... {
    using Ts::operator()...;
};

void put_value(DbusWriter& to, const UnitProperty::Value& value) {
    std::visit(
        Overload{
            [&](bool v) { to.put_variant("b", [&] { to.put_bool(v); }); },
            [&](int32_t v) { to.put_variant("i", [&] { to.put_u32(static_cast<uint32_t>(v)); }); },
            [&](uint32_t v) { to.put_variant("u", [&] { to.put_u32(v); }); },
            [&](int64_t v) { to.put_variant("x", [&] { to.put_u64(static_cast<uint64_t>(v)); }); },
            [&](uint64_t v) { to.put_variant("t", [&] { to.put_u64(v); }); },
            [&](const std::string& v) { to.put_variant("s", [&] { to.put_string(v); }); },
            [&](const std::vector<std::string>& v) {
                to.put_variant("as", [&] {
                    to.put_array(4, [&] {
                        for (const std::string& text : v) {
                            to.put_string(text);
                        }
                    });
                });
            },
            [&](const std::vector<uint8_t>& v) {
                to.put_variant("ay", [&] {
                    to.put_array(1, [&] {
                        for (const uint8_t byte : v) {
                            to.put_byte(byte);
                        }
                    });
                });
            },
        },
        value);
}

void put_property(DbusWriter& to, const UnitProperty& property) {
    to.align(8);
    to.put_string(property.name);
    put_value(to, property.value);
}

/// The processes that a scope begins with.
void put_pid(DbusWriter& to, pid_t pid) {
    to.align(8);
    to.put_string("PIDs");
    to.put_variant("au", [&] { to.put_array(4, [&] { to.put_u32(static_cast<uint32_t>(pid)); }); });
}

DbusMessage manager_call(const char* member, const char* signature, const DbusWriter& body) {
    DbusMessage call;
    call.destination = kService;
    call.path = kManagerPath;
    call.interface = kManager;
    call.member = member;
    call.signature = signature;
    call.body = body.bytes();
    return call;
}

/// A unit's object path: what is no letter or digit is written as _xx.
std::string unit_path(const std::string& unit) {
    std::string path = "/org/freedesktop/systemd1/unit/";
    for (size_t i = 0; i < unit.size(); ++i) {
        const auto letter = static_cast<unsigned char>(unit[i]);
        const bool plain = std::isalpha(letter) != 0 || (i > 0 && std::isdigit(letter) != 0);
        path += plain ? std::string(1, unit[i]) : fmt::format("_{:02x}", letter);
    }
    return path;
}

std::string first_string(const DbusMessage& message) {
    return std::string(DbusReader(message.body).string());
}

struct Place {
    std::string path;
    Dbus::Peer peer;
};

std::vector<Place> places() {
    if (geteuid() == 0) {
        return {{"/run/systemd/private", Dbus::Peer::kDirect},
                {"/run/dbus/system_bus_socket", Dbus::Peer::kBus}};
    }
    const char* runtime_dir = std::getenv("XDG_RUNTIME_DIR");
    const std::string dir = runtime_dir != nullptr && runtime_dir[0] == '/'
                                ? std::string(runtime_dir)
                                : fmt::format("/run/user/{}", geteuid());
    return {{dir + "/systemd/private", Dbus::Peer::kDirect}, {dir + "/bus", Dbus::Peer::kBus}};
}

}  // namespace

Systemd::Systemd(std::unique_ptr<Dbus> bus) : bus_(std::move(bus)) {}
Systemd::~Systemd() = default;
Systemd::Systemd(Systemd&&) noexcept = default;
Systemd& Systemd::operator=(Systemd&&) noexcept = default;

Result<Systemd> Systemd::connect() {
    std::string tried;
    for (const Place& place : places()) {
        auto bus = Dbus::connect(place.path, place.peer);
        if (!bus) {
            tried += (tried.empty() ? "" : "; ") + bus.error().text();
            continue;
        }
        Systemd systemd(std::make_unique<Dbus>(std::move(*bus)));
        if (place.peer == Dbus::Peer::kBus) {
            DbusWriter match;
            match.put_string("type='signal',interface='org.freedesktop.systemd1.Manager'");
            DbusMessage call = manager_call("AddMatch", "s", match);
            call.destination = call.interface = "org.freedesktop.DBus";
            call.path = "/org/freedesktop/DBus";
            GT_TRY(systemd.bus_->call(std::move(call)));
        }
        // Who is not subscribed is told of no job.
        GT_TRY(systemd.bus_->call(manager_call("Subscribe", "", {})));
        return systemd;
    }
    return fail(Kind::kUnavailable, fmt::format("systemd does not answer here ({})", tried));
}

Result<> Systemd::await_job(const std::string& job, const std::string& unit) {
    std::string outcome;
    GT_TRY(bus_->wait_signal([&](const DbusMessage& signal) {
        if (signal.member != "JobRemoved" || signal.signature != "uoss") {
            return false;
        }
        DbusReader reader(signal.body);
        (void)reader.u32();
        const bool ours = reader.string() == job;
        (void)reader.string();
        outcome = reader.string();
        return ours && !reader.failed();
    }));
    if (outcome != "done") {
        return fail(Kind::kInternal, fmt::format("systemd: job of {}: {}", unit, outcome));
    }
    return {};
}

Result<std::string> Systemd::control_group(const std::string& unit) {
    DbusWriter body;
    body.put_string("org.freedesktop.systemd1.Scope");
    body.put_string("ControlGroup");
    DbusMessage call = manager_call("Get", "ss", body);
    call.path = unit_path(unit);
    call.interface = "org.freedesktop.DBus.Properties";
    GT_TRY_VAR(answer, bus_->call(std::move(call)));
    DbusReader reader(answer.body);
    const bool text = reader.signature() == "s";
    const std::string group(reader.string());
    if (!text || !group.starts_with('/') || group == "/") {
        return fail(Kind::kInternal, fmt::format("systemd: {} has no cgroup", unit));
    }
    return group;
}

Result<std::string> Systemd::start_scope(const ScopeName& name, const std::string& description,
                                         pid_t pid, const std::vector<UnitProperty>& properties) {
    std::vector<UnitProperty> all = {
        {"Description", description},
        {"Slice", name.slice},
        {"Delegate", true},
        {"DefaultDependencies", false},
        // A controller is on for the scope if it is counted or limited.
        {"MemoryAccounting", true},
        {"CPUAccounting", true},
        {"IOAccounting", true},
        {"TasksAccounting", true},
        // A container that was killed for memory has failed; its name is to be free all the same.
        {"CollectMode", std::string("inactive-or-failed")},
    };
    all.insert(all.end(), properties.begin(), properties.end());
    DbusWriter body;
    body.put_string(name.unit);
    body.put_string("replace");
    body.put_array(8, [&] {
        for (const UnitProperty& property : all) {
            put_property(body, property);
        }
        put_pid(body, pid);
    });
    body.put_array(8, [] {});
    const DbusMessage start = manager_call("StartTransientUnit", "ssa(sv)a(sa(sv))", body);
    auto job = bus_->call(start);
    if (!job && job.error().kind() == Kind::kConflict) {
        DbusWriter unit;
        unit.put_string(name.unit);
        (void)bus_->call(manager_call("ResetFailedUnit", "s", unit));  // the retry tells
        job = bus_->call(start);
    }
    if (!job) {
        return Failure(std::move(job).error().in(fmt::format("systemd: start {}", name.unit)));
    }
    GT_TRY(await_job(first_string(*job), name.unit));
    return control_group(name.unit);
}

Result<> Systemd::set_properties(const std::string& unit,
                                 const std::vector<UnitProperty>& properties) {
    DbusWriter body;
    body.put_string(unit);
    body.put_bool(true);  // until the unit goes, not in files
    body.put_array(8, [&] {
        for (const UnitProperty& property : properties) {
            put_property(body, property);
        }
    });
    auto answer = bus_->call(manager_call("SetUnitProperties", "sba(sv)", body));
    if (!answer) {
        return Failure(std::move(answer).error().in(fmt::format("systemd: change {}", unit)));
    }
    return {};
}

Result<> Systemd::stop(const std::string& unit) {
    DbusWriter body;
    body.put_string(unit);
    body.put_string("replace");
    auto job = bus_->call(manager_call("StopUnit", "ss", body));
    if (!job && job.error().kind() == Kind::kNotFound) {
        return {};
    }
    if (!job) {
        return Failure(std::move(job).error().in(fmt::format("systemd: stop {}", unit)));
    }
    return await_job(first_string(*job), unit);
}

}  // namespace gantry::runtime
