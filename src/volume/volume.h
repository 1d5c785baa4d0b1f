#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/id.h"

namespace gantry::volume {

/// 64 hex digits; names the directory and never changes.
using VolumeId = StrongString<struct VolumeIdTag>;
using StringMap = std::map<std::string, std::string>;

/// Docker's mark on volumes that nobody gave a name.
inline constexpr std::string_view kAnonymousLabel = "com.docker.volume.anonymous";

/// One volume as it was at some moment; never changes.
struct Volume {
    VolumeId id;
    std::string name;
    WallTime created{};
    StringMap labels;
    /// type, o and device of the local driver; empty for a plain directory.
    StringMap options;

    bool anonymous() const { return labels.contains(std::string(kAnonymousLabel)); }
};
using VolumePtr = std::shared_ptr<const Volume>;

/// What is wanted of a volume that may be there already.
struct VolumeRequest {
    /// "" makes an anonymous one.
    std::string name;
    StringMap labels;
    StringMap options;
};

}  // namespace gantry::volume
