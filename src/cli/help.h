#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"

namespace gantry::cli {

/// The widest line of help: that of the terminal on standard output less one, else 79.
int help_width();

/// "docker run [OPTIONS] IMAGE [COMMAND] [ARG...]"
std::string usage_line(std::string_view program, const FoundCommand& found);

/// What `COMMAND --help` prints, in docker's layout, generated from the tables.
std::string command_help(std::string_view program, const FoundCommand& found, int width);
std::string group_help(std::string_view program, const CommandGroup& group);
std::string program_help(std::string_view program, std::span<const Flag> global_flags, int width);

/// The aligned and wrapped list of a flag table.
std::string flag_help(std::span<const Flag> flags, int width);

}  // namespace gantry::cli
