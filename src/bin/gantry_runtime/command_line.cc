#include "bin/gantry_runtime/command_line.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace gantry::standalone {

namespace {

const FlagRow* find_row(std::span<const FlagRow> rows, std::string_view name) {
    for (const FlagRow& row : rows) {
        const auto names = split(row.names, ',');
        if (std::ranges::find(names, name) != names.end()) {
            return &row;
        }
    }
    return nullptr;
}

}  // namespace

Result<CommandLine> CommandLine::parse(std::span<const std::string> arguments,
                                       std::span<const FlagRow> rows, Flags flags) {
    CommandLine line;
    for (size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        if (argument == "--") {
            line.operands_.insert(line.operands_.end(),
                                  arguments.begin() + static_cast<long>(i) + 1, arguments.end());
            break;
        }
        if (argument.size() < 2 || argument[0] != '-') {
            line.operands_.push_back(argument);
            if (flags == Flags::kFirst) {
                line.operands_.insert(line.operands_.end(),
                                      arguments.begin() + static_cast<long>(i) + 1,
                                      arguments.end());
                break;
            }
            continue;
        }
        const Cut parts = cut(std::string_view(argument).substr(argument[1] == '-' ? 2 : 1), '=');
        const FlagRow* row = find_row(rows, parts.before);
        if (row == nullptr) {
            return fail(Kind::kInvalid,
                        fmt::format("flag provided but not defined: -{}", parts.before));
        }
        auto& values = line.values_[std::string(split(row->names, ',').front())];
        if (row->takes == Takes::kNothing) {
            if (!parts.found || parts.after == "true") {
                values.emplace_back("true");
            } else if (parts.after != "false") {
                return fail(Kind::kInvalid, fmt::format("invalid boolean value \"{}\" for -{}",
                                                        parts.after, parts.before));
            }
        } else if (parts.found) {
            values.emplace_back(parts.after);
        } else if (i + 1 < arguments.size()) {
            values.push_back(arguments[++i]);
        } else {
            return fail(Kind::kInvalid, fmt::format("flag needs an argument: -{}", parts.before));
        }
    }
    std::erase_if(line.values_, [](const auto& entry) { return entry.second.empty(); });
    return line;
}

std::string CommandLine::get(std::string_view name, std::string_view fallback) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string(fallback) : found->second.back();
}

const std::vector<std::string>& CommandLine::all(std::string_view name) const {
    static const std::vector<std::string> none;
    const auto found = values_.find(name);
    return found == values_.end() ? none : found->second;
}

std::string describe_flags(std::span<const FlagRow> rows) {
    std::string text;
    for (const FlagRow& row : rows) {
        std::string names;
        for (const std::string_view name : split(row.names, ',')) {
            names +=
                fmt::format("{}{}{}{}", names.empty() ? "" : ", ", name.size() == 1 ? "-" : "--",
                            name, row.takes == Takes::kValue ? " value" : "");
        }
        text += fmt::format("   {:34}{}\n", names, row.help);
    }
    return text;
}

}  // namespace gantry::standalone
