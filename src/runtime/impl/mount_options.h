#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace gantry::runtime {

/// Mount options of an OCI config, sorted by what the kernel's mount API does with them.
struct MountOptions {
    /// MOUNT_ATTR_* of this mount; `clear` also holds the access-time field when one is set.
    uint64_t set = 0;
    uint64_t clear = 0;
    /// For all mounts below too ("rro", "rnosuid", ...).
    uint64_t set_all = 0;
    uint64_t clear_all = 0;
    /// MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE, with MS_REC; 0 for none.
    uint64_t propagation = 0;
    bool bind = false;
    bool recursive = false;
    bool remount = false;
    /// Owners are shown as the mount's (or else the container's) mappings say.
    bool idmap = false;
    /// A tmpfs begins with what was in the directory.
    bool copy_up = false;
    /// What the file system itself understands: "mode=755,size=65536k".
    std::string data;
};

MountOptions parse_mount_options(std::span<const std::string> options);

}  // namespace gantry::runtime
