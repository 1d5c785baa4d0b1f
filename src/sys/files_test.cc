#include "sys/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "sys/namespace.h"

namespace gantry::sys {
namespace {

class FilesTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_NE(::mkdtemp(base_.data()), nullptr);
        auto dir = open_dir(base_.c_str());
        ASSERT_TRUE(dir);
        dir_ = std::move(*dir);
    }
    void TearDown() override { std::filesystem::remove_all(base_); }

    std::string path(const std::string& name) const { return base_ + '/' + name; }

    std::string base_ = testing::TempDir() + "files_XXXXXX";
    UniqueFd dir_;
};

TEST_F(FilesTest, ReadsUpToTheLimitAndNotBeyond) {
    const std::string text(10000, 'x');
    ASSERT_TRUE(write_file_at(dir_.get(), "f", text, 0600));
    EXPECT_EQ(*read_file_at(dir_.get(), "f", 10000), text);
    EXPECT_EQ(read_file_at(dir_.get(), "f", 9999).error().kind(), Kind::kInvalid);
    EXPECT_EQ(read_file(path("none").c_str(), 1).error().kind(), Kind::kNotFound);
}

TEST_F(FilesTest, ReplacesAFileWholeWithItsMode) {
    ASSERT_TRUE(replace_file(dir_.get(), "f", "old", 0644, Durability::kVolatile));
    const auto reader = open_file(dir_.get(), "f", O_RDONLY);
    ASSERT_TRUE(replace_file(dir_.get(), "f", "new", 0666, Durability::kDurable));
    EXPECT_EQ(*read_all(reader->get(), 10), "old") << "who has it open keeps the old one";
    EXPECT_EQ(*read_file_at(dir_.get(), "f", 10), "new");
    struct stat status;
    ASSERT_EQ(::stat(path("f").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0666U) << "the umask does not count";
    EXPECT_EQ(list_dir(dir_.get(), ".")->size(), 1U) << "no temporary file is left";
}

TEST_F(FilesTest, ReplacingFailsCleanly) {
    ASSERT_EQ(::mkdir(path("d").c_str(), 0700), 0);
    EXPECT_FALSE(replace_file(dir_.get(), "d", "x", 0644, Durability::kVolatile));
    EXPECT_EQ(list_dir(dir_.get(), ".")->size(), 1U) << "no temporary file is left";
}

TEST_F(FilesTest, MakesDirectories) {
    EXPECT_TRUE(make_dirs(path("a/b//c/").c_str(), 0755));
    EXPECT_TRUE(make_dirs(path("a/b/c").c_str(), 0755));
    ASSERT_TRUE(write_file_at(dir_.get(), "f", "", 0600));
    EXPECT_FALSE(make_dirs(path("f").c_str(), 0755));
    EXPECT_FALSE(make_dirs(path("f/g").c_str(), 0755));
}

TEST_F(FilesTest, RemovesATreeWithoutFollowingLinks) {
    ASSERT_TRUE(make_dirs(path("t/a/b/c").c_str(), 0755));
    ASSERT_TRUE(make_dirs(path("keep").c_str(), 0755));
    ASSERT_TRUE(write_file_at(dir_.get(), "keep/f", "x", 0600));
    ASSERT_TRUE(write_file_at(dir_.get(), "t/a/f", "x", 0600));
    ASSERT_EQ(::symlink("../../keep", path("t/a/link").c_str()), 0);
    ASSERT_EQ(::symlink("keep", path("top").c_str()), 0);
    EXPECT_TRUE(remove_tree(dir_.get(), "t"));
    EXPECT_TRUE(remove_tree(dir_.get(), "top"));
    EXPECT_FALSE(std::filesystem::exists(path("t")));
    EXPECT_FALSE(std::filesystem::is_symlink(path("top")));
    EXPECT_TRUE(std::filesystem::exists(path("keep/f")));
    EXPECT_TRUE(remove_tree(dir_.get(), "t")) << "what is gone is gone";
}

TEST_F(FilesTest, RemovesATreeDeeperThanPathsCanName) {
    UniqueFd at(::open(base_.c_str(), O_RDONLY | O_CLOEXEC));
    const std::string name(200, 'd');
    for (int depth = 0; depth < 100; ++depth) {
        ASSERT_EQ(::mkdirat(at.get(), name.c_str(), 0755), 0);
        at.reset(::openat(at.get(), name.c_str(), O_RDONLY | O_CLOEXEC));
    }
    at.reset();
    EXPECT_TRUE(remove_tree(dir_.get(), name.c_str()));
    EXPECT_TRUE(list_dir(dir_.get(), ".")->empty());
}

TEST_F(FilesTest, DoesNotReachIntoAMountBelow) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root to mount";
    }
    ASSERT_TRUE(make_dirs(path("t/mounted").c_str(), 0755));
    ASSERT_TRUE(make_dirs(path("t/other").c_str(), 0755));
    const auto done = run_on_own_thread([this]() -> Result<> {
        // The file system structure must be this thread's own before its mount namespace can be.
        EXPECT_EQ(::unshare(CLONE_FS), 0);
        GT_TRY(unshare_namespace(Namespace::kMount));
        EXPECT_EQ(::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
        EXPECT_EQ(::mount("tmpfs", path("t/mounted").c_str(), "tmpfs", 0, nullptr), 0);
        GT_TRY(write_file_at(AT_FDCWD, path("t/mounted/f").c_str(), "x", 0600));
        // An O_PATH fd of the old namespace would not see the mount.
        GT_TRY_VAR(dir, open_dir(base_.c_str()));
        const auto removed = remove_tree(dir.get(), "t");
        EXPECT_FALSE(removed);
        EXPECT_EQ(removed.error().sys_errno(), EBUSY) << removed.error().text();
        EXPECT_TRUE(std::filesystem::exists(path("t/mounted/f")));
        EXPECT_FALSE(std::filesystem::exists(path("t/other"))) << "the rest is gone";
        return {};
    });
    EXPECT_TRUE(done) << done.error().text();
    EXPECT_TRUE(remove_tree(dir_.get(), "t"));
}

TEST_F(FilesTest, LocksAgainstOthers) {
    const std::string lock = path("lock");
    auto first = lock_file(lock.c_str());
    ASSERT_TRUE(first);
    EXPECT_EQ(lock_file(lock.c_str()).error().kind(), Kind::kConflict);
    first->reset();
    EXPECT_TRUE(lock_file(lock.c_str()));
}

TEST(Memfd, CannotBeChangedAnyMore) {
    auto fd = make_sealed_memfd("test", "content");
    ASSERT_TRUE(fd);
    EXPECT_EQ(*read_all(fd->get(), 100), "content");
    EXPECT_LT(::write(fd->get(), "x", 1), 0);
    EXPECT_NE(::ftruncate(fd->get(), 0), 0);
}

}  // namespace
}  // namespace gantry::sys
