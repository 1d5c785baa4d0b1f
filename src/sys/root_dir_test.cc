#include "sys/root_dir.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "sys/files.h"

namespace gantry::sys {
namespace {

/// A tree full of links that try to leave it, beside a file that must not be reached.
class RootDirTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_NE(::mkdtemp(base_.data()), nullptr);
        std::filesystem::create_directories(tree() + "/etc");
        ASSERT_EQ(::symlink("/", (tree() + "/absolute").c_str()), 0);
        ASSERT_EQ(::symlink("../../../..", (tree() + "/upwards").c_str()), 0);
        ASSERT_EQ(::symlink("/proc/self/root", (tree() + "/magic").c_str()), 0);
        ASSERT_EQ(::symlink("/nowhere", (tree() + "/dangling").c_str()), 0);
        ASSERT_EQ(::symlink("loop", (tree() + "/loop").c_str()), 0);
        ASSERT_EQ(::mkfifo((tree() + "/fifo").c_str(), 0600), 0);
        auto root = RootDir::open(tree().c_str());
        ASSERT_TRUE(root);
        root_.emplace(std::move(*root));
    }
    void TearDown() override { std::filesystem::remove_all(base_); }

    std::string tree() const { return base_ + "/tree"; }

    std::string base_ = testing::TempDir() + "root_dir_XXXXXX";
    std::optional<RootDir> root_;
};

TEST_F(RootDirTest, LinksStayInside) {
    for (const char* way : {"absolute/etc", "upwards/etc", "/etc", "../../etc", "etc"}) {
        EXPECT_TRUE(root_->open_at(way, O_PATH | O_DIRECTORY)) << way;
    }
    for (const char* way : {"absolute/usr", "upwards/usr", "/usr", "../../usr"}) {
        auto opened = root_->open_at(way, O_PATH);
        ASSERT_FALSE(opened) << way << " led out of the tree";
        EXPECT_EQ(opened.error().kind(), Kind::kNotFound) << opened.error().text();
    }
}

TEST_F(RootDirTest, MakesDirectoriesWhereAProcessInsideWouldSeeThem) {
    ASSERT_TRUE(root_->make_dirs("absolute/var/../var/lib", 0755));
    EXPECT_TRUE(std::filesystem::is_directory(tree() + "/var/lib"));
    EXPECT_FALSE(std::filesystem::exists(base_ + "/var"));
}

TEST_F(RootDirTest, RefusesWhatLeadsNowhere) {
    auto made = root_->make_dirs("dangling/sub", 0755);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind(), Kind::kNotFound) << made.error().text();
    EXPECT_FALSE(std::filesystem::exists(tree() + "/nowhere"));
}

TEST_F(RootDirTest, RefusesPathsThatAreNone) {
    using namespace std::string_view_literals;
    for (const std::string_view path : {"loop"sv, "fifo/x"sv, "a\0b"sv}) {
        auto opened = root_->open_at(path, O_PATH);
        ASSERT_FALSE(opened) << path;
        EXPECT_EQ(opened.error().kind(), Kind::kInvalid) << opened.error().text();
    }
    EXPECT_FALSE(root_->open_at(std::string(5000, 'x'), O_PATH));
}

TEST_F(RootDirTest, OpensOnlyRegularFiles) {
    ASSERT_TRUE(write_file_at(AT_FDCWD, (tree() + "/file").c_str(), "text", 0644));
    auto file = root_->open_regular("absolute/file");
    ASSERT_TRUE(file) << file.error().text();
    EXPECT_EQ(*read_all(file->get(), 10), "text");
    for (const char* other : {"fifo", "etc"}) {
        auto opened = root_->open_regular(other);
        ASSERT_FALSE(opened) << other;
        EXPECT_EQ(opened.error().kind(), Kind::kInvalid);
    }
}

TEST_F(RootDirTest, PlacesAnEntryThatMayNotExist) {
    auto place = root_->place("absolute/etc/new");
    ASSERT_TRUE(place) << place.error().text();
    EXPECT_EQ(place->name, "new");
    ASSERT_TRUE(write_file_at(place->dir.get(), place->name.c_str(), "", 0644));
    EXPECT_TRUE(std::filesystem::exists(tree() + "/etc/new"));
    for (const char* none : {"", "/", ".", "etc/..", "etc/."}) {
        EXPECT_FALSE(root_->place(none)) << none;
    }
    ASSERT_TRUE(root_->make_place("deep/er/x/", 0755));
    EXPECT_TRUE(std::filesystem::is_directory(tree() + "/deep/er"));
}

TEST_F(RootDirTest, LooksAtLinksThemselvesWhenAsked) {
    EXPECT_EQ(*root_->read_link("dangling"), "/nowhere");
    EXPECT_EQ(root_->read_link("etc").error().kind(), Kind::kInvalid);
    EXPECT_TRUE(S_ISLNK(root_->stat("absolute", LastLink::kKeep)->st_mode));
    EXPECT_TRUE(S_ISDIR(root_->stat("absolute")->st_mode));
    ASSERT_TRUE(root_->symlink("anything at all", "etc/link"));
    EXPECT_EQ(*root_->read_link("etc/link"), "anything at all");
    EXPECT_EQ(root_->symlink("x", "etc/link").error().kind(), Kind::kConflict);
}

TEST(RootDir, SaysWhatIsMissing) {
    auto root = RootDir::open("/no/such/tree");
    ASSERT_FALSE(root);
    EXPECT_EQ(std::move(root).error().in("layer 12ab").text(),
              "layer 12ab: open /no/such/tree: No such file or directory");
}

}  // namespace
}  // namespace gantry::sys
