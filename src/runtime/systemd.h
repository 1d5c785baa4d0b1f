#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "sys/cgroup.h"

namespace gantry::runtime {

class Dbus;

/// A property of a unit, with the type that systemd wants for it.
struct UnitProperty {
    using Value = std::variant<bool, int32_t, uint32_t, int64_t, uint64_t, std::string,
                               std::vector<std::string>, std::vector<uint8_t>>;

    std::string name;
    Value value;
};

/// A container's cgroup as systemd sees it.
struct ScopeName {
    std::string slice;  // "machine.slice"
    std::string unit;   // "libpod-ID.scope"
};

/// "SLICE:PREFIX:NAME" (an OCI cgroupsPath) as a scope: "PREFIX-NAME.scope" in SLICE; without
/// TEXT, ID.scope in system.slice, or in user.slice for who is not root. kInvalid for other forms
/// and for names that no unit can have.
Result<ScopeName> parse_scope_name(std::string_view text, const std::string& id, bool root);

/// What LIMITS means to systemd, under cgroup v2: with Delegate=yes the files are ours to write,
/// but systemd writes its own idea of the unit again whenever it is reloaded. What systemd has no
/// property for (devices, hugetlb, throttles) it leaves alone.
std::vector<UnitProperty> limit_properties(const sys::CgroupLimits& limits);

/// "/0-2,5" of a cpuset as the bytes of systemd's bit mask. kInvalid if it is none.
Result<std::vector<uint8_t>> cpu_mask(std::string_view list);

/// The service manager, over D-Bus: its own socket, or the bus where only that is to be had.
/// Blocks until systemd has done what it was asked for, at most half a minute. For one thread.
class Systemd {
public:
    /// The manager of the whole machine for root, else the user's. kUnavailable names where it was
    /// looked for.
    static Result<Systemd> connect();
    ~Systemd();
    Systemd(Systemd&&) noexcept;
    Systemd& operator=(Systemd&&) noexcept;

    /// Makes a scope with the process PID in it and returns its cgroup, "/a.slice/b.scope". A
    /// failed unit of that name gives way; kConflict if there is a live one.
    Result<std::string> start_scope(const ScopeName& name, const std::string& description,
                                    pid_t pid, const std::vector<UnitProperty>& properties);

    /// Changes a running unit.
    Result<> set_properties(const std::string& unit, const std::vector<UnitProperty>& properties);

    /// Stops a unit, and what is left in it ends by systemd's hand. One that is gone is success.
    Result<> stop(const std::string& unit);

private:
    explicit Systemd(std::unique_ptr<Dbus> bus);

    Result<> await_job(const std::string& job, const std::string& unit);
    Result<std::string> control_group(const std::string& unit);

    std::unique_ptr<Dbus> bus_;
};

}  // namespace gantry::runtime
