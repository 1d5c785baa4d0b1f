#include "cli/template/inspect_fields.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace gantry::cli {
namespace {

using Optional = InspectFields::Optional;

constexpr std::array kContainerOptional = {
    Optional{"State.Health", "null"},
    Optional{"SizeRw", "null"},
    Optional{"SizeRootFs", "null"},
    Optional{"GraphDriver", "null"},
    Optional{"Storage", "null"},
    Optional{"ImageManifestDescriptor", "null"},
    Optional{"HostConfig.Annotations", "{}"},
    Optional{"HostConfig.Init", "null"},
    Optional{"HostConfig.Mounts", "[]"},
    Optional{"HostConfig.Runtime", "\"\""},
    Optional{"HostConfig.StorageOpt", "{}"},
    Optional{"HostConfig.Sysctls", "{}"},
    Optional{"HostConfig.Tmpfs", "{}"},
    Optional{"Config.ArgsEscaped", "false"},
    Optional{"Config.ExposedPorts", "{}"},
    Optional{"Config.Healthcheck", "null"},
    Optional{"Config.MacAddress", "\"\""},
    Optional{"Config.NetworkDisabled", "false"},
    Optional{"Config.OnBuild", "[]"},
    Optional{"Config.Shell", "[]"},
    Optional{"Config.StopSignal", "\"\""},
    Optional{"Config.StopTimeout", "null"},
};

constexpr std::array kImageOptional = {
    Optional{"Parent", "\"\""},
    Optional{"Comment", "\"\""},
    Optional{"Created", "\"\""},
    Optional{"Author", "\"\""},
    Optional{"DockerVersion", "\"\""},
    Optional{"Variant", "\"\""},
    Optional{"OsVersion", "\"\""},
    Optional{"GraphDriver", "null"},
    Optional{"Descriptor", "null"},
    Optional{"Manifests", "[]"},
    Optional{"Config.ArgsEscaped", "false"},
    Optional{"Config.Cmd", "[]"},
    Optional{"Config.Entrypoint", "[]"},
    Optional{"Config.Env", "[]"},
    Optional{"Config.ExposedPorts", "{}"},
    Optional{"Config.Healthcheck", "null"},
    Optional{"Config.Labels", "{}"},
    Optional{"Config.OnBuild", "[]"},
    Optional{"Config.Shell", "[]"},
    Optional{"Config.StopSignal", "\"\""},
    Optional{"Config.User", "\"\""},
    Optional{"Config.Volumes", "{}"},
    Optional{"Config.WorkingDir", "\"\""},
};

/// Fields that are lists or maps in Docker's types and null in JSON when there are none.
std::string_view docker_null_text(std::string_view field) {
    constexpr std::array<std::string_view, 29> kLists = {"Args",
                                                         "Binds",
                                                         "BlkioDeviceReadBps",
                                                         "BlkioDeviceReadIOps",
                                                         "BlkioDeviceWriteBps",
                                                         "BlkioDeviceWriteIOps",
                                                         "BlkioWeightDevice",
                                                         "CapAdd",
                                                         "CapDrop",
                                                         "Cmd",
                                                         "DeviceCgroupRules",
                                                         "DeviceRequests",
                                                         "Devices",
                                                         "Dns",
                                                         "DnsOptions",
                                                         "DnsSearch",
                                                         "Entrypoint",
                                                         "Env",
                                                         "ExecIDs",
                                                         "ExtraHosts",
                                                         "GroupAdd",
                                                         "Links",
                                                         "Log",
                                                         "MaskedPaths",
                                                         "OnBuild",
                                                         "ReadonlyPaths",
                                                         "SecurityOpt",
                                                         "Ulimits",
                                                         "VolumesFrom"};
    constexpr std::array<std::string_view, 8> kMaps = {"DriverOpts", "Labels",  "PortBindings",
                                                       "Ports",      "Volumes", "ExposedPorts",
                                                       "Options",    "Data"};
    if (std::ranges::find(kLists, field) != kLists.end() || field == "Aliases" ||
        field == "DNSNames") {
        return "[]";
    }
    return std::ranges::find(kMaps, field) != kMaps.end() ? "map[]" : "<nil>";
}

/// The member NAME of an object, to be changed; null if there is none.
spec::Value* member(spec::Value& object, std::string_view name) {
    if (!object.is_object()) {
        return nullptr;
    }
    for (auto& [key, value] : object.as_object()) {
        if (key == name) {
            return &value;
        }
    }
    return nullptr;
}

}  // namespace

void InspectFields::add_absent(spec::Value& object) const {
    for (const auto& [path, zero] : optional) {
        const auto [first, second, nested] = cut(path, '.');
        spec::Value* parent = nested ? member(object, first) : &object;
        const std::string_view name = nested ? second : first;
        if (parent == nullptr || !parent->is_object() || parent->find(name) != nullptr) {
            continue;
        }
        if (auto value = spec::Value::parse(zero)) {
            parent->set(name, std::move(*value));
        }
    }
}

constexpr InspectFields kContainerFields = {kContainerOptional, docker_null_text};
constexpr InspectFields kImageFields = {kImageOptional, docker_null_text};
constexpr InspectFields kPlainFields = {{}, docker_null_text};

}  // namespace gantry::cli
