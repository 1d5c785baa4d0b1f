#pragma once

#include <string>

#include "base/error.h"
#include "io/client.h"

namespace gantry::cli {

/// Writes the rest of CONNECTION's answer to the file PATH, or to standard output for "". The file
/// takes the place of what was there when it is complete; a broken download leaves nothing.
Result<> download(io::ClientConnection& connection, const std::string& path);

}  // namespace gantry::cli
