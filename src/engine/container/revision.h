#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "engine/container/lifecycle.h"
#include "engine/container/record.h"

namespace gantry::engine {

/// What a running process was started with, where its container's record says something else by
/// now: kept for as long as it runs, because it holds volumes and because it tells what waits.
struct StartedAs {
    spec::ContainerConfig config;
    std::vector<PlannedMount> mounts;
};

/// A container as it was, or is, after one of its changes; the first is its creation. Kept from the
/// first change on.
struct Revision {
    WallTime created{};
    /// What was different from the one before, for people: "Env +A -B".
    std::vector<std::string> changes;
    std::shared_ptr<const ContainerRecord> record;

    int64_t number() const { return record->revision; }
};

/// The parts of a record that can be changed after its creation.
enum class Part {
    kResources,
    kRestartPolicy,
    kLabels,
    kEnv,
    kCmd,
    kEntrypoint,
    kPorts,
    kMounts,
    kLinks,
};
std::string_view part_name(Part part);

/// Where the two differ. Pure.
std::vector<Part> changed_parts(const ContainerRecord& before, const ContainerRecord& after);

/// The same for people, one text for each part. Pure.
std::vector<std::string> describe_changes(const ContainerRecord& before,
                                          const ContainerRecord& after);

/// What the running process has, and what it will only have when it is started again. Empty while
/// there is no process. Pure.
const spec::ContainerConfig& config_of_run(const ContainerSnapshot& snapshot);
const std::vector<PlannedMount>& mounts_of_run(const ContainerSnapshot& snapshot);
std::vector<Part> waiting_parts(const ContainerSnapshot& snapshot);

/// For a process that was started with CONFIG and has MOUNTS, while its container is RECORD; null
/// where it has all that RECORD says.
std::shared_ptr<const StartedAs> started_as(const ContainerRecord& record,
                                            const spec::ContainerConfig& config,
                                            const std::vector<PlannedMount>& mounts);

std::vector<std::string> part_names(const std::vector<Part>& parts);

}  // namespace gantry::engine
