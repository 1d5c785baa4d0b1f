#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/session.h"
#include "io/client.h"

namespace gantry::cli {

struct PullOptions {
    std::string platform;
    bool quiet = false;
    bool all_tags = false;
    /// Where progress goes.
    int fd = 2;
};

/// Pulls IMAGE (":latest" if it has no tag), printing progress unless it is to be quiet.
Result<> pull_image(Session& session, std::string_view image, const PullOptions& options);

/// Prints a stream of progress messages, one JSON object a line, until it ends. On a terminal the
/// line of each layer is rewritten in place. An error message in the stream is the result.
Result<> print_progress(io::ClientConnection connection, int fd, bool quiet);

}  // namespace gantry::cli
