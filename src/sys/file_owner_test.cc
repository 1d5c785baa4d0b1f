#include "sys/file_owner.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "sys/files.h"

namespace gantry::sys {
namespace {

TEST(FileOwner, MakesFilesForAnotherWithRootsRights) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root";
    }
    std::string base = testing::TempDir() + "owner_XXXXXX";
    ASSERT_NE(::mkdtemp(base.data()), nullptr);
    struct stat status{};
    {
        const auto owner = FileOwner::become(100000, 100001);
        ASSERT_TRUE(owner) << owner.error().text();
        // Into a directory that is root's and closed, and then given to somebody else.
        ASSERT_EQ(::mkdir((base + "/theirs").c_str(), 0700), 0);
        ASSERT_EQ(::lstat((base + "/theirs").c_str(), &status), 0);
        EXPECT_EQ(status.st_uid, 100000U);
        EXPECT_EQ(status.st_gid, 100001U);
        EXPECT_EQ(::chown((base + "/theirs").c_str(), 5, 6), 0);
    }
    ASSERT_EQ(::mkdir((base + "/ours").c_str(), 0700), 0);
    ASSERT_EQ(::lstat((base + "/ours").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 0U);
    EXPECT_EQ(status.st_gid, ::getegid());
    std::filesystem::remove_all(base);
}

}  // namespace
}  // namespace gantry::sys
