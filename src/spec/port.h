#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::spec {

/// A port of a container. Docker prints it "80/tcp".
struct Port {
    uint16_t number = 0;
    /// "tcp", "udp" or "sctp".
    std::string protocol = "tcp";

    std::string str() const;
    auto operator<=>(const Port&) const = default;
};

/// "80", "80/tcp", "80/UDP". kInvalid "invalid port '99999/tcp': ...".
Result<Port> parse_port(std::string_view text);

struct PortRange {
    uint16_t first = 0;
    uint16_t last = 0;
    uint16_t size_minus_one() const { return static_cast<uint16_t>(last - first); }
};

/// "80" or "8000-8010"; 0 only alone. kInvalid "invalid port range: x",
/// "invalid range specified for port: 10-1".
Result<PortRange> parse_port_range(std::string_view text);

/// "80-90/tcp" of --expose and EXPOSE: every port of it.
Result<std::vector<Port>> parse_expose(std::string_view text);

/// One container port and where it is to appear on the host.
struct PublishSpec {
    Port container_port;
    /// "" for all addresses; without brackets.
    std::string host_ip;
    /// "" for any free port; may be a range for one container port ("8000-8010").
    std::string host_port;
};

/// The value of -p: [[ip:]hostPort:]containerPort[/proto], with ranges on both sides of equal
/// length, or a range of host ports for one container port. One entry for each container port.
/// kInvalid in the CLI's wording ("invalid hostPort: x", "invalid containerPort: x", "invalid range
/// format for --expose: x", "no port specified: x<empty>").
Result<std::vector<PublishSpec>> parse_publish(std::string_view text);

}  // namespace gantry::spec
