#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "volume/volume.h"

namespace gantry::spec {
struct HostConfig;
struct MountPoint;
}  // namespace gantry::spec
namespace gantry::volume {
class Volumes;
}

namespace gantry::engine {

/// One mount that the user or the image asked for, whichever of Docker's notations said so.
struct PlannedMount {
    enum class Type { kBind, kTmpfs, kVolume, kImage };
    /// What happens when a bind's source is not there: `-v` makes a directory, `--mount` refuses
    /// (I5).
    enum class MissingSource { kRefuse, kMakeDirectory };
    enum class Recursion { kRecursive, kTopOnly };
    /// Shown by inspect under Mounts; HostConfig.Tmpfs is not.
    enum class Listing { kShown, kHidden };
    /// Whether an empty volume is filled with what the image has there (I2).
    enum class CopyUp { kNo, kYes };
    /// Whether the user gave the volume a name: one without goes with its container (rm -v).
    enum class Naming { kNamed, kAnonymous };

    Type type = Type::kBind;
    /// A path of the host, the name of a volume as it was asked for ("" for an anonymous one), or
    /// an image.
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
    /// For volumes: which one, as soon as that is known; its name may have changed since.
    volume::VolumeId volume{};
    CopyUp copy_up = CopyUp::kNo;
    Naming naming = Naming::kNamed;
    /// Of a volume or an image, relative.
    std::string subpath{};
    /// For a volume that is made.
    volume::StringMap labels{};
    volume::StringMap driver_options{};
};

/// The mounts of a container in the order in which they are made: parents before what lies below
/// them. What HOST asks for takes the place of what is INHERITED from other containers, and both
/// that of VOLUMES, the Volumes of its Config (I4). Pure. kInvalid in Docker's words, also for
/// a volume driver.
Result<std::vector<PlannedMount>> plan_mounts(const spec::HostConfig& host,
                                              const std::set<std::string>& volumes,
                                              std::vector<PlannedMount> inherited = {});

/// One entry of HostConfig.Binds.
Result<PlannedMount> plan_bind_entry(std::string_view text);

enum class SourceMaking { kAllow, kRefuse };

/// Looks whether the sources of binds are there (I5): a missing one is kInvalid, or is made if the
/// bind wants that and MAKING allows it.
Result<> check_bind_sources(std::span<const PlannedMount> mounts, SourceMaking making);

/// At the start: a bind that wants mounts to travel must have a source where they do. kInternal
/// "path x is mounted on y but it is not a shared mount".
Result<> check_propagations(std::span<const PlannedMount> mounts);

/// As inspect and list show them. VOLUMES knows their present names; null shows them as planned.
std::vector<spec::MountPoint> mount_points(std::span<const PlannedMount> mounts,
                                           const volume::Volumes* volumes);

/// HOST with the present names of its volumes: those that were renamed since.
spec::HostConfig with_present_names(spec::HostConfig host, std::span<const PlannedMount> mounts,
                                    const volume::Volumes& volumes);

/// For the container's record in the database; parse_mounts() takes what format_mounts() wrote,
/// kDataLoss otherwise.
std::string format_mounts(std::span<const PlannedMount> mounts);
Result<std::vector<PlannedMount>> parse_mounts(std::string_view json);

}  // namespace gantry::engine
