#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/container/lifecycle.h"
#include "spec/filters.h"
#include "spec/port.h"
#include "store/images.h"
#include "volume/volumes.h"

namespace gantry::engine {

/// The filters of a container list, checked once and then asked of every container (B3). Pure.
class ListFilter {
public:
    /// What the filters name besides the containers themselves.
    struct Names {
        /// The containers that `before` and `since` name.
        SnapshotPtr before;
        SnapshotPtr since;
        /// Every image that `ancestor` names or that stands on one of those.
        std::set<ImageId> ancestors;
        /// Knows the volumes' present names; null goes by those that were asked for.
        const volume::Volumes* volumes = nullptr;
    };

    /// kInvalid for a filter that does not exist or a value that makes no sense.
    static Result<ListFilter> make(const spec::Filters& filters, Names names);

    /// Whether the filters look at stopped containers too, whatever `all` says.
    bool implies_all() const { return implies_all_; }

    bool matches(const ContainerSnapshot& container) const;

private:
    bool matches_identity(const ContainerSnapshot& container) const;
    bool matches_state(const ContainerSnapshot& container) const;
    bool matches_order(const ContainerSnapshot& container) const;
    bool matches_places(const ContainerSnapshot& container) const;
    bool matches_ports(const ContainerSnapshot& container) const;

    spec::Filters filters_;
    Names names_;
    std::set<int> exit_codes_;
    std::set<spec::Port> published_;
    std::set<spec::Port> exposed_;
    bool implies_all_ = false;
};

}  // namespace gantry::engine
