#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/container/entry.h"
#include "engine/container/record.h"

namespace gantry::engine {

/// Changes the limits of a running container and takes that back when it is destroyed, unless it
/// was kept. INVARIANT: the entry's Operation is held meanwhile.
class LiveLimits {
public:
    explicit LiveLimits(const ContainerEntry& entry) : entry_(entry) {}
    LiveLimits(const LiveLimits&) = delete;
    LiveLimits& operator=(const LiveLimits&) = delete;
    ~LiveLimits();

    /// What BEFORE limits and NEXT does not is without a limit then. kConflict for what the kernel
    /// refuses.
    Result<> change(const ContainerRecord& before, const ContainerRecord& next,
                    std::vector<std::string>& warnings);
    void keep() { before_.reset(); }

private:
    const ContainerEntry& entry_;
    std::shared_ptr<const ContainerRecord> before_;
    std::shared_ptr<const ContainerRecord> next_;
};

}  // namespace gantry::engine
