#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/flags/parser.h"
#include "spec/api/change.h"

namespace gantry::cli {

/// What the flags of update that are Gantry's own ask for; absent if none of them was given. Reads
/// the files of --env-file and --label-file.
Result<std::optional<spec::ContainerChange>> build_change(const FlagValues& flags);

/// A command as one text: a JSON list of strings, or words in the quotes of a shell ('...', "..."
/// and \x), of which nothing is expanded. kInvalid for a quote without an end.
Result<std::vector<std::string>> split_command(std::string_view text);

/// What a changed container still waits with, as a line for people; "" for nothing.
std::string waiting_note(std::string_view container, const spec::ChangeOutcome& outcome);

}  // namespace gantry::cli
