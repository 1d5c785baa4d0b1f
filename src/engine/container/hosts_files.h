#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "engine/container/container_settings.h"
#include "engine/container/record.h"
#include "net/dns_files.h"
#include "net/endpoint.h"

namespace gantry::engine {

/// One value of --add-host: "name:address", the address possibly in brackets or "host-gateway".
struct ExtraHost {
    std::string name;
    std::string address;
};
/// kInvalid `bad format for add-host: "x"`, `invalid IP address in add-host: "x"`.
Result<ExtraHost> parse_extra_host(std::string_view text);

/// The hostname that the container sees: its own, or the host's.
std::string effective_hostname(const ContainerRecord& record);

/// Writes hosts, hostname and resolv.conf into CONTAINER_DIR (H1-H4, G10): they are bind-mounted
/// into the container. Made anew at each start. LINKED are the lines of HostConfig.Links.
Result<> write_host_files(const std::string& container_dir, const ContainerRecord& record,
                          const ContainerSettings& settings,
                          const std::optional<net::Endpoint>& endpoint,
                          std::span<const net::HostEntry> linked);

}  // namespace gantry::engine
