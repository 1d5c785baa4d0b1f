#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "spec/api/container_config.h"

namespace gantry::engine {

/// Completes CONFIG with what IMAGE says and the user did not (G2, G3): entrypoint and command,
/// env, labels, exposed ports, volumes, health check, user, working directory, stop signal. Pure.
void merge_image_config(spec::ContainerConfig& config, const spec::ContainerConfig& image);

/// Entrypoint and command as one list.
std::vector<std::string> command_line(const spec::ContainerConfig& config);

/// The environment of the container's process (G1): PATH, HOSTNAME, TERM for a terminal, and then
/// CONFIG's, whose "K" without "=" removes K and whose later values win. Pure.
std::vector<std::string> process_env(const spec::ContainerConfig& config,
                                     std::string_view hostname);

/// BASE with the variables of CHANGES replaced in place, appended or, for a "K" without "=",
/// removed.
std::vector<std::string> replace_env(std::vector<std::string> base,
                                     const std::vector<std::string>& changes);

/// kInvalid in Docker's words for a Config that makes no sense; kNotImplemented naming what Gantry
/// does not have. Also cleans the working directory. Before the merge: what the user sent.
Result<> check_config(spec::ContainerConfig& config);

/// After the merge: there is a command, and all of it can be handed to a process.
Result<> check_merged_config(const spec::ContainerConfig& config);

}  // namespace gantry::engine
