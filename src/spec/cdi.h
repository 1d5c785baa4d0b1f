#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::spec {

// The Container Device Interface (CNCF CDI specification up to 1.0.0): files by which vendors tell
// what a device needs in a container.

struct CdiDeviceNode {
    std::string path;
    /// "" is PATH.
    std::string host_path;
    /// "b", "c", "u", "p"; "" and absent numbers: as on the host.
    std::string type;
    std::optional<int64_t> major;
    std::optional<int64_t> minor;
    std::optional<uint32_t> file_mode;
    /// Of "rwm"; "" is all.
    std::string permissions;
    std::optional<uint32_t> uid;
    std::optional<uint32_t> gid;
};

struct CdiMount {
    std::string host_path;
    std::string container_path;
    std::string type;
    std::vector<std::string> options;
};

struct CdiHook {
    std::string hook_name;
    std::string path;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::optional<int64_t> timeout;
};

struct CdiIntelRdt {
    std::string clos_id;
};

struct CdiEdits {
    std::vector<std::string> env;
    std::vector<CdiDeviceNode> device_nodes;
    std::vector<CdiMount> mounts;
    std::vector<CdiHook> hooks;
    std::vector<uint32_t> additional_gids;
    std::optional<CdiIntelRdt> intel_rdt;
};

struct CdiDevice {
    std::string name;
    CdiEdits edits;
};

struct CdiSpec {
    std::string version;
    /// "vendor.com/class".
    std::string kind;
    std::vector<CdiDevice> devices;
    /// For every container that gets any of the devices.
    CdiEdits edits;
};

enum class CdiFormat { kJson, kYaml };

/// One spec file. kInvalid says what is wrong: the document, the version, the kind, a device's
/// name, an edit without its path.
Result<CdiSpec> parse_cdi_spec(std::string_view text, CdiFormat format);

/// "vendor.com/class=name".
struct CdiName {
    std::string kind;
    std::string device;
};
/// kInvalid `unqualified device "x", missing vendor` and the like.
Result<CdiName> parse_cdi_name(std::string_view text);

}  // namespace gantry::spec
