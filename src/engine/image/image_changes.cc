#include "engine/image/image_changes.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "spec/duration.h"
#include "spec/port.h"
#include "spec/signal.h"
#include "spec/value.h"

namespace gantry::engine {
namespace {

using Words = std::vector<std::string>;

/// ["a", "b"]: the exec form of CMD, ENTRYPOINT and VOLUME. False when TEXT is something else.
bool parse_exec_form(std::string_view text, Words& words) {
    const auto value = spec::Value::parse(text);
    if (!value || !value->is_array()) {
        return false;
    }
    for (const spec::Value& word : value->as_array()) {
        if (!word.is_string()) {
            return false;
        }
        words.push_back(word.as_string());
    }
    return true;
}

Words command(std::string_view text) {
    Words words;
    if (!text.empty() && !parse_exec_form(text, words)) {
        words = {"/bin/sh", "-c", std::string(text)};
    }
    return words;
}

/// Splits at white space outside quotes. Quotes and backslashes stay: unquote() takes them away.
Words split_words(std::string_view text) {
    Words words;
    std::string word;
    char quote = '\0';
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quote == '\0' && (c == ' ' || c == '\t')) {
            if (!word.empty()) {
                words.push_back(std::exchange(word, {}));
            }
            continue;
        }
        word += c;
        if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
            word += text[++i];
        } else if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
        } else if (c == quote) {
            quote = '\0';
        }
    }
    if (!word.empty()) {
        words.push_back(std::move(word));
    }
    return words;
}

std::string unquote(std::string_view word) {
    std::string plain;
    char quote = '\0';
    for (size_t i = 0; i < word.size(); ++i) {
        const char c = word[i];
        if (c == '\\' && quote != '\'' && i + 1 < word.size()) {
            plain += word[++i];
        } else if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
        } else if (c == quote) {
            quote = '\0';
        } else {
            plain += c;
        }
    }
    return plain;
}

/// "a=b c=d", or the old form "a the rest of the line".
Result<std::vector<std::pair<std::string, std::string>>> parse_pairs(std::string_view instruction,
                                                                     std::string_view text) {
    std::vector<std::pair<std::string, std::string>> pairs;
    const Words words = split_words(text);
    if (words.empty()) {
        return fail(Kind::kInvalid, fmt::format("{} requires at least one argument", instruction));
    }
    if (words.front().find('=') == std::string::npos) {
        const std::string& key = words.front();
        const std::string_view value = trim(text.substr(text.find(key) + key.size()));
        if (value.empty()) {
            return fail(Kind::kInvalid, fmt::format("{} must have two arguments", instruction));
        }
        pairs.emplace_back(unquote(key), unquote(value));
        return pairs;
    }
    for (const std::string& word : words) {
        const Cut parts = cut(word, '=');
        if (!parts.found) {
            return fail(Kind::kInvalid,
                        fmt::format("Syntax error - can't find = in {:?}. Must be of the form: "
                                    "name=value",
                                    word));
        }
        const std::string key = unquote(parts.before);
        if (key.empty()) {
            return fail(Kind::kInvalid, fmt::format("{} names can not be blank", instruction));
        }
        pairs.emplace_back(key, unquote(parts.after));
    }
    return pairs;
}

using Apply = Result<> (*)(std::string_view text, spec::ContainerConfig& config);

Result<> apply_env(std::string_view text, spec::ContainerConfig& config) {
    GT_TRY_VAR(pairs, parse_pairs("ENV", text));
    for (const auto& [key, value] : pairs) {
        std::erase_if(config.env,
                      [&](const std::string& old) { return cut(old, '=').before == key; });
        config.env.push_back(key + "=" + value);
    }
    return {};
}

Result<> apply_label(std::string_view text, spec::ContainerConfig& config) {
    GT_TRY_VAR(pairs, parse_pairs("LABEL", text));
    for (const auto& [key, value] : pairs) {
        config.labels[key] = value;
    }
    return {};
}

Result<> apply_expose(std::string_view text, spec::ContainerConfig& config) {
    for (const std::string& word : split_words(text)) {
        GT_TRY_VAR(ports, spec::parse_expose(word));
        for (const spec::Port& port : ports) {
            config.exposed_ports.insert(port.str());
        }
    }
    return {};
}

Result<> apply_volume(std::string_view text, spec::ContainerConfig& config) {
    Words paths;
    if (!parse_exec_form(text, paths)) {
        paths = split_words(text);
    }
    for (const std::string& path : paths) {
        if (trim(path).empty()) {
            return fail(Kind::kInvalid, "VOLUME specified can not be an empty string");
        }
        config.volumes.emplace(trim(path));
    }
    return {};
}

Result<> apply_workdir(std::string_view text, spec::ContainerConfig& config) {
    if (text.starts_with('/')) {
        config.working_dir = text;
    } else {
        config.working_dir += config.working_dir.ends_with('/') ? "" : "/";
        config.working_dir += text;
    }
    return {};
}

Result<> apply_stop_signal(std::string_view text, spec::ContainerConfig& config) {
    GT_TRY(spec::parse_signal(text));
    config.stop_signal = text;
    return {};
}

