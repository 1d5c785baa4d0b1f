#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::standalone {

enum class Takes { kNothing, kValue };

/// One flag of a command, as runc has it; `names` are "bundle,b".
struct FlagRow {
    std::string_view names;
    Takes takes = Takes::kNothing;
    std::string_view help;
};

/// Whether flags end at the first operand (what follows belongs to somebody else).
enum class Flags { kAnywhere, kFirst };

/// Flags and operands of a command line.
class CommandLine {
public:
    /// kInvalid names a flag that ROWS do not have, or one without its value. One dash and two are
    /// the same, as in Go's flag package; "--" ends the flags.
    static Result<CommandLine> parse(std::span<const std::string> arguments,
                                     std::span<const FlagRow> rows, Flags flags);

    bool has(std::string_view name) const { return values_.contains(name); }
    /// The last value; FALLBACK when the flag was not given.
    std::string get(std::string_view name, std::string_view fallback = {}) const;
    const std::vector<std::string>& all(std::string_view name) const;
    const std::vector<std::string>& operands() const { return operands_; }

private:
    /// By the first of a flag's names.
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
    std::vector<std::string> operands_;
};

/// "  --bundle value, -b value   path to ..." for each row.
std::string describe_flags(std::span<const FlagRow> rows);

}  // namespace gantry::standalone
