#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::cli {

/// What values a flag takes: how `--help` names them, when a default is worth showing, and the
/// check that each value passes while the command line is read, so that a wrong one is reported
/// with its flag. The one instance of each type lives in flag_types.h.
struct FlagType {
    enum class Arity { kSwitch, kOnce, kRepeated, kCommaList };

    std::string_view name;
    Arity arity;
    /// The zero value as help shows it ("" for the types whose zero is not worth a word).
    std::string_view zero;
    /// Null: any text will do.
    Result<> (*check)(std::string_view);

    bool is_switch() const { return arity == Arity::kSwitch; }
};

/// One row of a command's flag table.
struct Flag {
    enum class Visibility { kShown, kHidden };

    std::string_view name;
    char shorthand = 0;  // 0: none
    const FlagType* type = nullptr;
    /// The value when the flag is not given; for a switch "true" or "".
    std::string_view initial;
    std::string_view help;
    Visibility visibility = Visibility::kShown;
    /// The flag this one is another spelling of; its values count as that flag's.
    std::string_view alias_of = {};
    /// A notice written to standard error when it is used: "use --timeout instead".
    std::string_view deprecated = {};
};

/// The flags of a parsed command line. Names are those of the command's own table: asking for
/// another is a bug of ours and aborts.
class FlagValues {
public:
    explicit FlagValues(std::span<const Flag> table);

    bool changed(std::string_view name) const;
    /// Whether any flag at all was given.
    bool any_changed() const;
    bool on(std::string_view name) const;
    /// The last value given, or the initial one.
    std::string text(std::string_view name) const;
    /// For the integer types, whose check already accepted the text.
    int64_t integer(std::string_view name) const;
    /// All values in the order given; none means the initial value is empty too.
    const std::vector<std::string>& list(std::string_view name) const;

    void set(const Flag& flag, std::string value);

private:
    struct Slot {
        const Flag* flag;
        std::vector<std::string> values;
    };
    const Slot& slot(std::string_view name) const;

    std::vector<Slot> slots_;
};

/// The flag called NAME, or nullptr.
const Flag* find_flag(std::span<const Flag> table, std::string_view name);
const Flag* find_shorthand(std::span<const Flag> table, char shorthand);

/// "-x, --name" or "--name", as error texts call a flag.
std::string flag_label(const Flag& flag);

}  // namespace gantry::cli
