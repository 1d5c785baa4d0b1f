#include "sys/project_quota.h"

#include <fmt/core.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "sys/syscalls.h"

namespace gantry::sys {
namespace {

constexpr uint64_t kQuotaBlock = 1024;

/// QCMD() shifts into the sign.
constexpr unsigned project_command(unsigned command) {
    return command << SUBCMDSHIFT | PRJQUOTA;
}

Result<if_dqblk> read_quota(int dir, uint32_t project) {
    if_dqblk quota{};
    if (quotactl_fd(dir, project_command(Q_GETQUOTA), project, &quota) < 0) {
        if (errno == ENOENT) {
            return if_dqblk{};  // xfs: nobody has asked for it yet
        }
        return fail_errno(fmt::format("read the quota of project {}", project));
    }
    return quota;
}

}  // namespace

bool has_project_quota(int dir) {
    fs_quota_stat state{};
    return quotactl_fd(dir, project_command(Q_XGETQSTAT), 0, &state) == 0 &&
           (state.qs_flags & FS_QUOTA_PDQ_ENFD) != 0;
}

Result<> set_project(int dir, uint32_t project) {
    fsxattr attributes{};
    if (::ioctl(dir, FS_IOC_FSGETXATTR, &attributes) < 0) {
        return fail_errno("read a directory's project");
    }
    attributes.fsx_projid = project;
    attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    if (::ioctl(dir, FS_IOC_FSSETXATTR, &attributes) < 0) {
        return fail_errno(fmt::format("give a directory to project {}", project));
    }
    return {};
}

Result<> limit_project(int dir, uint32_t project, uint64_t bytes) {
    if_dqblk quota{};
    quota.dqb_bhardlimit = bytes / kQuotaBlock + (bytes % kQuotaBlock == 0 ? 0 : 1);
    quota.dqb_valid = QIF_BLIMITS;
    if (quotactl_fd(dir, project_command(Q_SETQUOTA), project, &quota) < 0) {
        return fail_errno(fmt::format("limit project {}", project));
    }
    return {};
}

Result<bool> is_project_in_use(int dir, uint32_t project) {
    GT_TRY_VAR(quota, read_quota(dir, project));
    return quota.dqb_curspace != 0 || quota.dqb_curinodes != 0 || quota.dqb_bhardlimit != 0 ||
           quota.dqb_bsoftlimit != 0 || quota.dqb_ihardlimit != 0 || quota.dqb_isoftlimit != 0;
}

}  // namespace gantry::sys
