#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::spec {
struct HostConfig;
struct MountPoint;
}  // namespace gantry::spec

namespace gantry::engine {

/// One mount that the user asked for, whichever of Docker's three notations said so.
struct PlannedMount {
    enum class Type { kBind, kTmpfs };
    /// What happens when a bind's source is not there: `-v` makes a directory, `--mount` refuses
    /// (I5).
    enum class MissingSource { kRefuse, kMakeDirectory };
    enum class Recursion { kRecursive, kTopOnly };
    /// Shown by inspect under Mounts; HostConfig.Tmpfs is not.
    enum class Listing { kShown, kHidden };

    Type type = Type::kBind;
    std::string source{};
    /// Absolute and clean.
    std::string target{};
    bool read_only = false;
    /// Whether mounts below the source come along, and whether they become read-only too.
    Recursion recursion = Recursion::kRecursive;
    Recursion read_only_recursion = Recursion::kRecursive;
    MissingSource missing_source = MissingSource::kRefuse;
    /// "rprivate", "rslave", ...; "" is the default.
    std::string propagation{};
    /// The mode part of -v as written ("ro,z").
    std::string mode{};
    /// Options of a tmpfs in mount(8)'s notation.
    std::string tmpfs_options{};
    Listing listing = Listing::kShown;
};

/// The mounts of HOST in the order in which they are made: parents before what lies below them.
/// Pure. kInvalid in Docker's words, kNotImplemented for named and anonymous volumes.
Result<std::vector<PlannedMount>> plan_mounts(const spec::HostConfig& host);

/// One entry of HostConfig.Binds.
Result<PlannedMount> plan_bind_entry(std::string_view text);

enum class SourceMaking { kAllow, kRefuse };

/// Looks whether the sources of binds are there (I5): a missing one is kInvalid, or is made if the
/// bind wants that and MAKING allows it.
Result<> check_bind_sources(const spec::HostConfig& host, SourceMaking making);

/// At the start: a bind that wants mounts to travel must have a source where they do. kInternal
/// "path x is mounted on y but it is not a shared mount".
Result<> check_propagations(const spec::HostConfig& host);

/// As inspect and list show them.
std::vector<spec::MountPoint> mount_points(const spec::HostConfig& host);

}  // namespace gantry::engine
