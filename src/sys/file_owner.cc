#include "sys/file_owner.h"

#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace gantry::sys {
namespace {

using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

/// Makes everything effective that the thread may have: leaving fsuid 0 takes the rights over files
/// away.
Result<> raise_all() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    Sets sets{};
    if (::syscall(SYS_capget, &header, sets.data()) < 0) {
        return fail_errno("capget");
    }
    for (__user_cap_data_struct& set : sets) {
        set.effective = set.permitted;
    }
    if (::syscall(SYS_capset, &header, sets.data()) < 0) {
        return fail_errno("capset");
    }
    return {};
}

/// setfsuid(2) does not say whether it worked: asked again with a wrong id it tells what is.
bool has_become(uid_t uid, gid_t gid) {
    return static_cast<uid_t>(::setfsuid(static_cast<uid_t>(-1))) == uid &&
           static_cast<gid_t>(::setfsgid(static_cast<gid_t>(-1))) == gid;
}

}  // namespace

Result<FileOwner> FileOwner::become(uid_t uid, gid_t gid) {
    FileOwner owner;
    // ORDER: the group first, while the user still may.
    (void)::setfsgid(gid);
    (void)::setfsuid(uid);
    if (!has_become(uid, gid)) {
        return fail(Kind::kForbidden, "cannot make files as another user");
    }
    GT_TRY(raise_all());
    return owner;
}

FileOwner::~FileOwner() {
    if (active_) {
        (void)::setfsuid(::geteuid());
        (void)::setfsgid(::getegid());
    }
}

}  // namespace gantry::sys
