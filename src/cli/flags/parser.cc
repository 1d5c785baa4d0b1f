#include "cli/flags/parser.h"

#include <fmt/core.h>

#include "base/text.h"
#include "cli/quote.h"

namespace gantry::cli {
namespace {

class Parser {
public:
    Parser(std::span<const Flag> table, std::span<const std::string> args)
        : table_(table), rest_(args), parsed_(table) {}

    Result<ParsedArgs> run(Interspersed interspersed) {
        while (!rest_.empty() && parsed_.help == ParsedArgs::Help::kNone) {
            const std::string& arg = next();
            if (arg.size() < 2 || arg[0] != '-') {
                parsed_.arguments.push_back(arg);
                if (interspersed == Interspersed::kNo) {
                    take_rest();
                }
            } else if (arg == "--") {
                take_rest();
            } else if (arg[1] == '-') {
                GT_TRY(read_long(std::string_view(arg).substr(2), arg));
            } else {
                GT_TRY(read_cluster(std::string_view(arg).substr(1)));
            }
        }
        return std::move(parsed_);
    }

private:
    const std::string& next() {
        const std::string& arg = rest_.front();
        rest_ = rest_.subspan(1);
        return arg;
    }

    void take_rest() {
        parsed_.arguments.insert(parsed_.arguments.end(), rest_.begin(), rest_.end());
        rest_ = {};
    }

    Result<> read_long(std::string_view body, const std::string& arg) {
        const auto [name, value, has_value] = cut(body, '=');
        if (name.empty() || name[0] == '-') {
            return fail(Kind::kInvalid, "bad flag syntax: " + arg);
        }
        const Flag* flag = find_flag(table_, name);
        if (flag == nullptr) {
            if (name == "help") {
                parsed_.help = ParsedArgs::Help::kLong;
                return {};
            }
            return fail(Kind::kInvalid, fmt::format("unknown flag: --{}", name));
        }
        if (has_value) {
            return store(*flag, std::string(value));
        }
        if (flag->type->is_switch()) {
            return store(*flag, "true");
        }
        if (rest_.empty()) {
            return fail(Kind::kInvalid, fmt::format("flag needs an argument: --{}", name));
        }
        return store(*flag, next());
    }

    Result<> read_cluster(std::string_view letters) {
        while (!letters.empty()) {
            const Flag* flag = find_shorthand(table_, letters[0]);
            if (flag == nullptr) {
                if (letters[0] == 'h') {
                    parsed_.help = ParsedArgs::Help::kShort;
                    return {};
                }
                return fail(Kind::kInvalid, fmt::format("unknown shorthand flag: '{}' in -{}",
                                                        letters.substr(0, 1), letters));
            }
            if (letters.size() > 2 && letters[1] == '=') {
                return store(*flag, std::string(letters.substr(2)));
            }
            if (flag->type->is_switch()) {
                GT_TRY(store(*flag, "true"));
                letters.remove_prefix(1);
                continue;
            }
            if (letters.size() > 1) {
                return store(*flag, std::string(letters.substr(1)));
            }
            if (rest_.empty()) {
                return fail(Kind::kInvalid, fmt::format("flag needs an argument: '{}' in -{}",
                                                        letters[0], letters));
            }
            return store(*flag, next());
        }
        return {};
    }

    Result<> store(const Flag& flag, std::string value) {
        if (flag.type->check != nullptr) {
            if (auto checked = flag.type->check(value); !checked) {
                return fail(Kind::kInvalid,
                            fmt::format("invalid argument {} for \"{}\" flag: {}", quote(value),
                                        flag_label(flag), checked.error().text()));
            }
        }
        if (!flag.deprecated.empty()) {
            parsed_.notices.push_back(
                fmt::format("Flag --{} has been deprecated, {}", flag.name, flag.deprecated));
        }
        parsed_.flags.set(flag, std::move(value));
        return {};
    }

    std::span<const Flag> table_;
    std::span<const std::string> rest_;
    ParsedArgs parsed_;
};

}  // namespace

Result<ParsedArgs> parse_args(std::span<const Flag> table, std::span<const std::string> args,
                              Interspersed interspersed) {
    return Parser(table, args).run(interspersed);
}

}  // namespace gantry::cli
