#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/flags/flag.h"

namespace gantry::cli {

/// Where flags may stand. run, create, exec and the program itself stop at the first argument:
/// what follows belongs to the container's command or to the subcommand.
enum class Interspersed { kYes, kNo };

struct ParsedArgs {
    explicit ParsedArgs(std::span<const Flag> table) : flags(table) {}

    FlagValues flags;
    std::vector<std::string> arguments;
    /// --help was given, or -h where the table has no -h of its own; the rest was not read.
    enum class Help { kNone, kLong, kShort } help = Help::kNone;
    /// Notices about deprecated flags, one line each.
    std::vector<std::string> notices;
};

/// Reads ARGS by the grammar of Go's pflag: `--flag=value`, `--flag value`, `--switch`,
/// `--switch=false`, clusters of one-letter switches whose last may take a value (`-dit`, `-eB=2`,
/// `-e=B`), and `--` as the end of all flags. Errors are kInvalid in pflag's wording.
Result<ParsedArgs> parse_args(std::span<const Flag> table, std::span<const std::string> args,
                              Interspersed interspersed);

}  // namespace gantry::cli