Result<> apply_on_build(std::string_view text, spec::ContainerConfig& config) {
    const std::string first = to_upper(cut(text, ' ').before);
    if (first == "ONBUILD") {
        return fail(Kind::kInvalid, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    }
    if (first == "FROM" || first == "MAINTAINER") {
        return fail(Kind::kInvalid, fmt::format("{} isn't allowed as an ONBUILD trigger", first));
    }
    config.on_build.emplace_back(text);
    return {};
}

/// One "--interval=30s" of a HEALTHCHECK.
Result<> apply_health_option(std::string_view option, spec::HealthConfig& health) {
    constexpr std::array<std::pair<std::string_view, int64_t spec::HealthConfig::*>, 4> kDurations =
        {{{"--interval", &spec::HealthConfig::interval},
          {"--timeout", &spec::HealthConfig::timeout},
          {"--start-period", &spec::HealthConfig::start_period},
          {"--start-interval", &spec::HealthConfig::start_interval}}};
    const auto [name, value, given] = cut(option, '=');
    if (name == "--retries") {
        const auto retries = parse_int(value);
        if (!retries || *retries < 1) {
            return fail(Kind::kInvalid,
                        fmt::format("--retries must be at least 1 (not {})", value));
        }
        health.retries = *retries;
        return {};
    }
    const auto* const found = std::ranges::find(
        kDurations, name, &std::pair<std::string_view, int64_t spec::HealthConfig::*>::first);
    if (found == kDurations.end()) {
        return fail(Kind::kInvalid, fmt::format("Unknown flag: {}", name.substr(2)));
    }
    GT_TRY_VAR(duration, spec::parse_duration(value));
    if (duration < std::chrono::milliseconds(1)) {
        return fail(Kind::kInvalid,
                    fmt::format("Interval {:?} cannot be less than 1ms", name.substr(2)));
    }
    health.*found->second = duration.count();
    return {};
}

/// "NONE", or "--interval=5s CMD command", the command in either form.
Result<> apply_healthcheck(std::string_view text, spec::ContainerConfig& config) {
    spec::HealthConfig health;
    while (text.starts_with("--")) {
        const size_t end = std::min(text.find_first_of(" \t"), text.size());
        GT_TRY(apply_health_option(text.substr(0, end), health));
        text = trim(text.substr(end));
    }
    const size_t end = std::min(text.find_first_of(" \t"), text.size());
    const std::string type = to_upper(text.substr(0, end));
    const std::string_view command = trim(text.substr(end));
    if (type == "NONE") {
        if (!command.empty()) {
            return fail(Kind::kInvalid, "HEALTHCHECK NONE takes no arguments");
        }
        health.test = {"NONE"};
    } else if (type == "CMD") {
        Words words;
        if (command.empty() || (parse_exec_form(command, words) && words.empty())) {
            return fail(Kind::kInvalid, "Missing command after HEALTHCHECK CMD");
        }
        health.test = words.empty() ? Words{"CMD-SHELL", std::string(command)} : Words{"CMD"};
        health.test.insert(health.test.end(), words.begin(), words.end());
    } else {
        return fail(Kind::kInvalid,
                    fmt::format("Unknown type {:?} in HEALTHCHECK (try CMD)", type));
    }
    config.healthcheck = std::move(health);
    return {};
}

constexpr std::array<std::pair<std::string_view, Apply>, 11> kInstructions = {{
    {"CMD",
     [](std::string_view text, spec::ContainerConfig& config) -> Result<> {
         config.cmd = command(text);
         return {};
     }},
    {"ENTRYPOINT",
     [](std::string_view text, spec::ContainerConfig& config) -> Result<> {
         config.entrypoint = command(text);
         return {};
     }},
    {"ENV", apply_env},
    {"EXPOSE", apply_expose},
    {"HEALTHCHECK", apply_healthcheck},
    {"LABEL", apply_label},
    {"ONBUILD", apply_on_build},
    {"STOPSIGNAL", apply_stop_signal},
    {"USER",
     [](std::string_view text, spec::ContainerConfig& config) -> Result<> {
         config.user = text;
         return {};
     }},
    {"VOLUME", apply_volume},
    {"WORKDIR", apply_workdir},
}};

/// Instructions of a Dockerfile that only a build can carry out.
constexpr std::array<std::string_view, 7> kElsewhere = {"ADD",        "ARG", "COPY", "FROM",
                                                        "MAINTAINER", "RUN", "SHELL"};

}  // namespace

Result<> apply_changes(std::span<const std::string> changes, spec::ContainerConfig& config) {
    for (const std::string& change : changes) {
        const std::string_view line = trim(change);
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        const size_t space = line.find_first_of(" \t");
        const std::string name = to_upper(line.substr(0, space));
        const std::string_view text = space == line.npos ? "" : trim(line.substr(space));
        const auto* const found =
            std::ranges::find(kInstructions, name, &std::pair<std::string_view, Apply>::first);
        if (found == kInstructions.end()) {
            const bool known = std::ranges::find(kElsewhere, name) != kElsewhere.end();
            return fail(Kind::kInvalid, known
                                            ? fmt::format("{} is not a valid change command", name)
                                            : fmt::format("unknown instruction: {}", name));
        }
        if (text.empty() && name != "CMD" && name != "ENTRYPOINT") {
            return fail(Kind::kInvalid, fmt::format("{} requires at least one argument", name));
        }
        GT_TRY(found->second(text, config));
    }
    return {};
}

}  // namespace gantry::engine
