#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/flags/flag.h"
#include "cli/flags/parser.h"

namespace gantry::cli {

class Session;

/// How many arguments a command takes; most < 0: no upper bound.
struct ArgumentCount {
    int least = 0;
    int most = -1;
};

/// Runs a command whose command line was read; gives the program's exit status. What it has to say
/// about failures it has already written.
using Handler = int (*)(Session&, const ParsedArgs&);

/// One command as data. A command is reached by several paths: "container ls" and its aliases
/// "container list" and "container ps" are one command, and `ps` is its top-level spelling.
struct Command {
    std::string_view path;
    std::array<std::string_view, 2> aliases = {};
    std::string_view shortcut = {};
    /// After the command's name and "[OPTIONS]": "CONTAINER [CONTAINER...]"; several forms, one a
    /// line.
    std::string_view arguments = {};
    std::string_view summary;
    std::span<const Flag> flags = {};
    ArgumentCount count = {};
    Interspersed interspersed = Interspersed::kYes;
    Handler run = nullptr;
};

/// A group of commands: "container", "image", "system".
struct CommandGroup {
    std::string_view name;
    std::string_view summary;
};

/// A command as it was called: SPELLING is its path or its shortcut, whichever help should show.
struct FoundCommand {
    const Command* command = nullptr;
    std::string_view spelling;
    /// How many words of the command line it took.
    size_t words = 0;
};

std::span<const Command> all_commands();
std::span<const CommandGroup> all_groups();

/// The command that WORDS starts with; `command` is null if there is none.
FoundCommand find_command(std::span<const std::string> words);
const CommandGroup* find_group(std::string_view name);

/// Every path of COMMAND in the order in which help lists them.
std::vector<std::string_view> paths_of(const Command& command);

}  // namespace gantry::cli
