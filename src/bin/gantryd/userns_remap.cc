#include "bin/gantryd/userns_remap.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <grp.h>
#include <pwd.h>

#include <vector>

#include "base/log.h"
#include "base/text.h"
#include "sys/files.h"
#include "sys/sub_ids.h"

namespace gantry::daemon {
namespace {

constexpr size_t kMaxFile = size_t{4} << 20;
constexpr uint32_t kDefaultCount = 65536;
constexpr mode_t kFileMode = 0644;
constexpr const char* kDefaultUser = "dockremap";

/// NAME and, if it is known, what else it is called in /etc/subuid: a number or a name.
std::vector<std::string> owners_of_user(const std::string& name) {
    std::vector<std::string> owners = {name};
    if (const auto number = parse_uint(name)) {
        if (const passwd* entry = ::getpwuid(static_cast<uid_t>(*number))) {
            owners.emplace_back(entry->pw_name);
        }
    } else if (const passwd* entry = ::getpwnam(name.c_str())) {
        owners.push_back(fmt::format("{}", entry->pw_uid));
    }
    return owners;
}

std::vector<std::string> owners_of_group(const std::string& name) {
    std::vector<std::string> owners = {name};
    if (const auto number = parse_uint(name)) {
        if (const group* entry = ::getgrgid(static_cast<gid_t>(*number))) {
            owners.emplace_back(entry->gr_name);
        }
    } else if (const group* entry = ::getgrnam(name.c_str())) {
        owners.push_back(fmt::format("{}", entry->gr_gid));
    }
    return owners;
}

Result<> add_default_range(const char* path, const std::string& text) {
    const std::string line =
        fmt::format("{}:{}:{}\n", kDefaultUser, sys::first_free_sub_id(text), kDefaultCount);
    GT_TRY_VAR(file, sys::open_file(AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT, kFileMode));
    GT_TRY(sys::write_all(file.get(), (text.empty() || text.ends_with('\n') ? "" : "\n") + line));
    log::info("gave containers a range of ids", {{"file", path}, {"range", trim(line)}});
    return {};
}

/// KIND is "uid" or "gid".
Result<std::vector<sys::IdRange>> ranges_of(std::string_view kind,
                                            const std::vector<std::string>& owners) {
    const std::string path = fmt::format("/etc/sub{}", kind);
    auto text = sys::read_file(path.c_str(), kMaxFile);
    if (!text && text.error().kind() != Kind::kNotFound) {
        return Failure(std::move(text).error());
    }
    auto ranges = sys::parse_sub_ids(text.value_or(""), owners);
    if (!ranges && ranges.error().kind() == Kind::kNotFound && owners.front() == kDefaultUser) {
        GT_TRY(add_default_range(path.c_str(), text.value_or("")));
        GT_TRY_VAR(again, sys::read_file(path.c_str(), kMaxFile));
        ranges = sys::parse_sub_ids(again, owners);
    }
    if (!ranges && ranges.error().kind() == Kind::kNotFound) {
        return fail(Kind::kInvalid,
                    fmt::format("No sub{} ranges found for {} \"{}\" in {}", kind,
                                kind == "uid" ? "user" : "group", owners.front(), path));
    }
    return ranges;
}

}  // namespace

Result<sys::IdMaps> read_id_maps(const std::string& value) {
    sys::IdMaps map;
    if (value.empty()) {
        return map;
    }
    const auto [user_part, group_part, has_group] = cut(value, ':');
    if (user_part.empty() || (has_group && group_part.empty()) ||
        group_part.find(':') != std::string_view::npos) {
        return fail(Kind::kInvalid, fmt::format("invalid user/group specification in "
                                                "--userns-remap: \"{}\"",
                                                value));
    }
    const std::string user(user_part == "default" ? kDefaultUser : user_part);
    const std::string group = has_group ? std::string(group_part) : user;
    GT_TRY_VAR(uids, ranges_of("uid", owners_of_user(user)));
    GT_TRY_VAR(gids, ranges_of("gid", owners_of_group(group)));
    map.uids = std::move(uids);
    map.gids = std::move(gids);
    return map;
}

}  // namespace gantry::daemon
