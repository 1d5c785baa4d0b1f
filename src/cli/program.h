#pragma once

#include <span>
#include <string>

namespace gantry::cli {

/// The version this client says it has.
inline constexpr std::string_view kClientVersion = "0.1.0";

/// The whole program: reads the command line in ARGS (ARGS[0] is how the program was called), runs
/// the command and returns the exit status. Called as `docker` it says docker in its texts.
int run_program(std::span<const std::string> args);

}  // namespace gantry::cli
