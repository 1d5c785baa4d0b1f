#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "engine/container/core.h"
#include "spec/api/stats.h"
#include "sys/netlink.h"

namespace gantry::engine {

/// Takes samples that belong together: what they all need of the machine is read once. Not
/// thread-safe; blocks only for the kernel.
class StatsSampler {
public:
    explicit StatsSampler(const ContainerCore& core);

    /// What ENTRY has used up to now. Only its id and name if it does not run (C12).
    spec::ContainerStats sample(const ContainerEntry& entry);

private:
    void add_network(const Lifecycle& life, spec::ContainerStats& stats);

    const ContainerCore& core_;
    const WallTime now_;
    uint64_t system_ns_ = 0;
    uint32_t online_cpus_ = 0;
    uint64_t memory_bytes_ = 0;
    std::optional<sys::NetlinkSocket> netlink_;
};

/// NOW with BEFORE as what precedes it; null for the first one.
spec::ContainerStats with_previous(const spec::ContainerStats& now,
                                   const spec::ContainerStats* before);

}  // namespace gantry::engine
