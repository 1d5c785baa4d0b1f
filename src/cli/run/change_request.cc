#include "cli/run/change_request.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "cli/run/create_request.h"
#include "cli/run/key_value.h"
#include "spec/port.h"
#include "spec/value.h"

namespace gantry::cli {
namespace {

/// Takes one word, quotes and all, from the beginning of TEXT.
Result<std::string> take_word(std::string_view& text) {
    std::string word;
    char quote = 0;
    size_t i = 0;
    for (; i < text.size() && (quote != 0 || (text[i] != ' ' && text[i] != '\t')); ++i) {
        const char c = text[i];
        if (c == quote) {
            quote = 0;
        } else if (quote == 0 && (c == '\'' || c == '"')) {
            quote = c;
        } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
            word += text[++i];
        } else {
            word += c;
        }
    }
    if (quote != 0) {
        return fail(Kind::kInvalid, fmt::format("a quote has no end: {}", text));
    }
    text.remove_prefix(i);
    return word;
}

Result<> fill_ports(const FlagValues& flags, spec::ContainerChange& change) {
    for (const std::string& text : flags.list("publish-add")) {
        GT_TRY_VAR(published, spec::parse_publish(text));
        for (const spec::PublishSpec& one : published) {
            auto& bindings = change.ports_add[one.container_port.str()];
            if (!bindings) {
                bindings.emplace();
            }
            bindings->push_back({one.host_ip, one.host_port});
        }
    }
    for (const std::string& text : flags.list("publish-rm")) {
        GT_TRY_VAR(published, spec::parse_publish(text));
        for (const spec::PublishSpec& one : published) {
            const bool all = one.host_ip.empty() && one.host_port.empty();
            const auto [entry, is_new] = change.ports_remove.try_emplace(one.container_port.str());
            if (all) {
                entry->second.reset();
            } else if (is_new || entry->second) {
                auto& bindings = is_new ? entry->second.emplace() : entry->second.value();
                bindings.push_back({one.host_ip, one.host_port});
            }
        }
    }
    return {};
}

/// --mount's notation has a name before its first "=", a volume or a path never has.
bool is_mount_notation(std::string_view text) {
    const size_t equal = text.find_first_of("=:");
    return equal != text.npos && text[equal] == '=' && !text.starts_with('/') &&
           !text.starts_with('.');
}

Result<> fill_mounts(const FlagValues& flags, spec::ContainerChange& change) {
    for (const std::string& text : flags.list("mount-add")) {
        if (text.starts_with('/') && !cut(text, ':').found) {
            spec::Mount anonymous;
            anonymous.type = "volume";
            anonymous.target = text;
            change.mounts_add.push_back(std::move(anonymous));
            continue;
        }
        if (!is_mount_notation(text)) {
            change.binds_add.push_back(parse_volume_flag(text));
            continue;
        }
        GT_TRY_VAR(mount, parse_mount_flag(text));
        change.mounts_add.push_back(std::move(mount));
    }
    change.mounts_remove = flags.list("mount-rm");
    return {};
}

}  // namespace

Result<std::vector<std::string>> split_command(std::string_view text) {
    std::vector<std::string> words;
    if (trim(text).starts_with('[')) {
        const auto list = spec::Value::parse(text);
        if (!list || !list->is_array()) {
            return fail(Kind::kInvalid, fmt::format("not a JSON list: {}", text));
        }
        for (const spec::Value& value : list->as_array()) {
            if (!value.is_string()) {
                return fail(Kind::kInvalid, fmt::format("not a list of strings: {}", text));
            }
            words.push_back(value.as_string());
        }
        return words;
    }
    while (true) {
        text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
        if (text.empty()) {
            return words;
        }
        GT_TRY_VAR(word, take_word(text));
        words.push_back(std::move(word));
    }
}

Result<std::optional<spec::ContainerChange>> build_change(const FlagValues& flags) {
    constexpr std::array<std::string_view, 13> kOwn = {
        "apply",    "command",    "entrypoint", "env",      "env-file",    "env-rm",    "label",
        "label-rm", "label-file", "mount-add",  "mount-rm", "publish-add", "publish-rm"};
    if (std::ranges::none_of(kOwn, [&](std::string_view name) { return flags.changed(name); })) {
        return std::optional<spec::ContainerChange>();
    }
    spec::ContainerChange change;
    change.apply = flags.text("apply");
    GT_TRY_VAR(environment, read_environment(flags.list("env-file"), flags.list("env")));
    change.env = std::move(environment);
    change.env_remove = flags.list("env-rm");
    GT_TRY_VAR(labels, read_labels(flags.list("label-file"), flags.list("label")));
    change.labels = std::move(labels);
    change.labels_remove = flags.list("label-rm");
    for (const auto& [name, words] :
         {std::pair("command", &change.cmd), std::pair("entrypoint", &change.entrypoint)}) {
        if (flags.changed(name)) {
            GT_TRY_VAR(parsed, split_command(flags.text(name)));
            *words = std::move(parsed);
        }
    }
    GT_TRY(fill_ports(flags, change));
    GT_TRY(fill_mounts(flags, change));
    return std::optional(std::move(change));
}

std::string waiting_note(std::string_view container, const spec::ChangeOutcome& outcome) {
    if (outcome.next_start.empty()) {
        return {};
    }
    return fmt::format("{}: in effect from its next start: {}\n", container,
                       join(outcome.next_start, ", "));
}

}  // namespace gantry::cli
