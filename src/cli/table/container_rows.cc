#include "cli/table/container_rows.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <vector>

#include "base/text.h"
#include "cli/quote.h"
#include "cli/table/row_values.h"
#include "cli/timestamp.h"
#include "spec/reference.h"
#include "spec/units.h"

namespace gantry::cli {
namespace {

using spec::Value;

constexpr std::array kColumns = {
    Column{"ID", "CONTAINER ID"},
    Column{"Names", "NAMES"},
    Column{"Image", "IMAGE"},
    Column{"Command", "COMMAND"},
    Column{"CreatedAt", "CREATED AT"},
    Column{"RunningFor", "CREATED"},
    Column{"Ports", "PORTS"},
    Column{"State", "STATE"},
    Column{"Status", "STATUS"},
    Column{"Size", "SIZE"},
    Column{"Labels", "LABELS"},
    Column{"Mounts", "MOUNTS"},
    Column{"LocalVolumes", "LOCAL VOLUMES"},
    Column{"Networks", "NETWORKS"},
    Column{"Platform", "PLATFORM"},
};

constexpr size_t kCommandWidth = 20;
constexpr size_t kMountWidth = 15;

/// Ports that follow each other on one address, on the host and in the container alike.
struct PortGroup {
    std::string ip;
    std::string type;
    unsigned private_first;
    unsigned private_last;
    unsigned public_first;
    unsigned public_last;

    bool takes(const spec::PortSummary& port) const {
        return ip == port.ip && type == port.type && port.private_port == private_last + 1 &&
               (public_first == 0 ? port.public_port == 0 : port.public_port == public_last + 1);
    }
};

std::string format_range(unsigned first, unsigned last) {
    return first == last ? std::to_string(first) : fmt::format("{}-{}", first, last);
}

std::string format_group(const PortGroup& group) {
    const std::string inside = format_range(group.private_first, group.private_last);
    if (group.public_first == 0) {
        return fmt::format("{}/{}", inside, group.type);
    }
    const bool v6 = group.ip.find(':') != std::string::npos;
    return fmt::format("{}{}{}:{}->{}/{}", v6 ? "[" : "", group.ip, v6 ? "]" : "",
                       format_range(group.public_first, group.public_last), inside, group.type);
}

std::string format_names(const spec::ContainerSummary& container, Truncate truncate) {
    std::vector<std::string> names;
    for (const std::string& name : container.names) {
        const std::string plain = name.starts_with('/') ? name.substr(1) : name;
        // "/web/db" is a link's alias; the container's own name has no further slash.
        if (truncate == Truncate::kYes && plain.find('/') == std::string::npos) {
            return plain;
        }
        names.push_back(plain);
    }
    return join(names, ",");
}

std::string format_image(const spec::ContainerSummary& container, Truncate truncate) {
    if (container.image.empty()) {
        return "<no image>";
    }
    if (truncate == Truncate::kNo) {
        return container.image;
    }
    const std::string shortened = shorten_id(container.image_id);
    if (!shortened.empty() && shortened == shorten_id(container.image)) {
        return shortened;
    }
    if (auto reference = spec::parse_reference(container.image);
        reference && reference->digest && !reference->tag.empty()) {
        reference->digest.reset();
        return reference->familiar();
    }
    return container.image;
}

std::string format_mounts(const spec::ContainerSummary& container, Truncate truncate) {
    std::vector<std::string> mounts;
    for (const spec::MountPoint& mount : container.mounts) {
        const std::string& name = mount.name.empty() ? mount.source : mount.name;
        mounts.push_back(truncate == Truncate::kYes ? ellipsis(name, kMountWidth) : name);
    }
    return join(mounts, ",");
}

std::string format_networks(const spec::ContainerSummary& container) {
    std::vector<std::string> names;
    for (const auto& [name, endpoint] : container.network_settings.networks) {
        names.push_back(name);
    }
    return join(names, ",");
}

std::string format_size(const spec::ContainerSummary& container) {
    const std::string own = spec::human_size(static_cast<double>(container.size_rw), 3);
    if (container.size_root_fs <= 0) {
        return own;
    }
    return fmt::format("{} (virtual {})", own,
                       spec::human_size(static_cast<double>(container.size_root_fs), 3));
}

}  // namespace

constexpr ListLayout kContainerLayout = {
    "*formatter.ContainerContext", kColumns,
    "table "
    "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"};
constexpr ListLayout kContainerLayoutWithSize = {
    "*formatter.ContainerContext", kColumns,
    "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"
    "\t{{.Size}}"};

std::string format_ports(std::span<const spec::PortSummary> ports) {
    std::vector<spec::PortSummary> sorted(ports.begin(), ports.end());
    std::ranges::sort(sorted, {}, [](const spec::PortSummary& port) {
        return std::tuple(port.private_port, port.ip, port.public_port, port.type);
    });
    std::vector<PortGroup> groups;
    for (const spec::PortSummary& port : sorted) {
        const auto group = std::ranges::find_if(
            groups, [&](const PortGroup& candidate) { return candidate.takes(port); });
        if (group == groups.end()) {
            groups.push_back({port.ip, port.type, port.private_port, port.private_port,
                              port.public_port, port.public_port});
        } else {
            group->private_last = port.private_port;
            group->public_last = port.public_port;
        }
    }
    std::string out;
    for (const PortGroup& group : groups) {
        out += (out.empty() ? "" : ", ") + format_group(group);
    }
    return out;
}

Row container_row(const spec::ContainerSummary& container, Truncate truncate) {
    const bool shorten = truncate == Truncate::kYes;
    Row row{Value(Value::Object()), labels_value(container.labels)};
    const auto set = [&](std::string_view name, std::string text) {
        row.fields.set(name, Value(std::move(text)));
    };
    set("ID", shorten ? shorten_id(container.id) : container.id);
    set("Names", format_names(container, truncate));
    set("Image", format_image(container, truncate));
    set("Command", quote(shorten ? ellipsis(container.command, kCommandWidth) : container.command));
    set("CreatedAt", format_local_time(container.created));
    set("RunningFor", format_age(container.created));
    set("Ports", format_ports(container.ports));
    set("State", container.state);
    set("Status", container.status);
    set("Size", format_size(container));
    set("Labels", format_labels(container.labels));
    set("Mounts", format_mounts(container, truncate));
    const auto local = std::ranges::count(container.mounts, "local", &spec::MountPoint::driver);
    set("LocalVolumes", std::to_string(local));
    set("Networks", format_networks(container));
    row.fields.set("Platform", Value());
    return row;
}

}  // namespace gantry::cli
