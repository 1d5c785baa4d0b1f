#include "sys/user_db.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "sys/files.h"
#include "sys/root_dir.h"

namespace gantry::sys {
namespace {

constexpr size_t kMaxFile = 1 << 20;
// runc's limits: ids are signed 32-bit numbers there.
constexpr uint64_t kMaxId = (uint64_t{1} << 31) - 1;

/// A line of either file with its fields; the parsers below know which is which.
using Fields = std::vector<std::string_view>;

/// Calls VISIT with the fields of each entry until it returns true. Comments, blank lines and lines
/// with fewer than MIN_FIELDS fields are no entries.
template <class Visit>
void for_each_entry(std::string_view text, size_t min_fields, Visit visit) {
    while (!text.empty()) {
        const Cut line = cut(text, '\n');
        text = line.after;
        const std::string_view entry = trim(line.before);
        if (entry.empty() || entry.front() == '#') {
            continue;
        }
        const Fields fields = split(entry, ':');
        if (fields.size() >= min_fields && visit(fields)) {
            return;
        }
    }
}

std::optional<uint32_t> parse_id(std::string_view text) {
    const auto id = parse_uint(text);
    return id && *id <= kMaxId ? std::optional(static_cast<uint32_t>(*id)) : std::nullopt;
}

/// Digits name an id, whatever their size: one that is too large is an error, not a name.
bool looks_numeric(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct PasswdEntry {
    std::string name;
    uid_t uid;
    gid_t gid;
    std::string home;
};

/// The first entry with the id when USER is a number, else with the name. SAFETY: digits are never
/// looked up as a name: an image could give the name "1000" to uid 0 (CVE-2026-46680).
std::optional<PasswdEntry> find_user(std::string_view passwd, std::string_view user) {
    const auto wanted_id = parse_id(user);
    std::optional<PasswdEntry> found;
    for_each_entry(passwd, 4, [&](const Fields& fields) {
        const auto uid = parse_id(fields[2]);
        const auto gid = parse_id(fields[3]);
        if (!uid || !gid || (looks_numeric(user) ? uid != wanted_id : fields[0] != user)) {
            return false;
        }
        found = PasswdEntry{std::string(fields[0]), *uid, *gid,
                            fields.size() > 5 ? std::string(fields[5]) : std::string()};
        return true;
    });
    return found;
}

std::optional<gid_t> find_group(std::string_view group_file, std::string_view group) {
    const auto wanted_id = parse_id(group);
    std::optional<gid_t> found;
    for_each_entry(group_file, 3, [&](const Fields& fields) {
        const auto gid = parse_id(fields[2]);
        if (!gid || (looks_numeric(group) ? gid != wanted_id : fields[0] != group)) {
            return false;
        }
        found = *gid;
        return true;
    });
    return found;
}

std::vector<gid_t> memberships(std::string_view group_file, std::string_view user_name) {
    std::vector<gid_t> gids;
    for_each_entry(group_file, 4, [&](const Fields& fields) {
        const Fields members = split(fields[3], ',');
        const auto gid = parse_id(fields[2]);
        if (gid && std::find(members.begin(), members.end(), user_name) != members.end()) {
            gids.push_back(*gid);
        }
        return false;
    });
    return gids;
}

Failure out_of_range() {
    return fail(Kind::kInvalid, "uids and gids must be in range 0-2147483647");
}

Result<gid_t> resolve_group(std::string_view group_file, std::string_view group) {
    if (const auto gid = find_group(group_file, group)) {
        return *gid;
    }
    if (!looks_numeric(group)) {
        return fail(
            Kind::kInvalid,
            fmt::format("unable to find group {}: no matching entries in group file", group));
    }
    if (const auto gid = parse_id(group)) {
        return *gid;
    }
    return out_of_range();
}

Result<std::string> read_part(const RootDir& root, const char* path) {
    auto fd = root.open_regular(path);
    if (!fd) {
        if (fd.error().kind() == Kind::kNotFound) {
            return std::string();
        }
        return Failure(std::move(fd).error());
    }
    auto text = read_all(fd->get(), kMaxFile);
    if (!text) {
        return Failure(std::move(text).error().in(path));
    }
    return text;
}

}  // namespace

Result<UserDb> read_user_db(int root) {
    GT_TRY_VAR(own, open_file(root, ".", O_PATH | O_DIRECTORY));
    const RootDir dir = RootDir::from_fd(std::move(own));
    GT_TRY_VAR(passwd, read_part(dir, "etc/passwd"));
    GT_TRY_VAR(group, read_part(dir, "etc/group"));
    return UserDb{std::move(passwd), std::move(group)};
}

Result<UserIds> resolve_user(const UserDb& db, std::string_view user,
                             std::span<const std::string> groups_added) {
    const Cut parts = cut(user, ':');
    const std::string_view name = parts.before.empty() ? "0" : parts.before;
    UserIds ids;
    std::string user_name;
    if (auto entry = find_user(db.passwd, name)) {
        ids.uid = entry->uid;
        ids.gid = entry->gid;
        user_name = std::move(entry->name);
        if (!entry->home.empty()) {
            ids.home = std::move(entry->home);
        }
    } else if (!looks_numeric(name)) {
        return fail(
            Kind::kInvalid,
            fmt::format("unable to find user {}: no matching entries in passwd file", name));
    } else if (const auto uid = parse_id(name)) {
        ids.uid = *uid;
    } else {
        return out_of_range();
    }

    if (!parts.after.empty()) {
        GT_TRY_VAR(gid, resolve_group(db.group, parts.after));
        ids.gid = gid;
    } else if (!user_name.empty()) {
        ids.additional_gids = memberships(db.group, user_name);
    }
    for (const std::string& group : groups_added) {
        GT_TRY_VAR(gid, resolve_group(db.group, group));
        ids.additional_gids.push_back(gid);
    }
    std::vector<gid_t>& gids = ids.additional_gids;
    std::sort(gids.begin(), gids.end());
    gids.erase(std::unique(gids.begin(), gids.end()), gids.end());
    return ids;
}

}  // namespace gantry::sys
