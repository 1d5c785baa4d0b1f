#include "sys/xattrs.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "sys/files.h"

namespace gantry::sys {
namespace {

TEST(Xattrs, WorkOnFilesAndOnLinksThemselves) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "trusted attributes need root";
    }
    std::string base = testing::TempDir() + "xattrs_XXXXXX";
    ASSERT_NE(::mkdtemp(base.data()), nullptr);
    const auto dir = open_dir(base.c_str());
    ASSERT_EQ(::symlinkat("nowhere", dir->get(), "link"), 0);
    const auto link = open_file(dir->get(), "link", O_PATH | O_NOFOLLOW);
    const std::string value("a\0b", 3);
    const std::string large(1000, 'x');
    ASSERT_TRUE(set_xattr(link->get(), "trusted.gantry", value));
    ASSERT_TRUE(set_xattr(dir->get(), "trusted.large", large));
    EXPECT_EQ(**get_xattr(link->get(), "trusted.gantry"), value);
    EXPECT_EQ(**get_xattr(dir->get(), "trusted.large"), large);
    EXPECT_EQ(*list_xattrs(link->get()), std::vector<std::string>{"trusted.gantry"});
    EXPECT_TRUE(remove_xattr(link->get(), "trusted.gantry"));
    EXPECT_TRUE(remove_xattr(link->get(), "trusted.gantry")) << "twice is fine";
    EXPECT_FALSE(*get_xattr(link->get(), "trusted.gantry"));
    std::filesystem::remove_all(base);
}

TEST(Xattrs, SayWhatAFileSystemCannotDo) {
    const auto proc = open_file(AT_FDCWD, "/proc/self/status", O_RDONLY);
    EXPECT_EQ(set_xattr(proc->get(), "user.x", "y").error().kind(), Kind::kNotImplemented);
    EXPECT_FALSE(*get_xattr(proc->get(), "user.x"));
}

}  // namespace
}  // namespace gantry::sys
