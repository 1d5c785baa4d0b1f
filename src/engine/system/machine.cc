#include "engine/system/machine.h"

#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "base/text.h"
#include "sys/files.h"

namespace gantry::engine {
namespace {

constexpr size_t kFileLimit = 64 * 1024;

std::string go_architecture(std::string_view machine) {
    if (machine == "x86_64") {
        return "amd64";
    }
    if (machine == "aarch64") {
        return "arm64";
    }
    return std::string(machine);
}

}  // namespace

std::string os_release_value(std::string_view text, std::string_view key) {
    for (const std::string_view line : split(text, '\n')) {
        const auto [name, value, found] = cut(line, '=');
        if (!found || name != key) {
            continue;
        }
        const std::string_view bare = trim(value);
        const bool quoted =
            bare.size() >= 2 && (bare[0] == '"' || bare[0] == '\'') && bare.back() == bare[0];
        return std::string(quoted ? bare.substr(1, bare.size() - 2) : bare);
    }
    return {};
}

Machine read_machine() {
    Machine machine;
    utsname names{};
    if (::uname(&names) == 0) {
        machine.hostname = names.nodename;
        machine.kernel_version = names.release;
        machine.architecture = names.machine;
        machine.go_architecture = go_architecture(names.machine);
    }
    const auto release = sys::read_file("/etc/os-release", kFileLimit);
    if (release) {
        machine.operating_system = os_release_value(*release, "PRETTY_NAME");
        machine.os_version = os_release_value(*release, "VERSION_ID");
    }
    cpu_set_t cpus;
    if (::sched_getaffinity(0, sizeof cpus, &cpus) == 0) {
        machine.cpus = CPU_COUNT(&cpus);
    }
    struct sysinfo memory{};
    if (::sysinfo(&memory) == 0) {
        machine.memory_bytes = static_cast<int64_t>(memory.totalram) * memory.mem_unit;
    }
    const auto forwarding = sys::read_file("/proc/sys/net/ipv4/ip_forward", kFileLimit);
    machine.ipv4_forwarding = forwarding && trim(*forwarding) == "1";
    return machine;
}

}  // namespace gantry::engine
