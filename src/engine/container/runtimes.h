#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "engine/container/core.h"
#include "engine/container/record.h"
#include "runtime/foreign.h"
#include "spec/oci/runtime.h"

namespace gantry::engine {

/// The name of our own runtime.
inline constexpr std::string_view kOwnRuntime = "gantry";

/// The runtime called NAME, empty for our own: one of the daemon's --add-runtime, the absolute path
/// of a program, or a runtime that is known by its name (runc, crun...) and installed. kInvalid
/// "unknown or invalid runtime name: NAME". Looks at the host's programs.
Result<std::optional<runtime::ForeignRuntime>> find_runtime(const ContainerSettings& settings,
                                                            std::string_view name);

/// The container as its foreign runtime knows it; empty if we made it ourselves.
Result<std::optional<runtime::ForeignContainer>> foreign_container(const ContainerCore& core,
                                                                   const ContainerRecord& record);

/// What RECORD asks for can be had from the runtime that it names.
Result<> check_runtime(const ContainerSettings& settings, const ContainerRecord& record);

/// Completes CONFIG for a runtime that makes the cgroup's limits and mounts itself.
Result<> complete_for_foreign(spec::oci::Config& config, const ContainerCore& core,
                              const ContainerRecord& record);

}  // namespace gantry::engine
