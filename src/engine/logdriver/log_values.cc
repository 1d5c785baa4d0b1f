#include "engine/logdriver/log_values.h"

#include <fmt/core.h>
#include <unistd.h>

#include <array>

#include "base/text.h"
#include "engine/container/config_merge.h"
#include "spec/regexp.h"
#include "spec/units.h"

namespace gantry::engine {

namespace {

constexpr int64_t kDefaultSize = 20 * 1024 * 1024;
constexpr uint32_t kDefaultFiles = 5;
constexpr int64_t kMostFiles = 1000;

using Format = runtime::LogOptions::Format;

Result<int64_t> parse_file_size(std::string_view name, const std::string& text) {
    const auto size = spec::parse_size(text);
    if (!size) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid value for {}: {}: invalid size: '{}'", name, text, text));
    }
    if (*size <= 0) {
        return fail(Kind::kInvalid, fmt::format("{} must be a positive number", name));
    }
    return *size;
}

Result<uint32_t> parse_file_count(std::string_view name, const std::string& text) {
    const auto count = parse_int(text);
    if (!count) {
        return fail(Kind::kInvalid, fmt::format("invalid value for {}: {}", name, text));
    }
    if (*count < 1) {
        return fail(Kind::kInvalid, fmt::format("{} cannot be less than 1", name));
    }
    if (*count > kMostFiles) {
        return fail(Kind::kInvalid, fmt::format("{} cannot be more than {}", name, kMostFiles));
    }
    return static_cast<uint32_t>(*count);
}

Result<bool> parse_compress(std::string_view name, const std::string& text) {
    const auto on = parse_go_bool(text);
    if (!on) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid value for {}: {}", name, on.error().text()));
    }
    return *on;
}

/// One field of a tag's template.
Result<std::string> tag_field(const LogSubject& subject, std::string_view field) {
    const ContainerRecord& record = subject.record;
    const std::string image = record.image.str();
    if (field == "ID") {
        return record.id.str().substr(0, 12);
    }
    if (field == "FullID" || field == "ContainerID") {
        return record.id.str();
    }
    if (field == "Name") {
        return std::string(subject.name);
    }
    if (field == "ContainerName") {
        return "/" + std::string(subject.name);
    }
    if (field == "ImageID") {
        return image.substr(image.find(':') + 1, 12);
    }
    if (field == "ImageFullID" || field == "ContainerImageID") {
        return image;
    }
    if (field == "ImageName" || field == "ContainerImageName") {
        return record.config.image;
    }
    if (field == "Command") {
        return join(command_line(record.config), " ");
    }
    if (field == "DaemonName") {
        return std::string("gantry");
    }
    if (field == "Hostname") {
        std::array<char, 256> name{};
        return std::string(gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "");
    }
    return fail(Kind::kInvalid, fmt::format("template: log-tag: can't evaluate field {}", field));
}

/// Text with {{.Field}} in it.
Result<std::string> expand_tag(const LogSubject& subject, std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const size_t begin = text.find("{{");
        out += text.substr(0, begin);
        if (begin == text.npos) {
            break;
        }
        const size_t end = text.find("}}", begin);
        if (end == text.npos) {
            return fail(Kind::kInvalid, "template: log-tag:1: unclosed action");
        }
        const std::string_view action = trim(text.substr(begin + 2, end - begin - 2));
        if (!action.starts_with('.')) {
            return fail(Kind::kNotImplemented,
                        fmt::format("log opt tag: \"{{{{{}}}}}\" is not supported: only fields are",
                                    action.substr(0, 64)));
        }
        GT_TRY_VAR(value, tag_field(subject, action.substr(1)));
        out += value;
        text.remove_prefix(end + 2);
    }
    return out;
}

/// Adds those of MAP that the options NAME and NAME-regex choose.
Result<> choose(const LogOptionMap& options, const std::string& name, const spec::StringMap& map,
                spec::StringMap& chosen) {
    if (const std::string* const list = find_option(options, name); list != nullptr) {
        for (const std::string_view key : split(*list, ',')) {
            if (const auto found = map.find(std::string(key)); found != map.end()) {
                chosen[found->first] = found->second;
            }
        }
    }
    const std::string* const pattern = find_option(options, name + "-regex");
    if (pattern == nullptr || pattern->empty()) {
        return {};
    }
    GT_TRY_VAR(regexp, spec::Regexp::compile(*pattern));
    for (const auto& [key, value] : map) {
        if (regexp.search(key)) {
            chosen[key] = value;
        }
    }
    return {};
}

}  // namespace

