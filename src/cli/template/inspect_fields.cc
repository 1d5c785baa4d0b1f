#include "cli/template/inspect_fields.h"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

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

/// Fields whose objects are maps in Docker's types; other objects are structs.
bool docker_is_map(std::string_view field) {
    constexpr std::array<std::string_view, 14> kMaps = {
        "Annotations",  "Data",  "DriverOpts", "ExposedPorts", "Labels", "Networks", "Options",
        "PortBindings", "Ports", "StorageOpt", "Sysctls",      "Tmpfs",  "Volumes",  "Containers"};
    return std::ranges::find(kMaps, field) != kMaps.end();
}

/// The zero values of fields that an object leaves out, found by the place of their object.
class AbsentFields {
public:
    AbsentFields(std::span<const Optional> optional, const spec::Value& object) {
        for (const auto& [path, zero] : optional) {
            const auto [first, second, nested] = cut(path, '.');
            const spec::Value* parent = nested ? object.find(first) : &object;
            if (auto value = spec::Value::parse(zero); value && parent != nullptr) {
                fields_.push_back({parent, nested ? second : first, std::move(*value)});
            }
        }
    }

    const spec::Value* find(const spec::Value& object, std::string_view name) const {
        for (const Field& field : fields_) {
            if (field.parent == &object && field.name == name) {
                return &field.zero;
            }
        }
        return nullptr;
    }

private:
    struct Field {
        const spec::Value* parent;
        std::string_view name;
        spec::Value zero;
    };
    std::vector<Field> fields_;
};

}  // namespace

TemplateOptions InspectFields::options_for(const spec::Value& object) const {
    TemplateOptions options;
    options.fields = TemplateOptions::Fields::kGoNames;
    options.null_text = docker_null_text;
    options.is_map = docker_is_map;
    options.absent = [fields = std::make_shared<const AbsentFields>(optional, object)](
                         const spec::Value& parent, std::string_view name) {
        return fields->find(parent, name);
    };
    return options;
}

constexpr InspectFields kContainerFields = {kContainerOptional};
constexpr InspectFields kImageFields = {kImageOptional};
constexpr InspectFields kPlainFields = {{}};

}  // namespace gantry::cli
