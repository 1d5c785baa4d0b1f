#pragma once

#include <span>
#include <string>

#include "cli/recreate/source.h"

namespace gantry::cli {

/// A compose file with one service for each of SOURCES. Volumes with names are external: they are
/// there already. What compose cannot say is a comment.
std::string compose_file(std::span<const RecreateSource> sources);

}  // namespace gantry::cli
