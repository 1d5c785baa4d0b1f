#include "sys/project_quota.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "sys/files.h"

namespace gantry::sys {
namespace {

// Far from what others may use on the machine's own file system.
constexpr uint32_t kProject = 0x6a117e57;

class ProjectQuotaTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
        dir_ = UniqueFd(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_TRUE(dir_);
        if (!has_project_quota(dir_.get())) {
            GTEST_SKIP() << "no project quotas in " << testing::TempDir();
        }
    }
    void TearDown() override {
        std::filesystem::remove_all(directory_);
        if (has_project_quota(dir_.get())) {
            EXPECT_TRUE(limit_project(dir_.get(), kProject, 0));
        }
    }

    std::string directory_ = testing::TempDir() + "project_XXXXXX";
    UniqueFd dir_;
};

TEST_F(ProjectQuotaTest, KnowsWhoHasOne) {
    auto used = is_project_in_use(dir_.get(), kProject);
    ASSERT_TRUE(used) << used.error().text();
    EXPECT_FALSE(*used);
    ASSERT_TRUE(limit_project(dir_.get(), kProject, 1));
    used = is_project_in_use(dir_.get(), kProject);
    ASSERT_TRUE(used);
    EXPECT_TRUE(*used);
    ASSERT_TRUE(limit_project(dir_.get(), kProject, 0));
    ASSERT_TRUE(set_project(dir_.get(), kProject));
    used = is_project_in_use(dir_.get(), kProject);
    ASSERT_TRUE(used);
    EXPECT_TRUE(*used);
}

TEST_F(ProjectQuotaTest, WhatIsMadeBelowHasItToo) {
    ASSERT_TRUE(set_project(dir_.get(), kProject));
    std::filesystem::create_directory(directory_ + "/below");
    const auto below = open_file(dir_.get(), "below", O_RDONLY | O_DIRECTORY);
    ASSERT_TRUE(below);
    ASSERT_TRUE(limit_project(dir_.get(), kProject, 1 << 20));
    // Only who may not ignore limits is held to them; that the number is there shows in the count.
    ASSERT_TRUE(write_file_at(below->get(), "file", std::string(1 << 16, 'x'), 0644));
    ASSERT_EQ(::syncfs(dir_.get()), 0);
    const auto used = is_project_in_use(dir_.get(), kProject);
    EXPECT_TRUE(used && *used);
}

TEST(ProjectQuota, IsNotOnTmpfsOrProc) {
    const auto dir = open_file(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
    ASSERT_TRUE(dir);
    EXPECT_FALSE(has_project_quota(dir->get()));
    EXPECT_FALSE(limit_project(dir->get(), kProject, 1));
}

}  // namespace
}  // namespace gantry::sys
