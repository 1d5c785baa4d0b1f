#pragma once

#include <span>
#include <string>

#include "cli/table/formatter.h"
#include "spec/api/container.h"

namespace gantry::cli {

/// Whether ids, commands and mounts are shortened to fit a table.
enum class Truncate { kYes, kNo };

extern const ListLayout kContainerLayout;
/// The same with the column SIZE.
extern const ListLayout kContainerLayoutWithSize;

Row container_row(const spec::ContainerSummary& container, Truncate truncate);

/// "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 443/tcp"; runs of ports are joined:
/// "0.0.0.0:18100-18101->90-91/tcp" (behaviours J3).
std::string format_ports(std::span<const spec::PortSummary> ports);

}  // namespace gantry::cli
