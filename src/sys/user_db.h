#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::sys {

/// Content of a container's /etc/passwd and /etc/group, read by our own bounded parser: no NSS, no
/// code of the container (SAFETY: P2). Missing files are empty ones.
struct UserDb {
    std::string passwd;
    std::string group;
};

/// Reads the two files below ROOT, a directory fd. Each must be a regular file of at most 1 MiB
/// (kInvalid otherwise); a missing one is empty. Nothing outside ROOT is reached.
Result<UserDb> read_user_db(int root);

/// Who a container's process is.
struct UserIds {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> additional_gids;  // ascending, without gid twice
    std::string home = "/";
};

/// Resolves Docker's --user ("", "name", "uid", "name:group", "uid:gid") and --group-add as Docker
/// and runc do (COMPAT: behaviour G5): a numeric user needs no entry and has gid 0 then, groups
/// given with the user replace the primary one and drop the memberships of the file, ids are
/// 0..2147483647. Pure. Errors are kInvalid with the text users know: "unable to find user nosuch:
/// no matching entries in passwd file".
Result<UserIds> resolve_user(const UserDb& db, std::string_view user,
                             std::span<const std::string> groups_added);

}  // namespace gantry::sys
