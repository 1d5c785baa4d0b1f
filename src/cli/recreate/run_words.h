#pragma once

#include <string>
#include <vector>

#include "cli/recreate/source.h"

namespace gantry::cli {

/// A command line of `run` in pieces.
struct RunWords {
    /// A flag with its value, or alone.
    std::vector<std::vector<std::string>> flags;
    /// The image and the command.
    std::vector<std::string> arguments;
    /// What no flag can say, for people.
    std::vector<std::string> notes;
};

/// What `run` has to be told for a container that inspect shows as SOURCE.
RunWords run_words(const RecreateSource& source);

/// As one command for a POSIX shell, a line for each flag.
std::string run_command(const std::string& program, const RunWords& words);

/// The value of --mount.
std::string mount_text(const spec::Mount& mount);

}  // namespace gantry::cli
