#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"

namespace gantry::spec {
class Filters;
struct Volume;
struct VolumeCreateRequest;
struct VolumeList;
struct VolumesPruneReport;
}  // namespace gantry::spec
namespace gantry::volume {
class Volumes;
}

namespace gantry::engine {

class EventBus;

/// The query of DELETE /volumes/{name}.
enum class MissingVolume { kError, kFine };

/// Whether a prune removes or only tells what it would.
enum class VolumePruneMode { kRemove, kDryRun };
/// Which volumes a prune takes (I7): those that nobody named, or all.
enum class VolumePruneScope { kAnonymous, kAll };

/// Volumes as the API sees them. Thread-safe. Errors carry Docker's texts and kinds.
class VolumeService {
public:
    VolumeService(volume::Volumes& volumes, EventBus& events);

    /// By name. kInvalid for filters that do not exist or make no sense.
    Result<spec::VolumeList> list(const spec::Filters& filters) const;
    Result<spec::Volume> inspect(std::string_view name) const;
    /// The one that is there already, whatever its options are (I8). kNotFound for a driver.
    Result<spec::Volume> create(const spec::VolumeCreateRequest& request);
    Result<> remove(std::string_view name, MissingVolume missing);
    /// Gantry's own: another name, also while containers use it.
    Result<> rename(std::string_view name, const std::string& to);
    /// Volumes that no container uses and that have no driver options. kConflict while another
    /// prune is under way. SCOPE may be widened by the filter `all`.
    Result<spec::VolumesPruneReport> prune(const spec::Filters& filters, VolumePruneScope scope,
                                           VolumePruneMode mode);
    /// All volumes with their sizes and how many containers use each (GET /system/df).
    std::vector<spec::Volume> usage() const;

private:
    Result<spec::VolumesPruneReport> prune_alone(const spec::Filters& filters,
                                                 VolumePruneScope scope, VolumePruneMode mode);

    volume::Volumes& volumes_;
    EventBus& events_;
    Mutex pruning_;
};

}  // namespace gantry::engine
