#include "cli/run/key_value.h"

#include <fmt/core.h>

#include <cstdlib>

#include "base/text.h"
#include "cli/read_file.h"

namespace gantry::cli {
namespace {

constexpr size_t kMaxFile = 16UL << 20;
constexpr std::string_view kBom = "\xef\xbb\xbf";
constexpr std::string_view kBlanks = " \t";

/// The lines of an env or label file: no comments, no empty ones, no blanks in names.
Result<std::vector<std::string>> read_lines(const std::string& path) {
    GT_TRY_VAR(content, read_file(path, kMaxFile));
    std::string_view rest = content;
    if (rest.starts_with(kBom)) {
        rest.remove_prefix(kBom.size());
    }
    std::vector<std::string> lines;
    for (std::string_view line : split(rest, '\n')) {
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        const std::string_view name = cut(line, '=').before;
        if (name.empty()) {
            return fail(Kind::kInvalid, fmt::format("invalid env file ({}): no variable name on "
                                                    "line '{}'",
                                                    path, line));
        }
        if (name.find_first_of(kBlanks) != std::string_view::npos) {
            return fail(Kind::kInvalid, fmt::format("invalid env file ({}): variable '{}' contains "
                                                    "whitespaces",
                                                    path, name));
        }
        lines.emplace_back(line);
    }
    return lines;
}

}  // namespace

Result<std::vector<std::string>> read_environment(std::span<const std::string> files,
                                                  std::span<const std::string> flags) {
    std::vector<std::string> all;
    const auto add = [&](const std::string& entry, bool keep_unset) {
        const char* own = nullptr;
        if (entry.find('=') == std::string::npos) {
            own = std::getenv(entry.c_str());
            if (own == nullptr && !keep_unset) {
                return;
            }
        }
        all.push_back(own == nullptr ? entry : fmt::format("{}={}", entry, own));
    };
    for (const std::string& file : files) {
        GT_TRY_VAR(lines, read_lines(file));
        for (const std::string& line : lines) {
            add(line, /*keep_unset=*/false);
        }
    }
    for (const std::string& flag : flags) {
        add(flag, /*keep_unset=*/true);
    }
    return all;
}

Result<spec::StringMap> read_labels(std::span<const std::string> files,
                                    std::span<const std::string> flags) {
    std::vector<std::string> all;
    for (const std::string& file : files) {
        GT_TRY_VAR(lines, read_lines(file));
        all.insert(all.end(), lines.begin(), lines.end());
    }
    all.insert(all.end(), flags.begin(), flags.end());
    return to_map(all);
}

spec::StringMap to_map(std::span<const std::string> pairs) {
    spec::StringMap map;
    for (const std::string& pair : pairs) {
        const auto [key, value, assigned] = cut(pair, '=');
        map[std::string(key)] = value;
    }
    return map;
}

}  // namespace gantry::cli
