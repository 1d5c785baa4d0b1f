#include "sys/mounts.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "sys/files.h"
#include "sys/namespace.h"

namespace gantry::sys {
namespace {

/// Runs BODY in a mount namespace of its own that ends with it.
void in_own_mounts(const std::function<Result<>()>& body) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root to mount";
    }
    const auto done = run_on_own_thread([&]() -> Result<> {
        EXPECT_EQ(::unshare(CLONE_FS), 0);
        GT_TRY(unshare_namespace(Namespace::kMount));
        EXPECT_EQ(::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
        return body();
    });
    EXPECT_TRUE(done) << done.error().text();
}

TEST(Mounts, MakesADetachedFileSystemAndAttachesIt) {
    std::string base = testing::TempDir() + "mounts_XXXXXX";
    ASSERT_NE(::mkdtemp(base.data()), nullptr);
    in_own_mounts([&]() -> Result<> {
        const std::vector<FsOption> options{{"size", "64k"}, {"mode", "0711"}};
        GT_TRY_VAR(mount, make_mount("tmpfs", options, MOUNT_ATTR_NOEXEC));
        GT_TRY(write_file_at(mount.get(), "f", "x", 0600));
        GT_TRY_VAR(copy, clone_mount(mount.get(), "", Tree::kOne));
        GT_TRY(change_mount(copy.get(), {.set = MOUNT_ATTR_RDONLY}));
        EXPECT_EQ(write_file_at(copy.get(), "g", "x", 0600).error().sys_errno(), EROFS);
        GT_TRY(attach_mount(mount.get(), AT_FDCWD, base.c_str()));
        EXPECT_TRUE(std::filesystem::exists(base + "/f"));
        GT_TRY_VAR(mounts, read_mountinfo());
        EXPECT_EQ(mounts.back().mount_point, base);
        EXPECT_EQ(mounts.back().type, "tmpfs");
        EXPECT_NE(mounts.back().options.find("noexec"), std::string::npos);
        GT_TRY(detach_mount(base.c_str()));
        EXPECT_FALSE(std::filesystem::exists(base + "/f"));
        return detach_mount(base.c_str());
    });
    std::filesystem::remove_all(base);
}

TEST(Mounts, CarriesTheKernelsOwnWords) {
    in_own_mounts([]() -> Result<> {
        const std::vector<FsOption> options{{"no_such_option", "1"}};
        const auto mount = make_mount("tmpfs", options, 0);
        EXPECT_FALSE(mount);
        EXPECT_NE(mount.error().text().find("Unknown parameter 'no_such_option'"),
                  std::string::npos)
            << mount.error().text();
        return {};
    });
}

TEST(Mountinfo, ParsesAllFields) {
    const auto mounts = parse_mountinfo(
        "36 35 98:0 /mnt1 /a\\040b rw,noatime master:1 shared:2 - ext3 /dev/ro\\134ot rw,x=y\n"
        "1 1 0:1 / / rw - tmpfs none rw\n");
    ASSERT_TRUE(mounts) << mounts.error().text();
    ASSERT_EQ(mounts->size(), 2U);
    const MountInfo& first = mounts->front();
    EXPECT_EQ(first.id, 36U);
    EXPECT_EQ(first.device, "98:0");
    EXPECT_EQ(first.root, "/mnt1");
    EXPECT_EQ(first.mount_point, "/a b");
    EXPECT_EQ(first.optional, "master:1 shared:2");
    EXPECT_EQ(first.type, "ext3");
    EXPECT_EQ(first.source, "/dev/ro\\ot");
    EXPECT_EQ(first.super_options, "rw,x=y");
    for (const char* bad : {"x", "1 1 0:1 / / rw tmpfs", "1 1 0:1 / /\\09 rw - t s o"}) {
        EXPECT_FALSE(parse_mountinfo(bad)) << bad;
    }
}

}  // namespace
}  // namespace gantry::sys
