#include "runtime/impl/mount_options.h"

#include <linux/mount.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace gantry::runtime {

namespace {

constexpr uint64_t kRecursivePropagation = MS_REC;

struct Attribute {
    std::string_view name;
    uint64_t set;
    uint64_t clear;
};

constexpr std::array kAttributes = {
    Attribute{"ro", MOUNT_ATTR_RDONLY, 0},
    Attribute{"rw", 0, MOUNT_ATTR_RDONLY},
    Attribute{"nosuid", MOUNT_ATTR_NOSUID, 0},
    Attribute{"suid", 0, MOUNT_ATTR_NOSUID},
    Attribute{"nodev", MOUNT_ATTR_NODEV, 0},
    Attribute{"dev", 0, MOUNT_ATTR_NODEV},
    Attribute{"noexec", MOUNT_ATTR_NOEXEC, 0},
    Attribute{"exec", 0, MOUNT_ATTR_NOEXEC},
    Attribute{"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    Attribute{"diratime", 0, MOUNT_ATTR_NODIRATIME},
    Attribute{"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    Attribute{"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    Attribute{"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    Attribute{"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    Attribute{"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    Attribute{"atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
};

/// What holds without being said.
constexpr std::array<std::string_view, 8> kDefaults = {"defaults",   "async",        "nomand",
                                                       "nolazytime", "noiversion",   "loud",
                                                       "norelatime", "nostrictatime"};

struct Propagation {
    std::string_view name;
    uint64_t flags;
};

constexpr std::array kPropagations = {
    Propagation{"private", MS_PRIVATE},
    Propagation{"rprivate", MS_PRIVATE | kRecursivePropagation},
    Propagation{"slave", MS_SLAVE},
    Propagation{"rslave", MS_SLAVE | kRecursivePropagation},
    Propagation{"shared", MS_SHARED},
    Propagation{"rshared", MS_SHARED | kRecursivePropagation},
    Propagation{"unbindable", MS_UNBINDABLE},
    Propagation{"runbindable", MS_UNBINDABLE | kRecursivePropagation},
};

bool take_attribute(MountOptions& out, std::string_view option) {
    for (const Attribute& attribute : kAttributes) {
        if (option == attribute.name) {
            out.set = (out.set & ~attribute.clear) | attribute.set;
            out.clear |= attribute.clear;
            // "noatime" clears the whole field first; others undo an earlier opposite.
            if (attribute.clear == 0) {
                out.clear &= ~attribute.set;
            }
            return true;
        }
        if (option.starts_with('r') && option.substr(1) == attribute.name) {
            out.set_all = (out.set_all & ~attribute.clear) | attribute.set;
            out.clear_all |= attribute.clear;
            if (attribute.clear == 0) {
                out.clear_all &= ~attribute.set;
            }
            return true;
        }
    }
    return false;
}

bool take_propagation(MountOptions& out, std::string_view option) {
    for (const Propagation& propagation : kPropagations) {
        if (option == propagation.name) {
            out.propagation = propagation.flags;
            return true;
        }
    }
    return false;
}

}  // namespace

MountOptions parse_mount_options(std::span<const std::string> options) {
    MountOptions out;
    for (const std::string& option : options) {
        if (option == "bind" || option == "rbind") {
            out.bind = true;
            out.recursive = option == "rbind";
        } else if (option == "remount") {
            out.remount = true;
        } else if (option == "idmap" || option == "ridmap") {
            out.idmap = true;
            out.recursive = out.recursive || option == "ridmap";
        } else if (option == "tmpcopyup") {
            out.copy_up = true;
        } else if (std::ranges::find(kDefaults, option) == kDefaults.end() &&
                   !take_attribute(out, option) && !take_propagation(out, option) &&
                   !option.empty()) {
            out.data += (out.data.empty() ? "" : ",") + option;
        }
    }
    return out;
}

}  // namespace gantry::runtime
