#include "sys/sub_ids.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace gantry::sys {
namespace {

constexpr uint64_t kMaxId = UINT32_MAX;
constexpr uint64_t kFirst = 100'000;

/// The numbers of one line, whoever it is for.
std::optional<IdRange> parse_line(const std::vector<std::string_view>& fields) {
    const auto first = parse_uint(fields[1]);
    const auto count = parse_uint(fields[2]);
    if (!first || !count || *count == 0 || *first > kMaxId || *count > kMaxId - *first) {
        return std::nullopt;
    }
    return IdRange{.inside = 0,
                   .outside = static_cast<uint32_t>(*first),
                   .count = static_cast<uint32_t>(*count)};
}

}  // namespace

Result<std::vector<IdRange>> parse_sub_ids(std::string_view file,
                                           std::span<const std::string> owners) {
    std::vector<IdRange> ranges;
    uint64_t next = 0;
    for (const std::string_view line : split(file, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() != 3 || std::ranges::find(owners, fields[0]) == owners.end()) {
            continue;
        }
        auto range = parse_line(fields);
        if (!range || next + range->count > kMaxId) {
            return fail(Kind::kInvalid, fmt::format("not a range of ids: \"{}\"", line));
        }
        range->inside = static_cast<uint32_t>(next);
        next += range->count;
        ranges.push_back(*range);
    }
    if (ranges.empty()) {
        return fail(Kind::kNotFound,
                    fmt::format("no ranges for user \"{}\"", owners.empty() ? "" : owners.front()));
    }
    return ranges;
}

uint32_t first_free_sub_id(std::string_view file) {
    uint64_t free = kFirst;
    for (const std::string_view line : split(file, '\n')) {
        const auto fields = split(line, ':');
        const auto range = fields.size() == 3 ? parse_line(fields) : std::nullopt;
        if (range) {
            free = std::max(free, uint64_t{range->outside} + range->count);
        }
    }
    return static_cast<uint32_t>(std::min(free, kMaxId));
}

}  // namespace gantry::sys
