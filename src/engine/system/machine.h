#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gantry::engine {

/// What uname(2), /proc and /etc say about this machine. Members that cannot be read are empty or
/// zero: `docker info` must answer on any machine.
struct Machine {
    std::string hostname;
    std::string kernel_version;
    /// "x86_64", and Go's word for it, "amd64".
    std::string architecture;
    std::string go_architecture;
    /// PRETTY_NAME and VERSION_ID of os-release.
    std::string operating_system;
    std::string os_version;
    int64_t cpus = 0;
    int64_t memory_bytes = 0;
    bool ipv4_forwarding = false;
};

Machine read_machine();

/// The value of KEY in a file of the os-release(5) form, without its quotes. Pure.
std::string os_release_value(std::string_view text, std::string_view key);

}  // namespace gantry::engine