const std::string* find_option(const LogOptionMap& options, std::string_view name) {
    const auto found = options.find(std::string(name));
    return found == options.end() ? nullptr : &found->second;
}

Result<bool> parse_go_bool(std::string_view text) {
    for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
        if (text == yes) {
            return true;
        }
    }
    for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
        if (text == no) {
            return false;
        }
    }
    return fail(Kind::kInvalid,
                fmt::format("strconv.ParseBool: parsing \"{}\": invalid syntax", text));
}

Result<LogFileOptions> json_file_options(const LogOptionMap& options) {
    const std::string* const size = find_option(options, "max-size");
    const std::string* const count = find_option(options, "max-file");
    const std::string* const compress = find_option(options, "compress");
    // With a size, everything is as with Docker; without one, the daemon's bound holds.
    LogFileOptions file{.format = Format::kJsonFile, .max_size = kDefaultSize};
    file.max_files = size == nullptr ? kDefaultFiles : 1;
    if (size != nullptr && *size == "-1") {
        file.max_size = -1;
    } else if (size != nullptr) {
        GT_TRY_VAR(bytes, parse_file_size("max-size", *size));
        file.max_size = bytes;
    }
    if (count != nullptr) {
        GT_TRY_VAR(number, parse_file_count("max-file", *count));
        file.max_files = number;
    }
    file.compress = size == nullptr && count == nullptr;
    if (compress != nullptr) {
        GT_TRY_VAR(on, parse_compress("compress", *compress));
        if (on && (file.max_files == 1 || file.max_size < 0)) {
            return fail(Kind::kInvalid,
                        "compress cannot be true when max-file is less than 2 or max-size is not "
                        "set");
        }
        file.compress = on;
    }
    return file;
}

Result<LogFileOptions> local_file_options(const LogOptionMap& options, std::string_view prefix) {
    const std::string size_name = fmt::format("{}max-size", prefix);
    const std::string count_name = fmt::format("{}max-file", prefix);
    const std::string compress_name = fmt::format("{}compress", prefix);
    LogFileOptions file{.format = Format::kLocal,
                        .max_size = kDefaultSize,
                        .max_files = kDefaultFiles,
                        .compress = true};
    if (const std::string* const size = find_option(options, size_name); size != nullptr) {
        GT_TRY_VAR(bytes, parse_file_size(size_name, *size));
        file.max_size = bytes;
    }
    if (const std::string* const count = find_option(options, count_name); count != nullptr) {
        GT_TRY_VAR(number, parse_file_count(count_name, *count));
        file.max_files = number;
    }
    if (const std::string* const compress = find_option(options, compress_name);
        compress != nullptr) {
        GT_TRY_VAR(on, parse_compress(compress_name, *compress));
        file.compress = on;
    }
    if (file.compress && file.max_files == 1) {
        return fail(Kind::kInvalid, "compression cannot be enabled when max file count is 1");
    }
    return file;
}

Result<spec::StringMap> log_attributes(const LogSubject& subject) {
    const LogOptionMap& options = subject.record.host.log_config.config;
    spec::StringMap chosen;
    GT_TRY(choose(options, "labels", subject.record.config.labels, chosen));
    spec::StringMap environment;
    for (const std::string& variable : subject.record.config.env) {
        const auto [name, value, given] = cut(variable, '=');
        if (given) {
            environment[std::string(name)] = value;
        }
    }
    GT_TRY(choose(options, "env", environment, chosen));
    return chosen;
}

Result<> check_attribute_options(const LogOptionMap& options) {
    for (const std::string_view name : {"labels-regex", "env-regex"}) {
        const std::string* const pattern = find_option(options, name);
        if (pattern != nullptr) {
            GT_TRY(spec::Regexp::compile(*pattern));
        }
    }
    if (const std::string* const tag = find_option(options, "tag"); tag != nullptr) {
        const ContainerRecord nobody;
        GT_TRY(expand_tag({nobody, ""}, *tag));
    }
    return {};
}

Result<std::string> log_tag(const LogSubject& subject, std::string_view fallback) {
    const std::string* const tag = find_option(subject.record.host.log_config.config, "tag");
    return expand_tag(subject, tag != nullptr && !tag->empty() ? std::string_view(*tag) : fallback);
}

}  // namespace gantry::engine
