#include "cli/help.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace gantry::cli {
namespace {

/// The commands that `--help` shows first, in this order.
constexpr std::array<std::string_view, 12> kCommonCommands = {
    "run",    "exec",  "ps",     "build",  "pull",    "push",
    "images", "login", "logout", "search", "version", "info"};

constexpr int kDefaultWidth = 80;
/// A last line shorter than this is joined to the one before it.
constexpr size_t kOrphan = 5;
constexpr size_t kLeastColumn = 24;
constexpr size_t kNameWidth = 12;

/// Takes the next line of at most LIMIT characters off TEXT; breaks at white space.
std::string_view take_line(std::string_view& text, size_t limit) {
    size_t end = std::string_view::npos;
    if (limit + kOrphan <= text.size()) {
        const std::string_view window = text.substr(0, limit);
        const size_t blank = window.find_last_of(" \t\n");
        const size_t newline = window.find_last_of('\n');
        const bool keep_newline =
            newline != std::string_view::npos && newline > 0 && newline < blank;
        end = keep_newline ? newline : blank;
    }
    if (end == std::string_view::npos || end == 0) {
        return std::exchange(text, {});
    }
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
}

void append_indented(std::string& out, std::string_view line, const std::string& break_text) {
    for (const char c : line) {
        if (c == '\n') {
            out += break_text;
        } else {
            out += c;
        }
    }
}

/// TEXT in a column that starts at INDENT and ends at WIDTH. The first line is already indented.
std::string wrap(std::string_view text, size_t indent, size_t width) {
    std::string out;
    if (width < indent + kLeastColumn) {
        indent = 16;
        out = "\n" + std::string(indent, ' ');
    }
    const std::string break_text = "\n" + std::string(indent, ' ');
    if (width < indent + kLeastColumn) {
        append_indented(out, text, break_text);
        return out;
    }
    const size_t limit = width - indent - kOrphan;
    append_indented(out, take_line(text, limit), break_text);
    while (!text.empty()) {
        out += break_text;
        append_indented(out, take_line(text, limit), break_text);
    }
    return out;
}

std::string shown_default(const Flag& flag) {
    if (flag.initial.empty()) {
        return flag.type->zero.empty() ? "" : fmt::format(" (default {})", flag.type->zero);
    }
    if (flag.type->name == "string") {
        return fmt::format(" (default \"{}\")", flag.initial);
    }
    return fmt::format(" (default {})", flag.initial);
}

std::string aliases_help(std::string_view program, const Command& command) {
    const auto paths = paths_of(command);
    if (paths.size() < 2) {
        return {};
    }
    std::string out = "\nAliases:\n  ";
    for (size_t i = 0; i < paths.size(); ++i) {
        out += fmt::format("{}{} {}", i == 0 ? "" : ", ", program, paths[i]);
    }
    return out + "\n";
}

struct Listed {
    std::string_view name;
    std::string_view summary;
};

std::string listing(std::string_view title, std::vector<Listed> commands) {
    if (commands.empty()) {
        return {};
    }
    std::string out = fmt::format("\n{}:\n", title);
    for (const auto& [name, summary] : commands) {
        out += fmt::format("  {:<{}}{}\n", name, kNameWidth, summary);
    }
    return out;
}

std::string_view top_level_name(const Command& command) {
    return command.path.find(' ') == std::string_view::npos ? command.path : command.shortcut;
}

}  // namespace

int help_width() {
    winsize size = {};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col - 1;
    }
    return kDefaultWidth - 1;
}

std::string usage_line(std::string_view program, const FoundCommand& found) {
    const std::string head = fmt::format("{} {}{}", program, found.spelling,
                                         found.command->flags.empty() ? "" : " [OPTIONS]");
    std::string text;
    for (const std::string_view form : split(found.command->arguments, '\n')) {
        text += fmt::format("{}{}{}{}", text.empty() ? "" : "\n\t", head, form.empty() ? "" : " ",
                            form);
    }
    return text;
}

std::string flag_help(std::span<const Flag> flags, int width) {
    std::vector<const Flag*> shown;
    for (const Flag& flag : flags) {
        if (flag.visibility == Flag::Visibility::kShown) {
            shown.push_back(&flag);
        }
    }
    std::ranges::sort(shown, {}, &Flag::name);
    std::vector<std::string> names;
    size_t widest = 0;
    for (const Flag* flag : shown) {
        std::string name = flag->shorthand == 0
                               ? fmt::format("      --{}", flag->name)
                               : fmt::format("  -{}, --{}", flag->shorthand, flag->name);
        if (!flag->type->name.empty()) {
            name += fmt::format(" {}", flag->type->name);
        }
        widest = std::max(widest, name.size());
        names.push_back(std::move(name));
    }
    std::string out;
    for (size_t i = 0; i < shown.size(); ++i) {
        const std::string text = std::string(shown[i]->help) + shown_default(*shown[i]);
        out += fmt::format("{:<{}}{}\n", names[i], widest + 3,
                           wrap(text, widest + 3, static_cast<size_t>(std::max(width, 0))));
    }
    return out;
}

std::string command_help(std::string_view program, const FoundCommand& found, int width) {
    std::string out =
        fmt::format("Usage:  {}\n\n{}\n", usage_line(program, found), found.command->summary);
    out += aliases_help(program, *found.command);
    if (!found.command->flags.empty()) {
        out += "\nOptions:\n" + flag_help(found.command->flags, width);
    }
    return out;
}

std::string group_help(std::string_view program, const CommandGroup& group) {
    std::vector<Listed> listed;
    for (const Command& command : all_commands()) {
        const auto [first, second, nested] = cut(command.path, ' ');
        if (nested && first == group.name) {
            listed.push_back({second, command.summary});
        }
    }
    std::ranges::sort(listed, {}, &Listed::name);
    return fmt::format(
        "Usage:  {0} {1} COMMAND\n\n{2}\n{3}\nRun '{0} {1} COMMAND --help' for more "
        "information on a command.\n",
        program, group.name, group.summary, listing("Commands", std::move(listed)));
}

std::string program_help(std::string_view program, std::span<const Flag> global_flags, int width) {
    std::vector<Listed> common;
    std::vector<Listed> others;
    for (const Command& command : all_commands()) {
        const std::string_view name = top_level_name(command);
        if (!name.empty()) {
            const bool is_common =
                std::ranges::find(kCommonCommands, name) != kCommonCommands.end();
            (is_common ? common : others).push_back({name, command.summary});
        }
    }
    std::ranges::sort(common, {}, [](const Listed& listed) {
        return std::ranges::find(kCommonCommands, listed.name);
    });
    std::ranges::sort(others, {}, &Listed::name);
    std::vector<Listed> groups;
    for (const CommandGroup& group : all_groups()) {
        groups.push_back({group.name, group.summary});
    }
    return fmt::format(
        "Usage:  {0} [OPTIONS] COMMAND\n\nRuns containers and manages their images\n"
        "{1}{2}{3}\nGlobal Options:\n{4}\nRun '{0} COMMAND --help' for more "
        "information on a command.\n",
        program, listing("Common Commands", std::move(common)),
        listing("Management Commands", std::move(groups)), listing("Commands", std::move(others)),
        flag_help(global_flags, width));
}

}  // namespace gantry::cli
