#pragma once

#include <span>
#include <string>

#include "base/error.h"
#include "spec/api/container_config.h"

namespace gantry::engine {

/// Applies Dockerfile instructions, one a line ("CMD [\"sh\"]", "ENV a=b c=\"d e\""), to CONFIG:
/// CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR,
/// as `docker import --change` and commit take them. kInvalid "FROM is not a valid change command"
/// and the like.
Result<> apply_changes(std::span<const std::string> changes, spec::ContainerConfig& config);

}  // namespace gantry::engine
