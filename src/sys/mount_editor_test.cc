#include "sys/mount_editor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "sys/files.h"
#include "sys/namespace.h"

namespace gantry::sys {
namespace {

using InUse = MountEditor::InUse;

/// A mount namespace whose root is a tmpfs with a /dir and a /link to it.
class MountEditorTest : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "needs root to mount";
        }
        const auto made = run_on_own_thread([&]() -> Result<> {
            EXPECT_EQ(::unshare(CLONE_FS), 0);
            GT_TRY(unshare_namespace(Namespace::kMount));
            GT_TRY_VAR(ns, open_own_namespace(Namespace::kMount));
            namespace_ = std::move(ns);
            EXPECT_EQ(::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
            GT_TRY_VAR(mount, make_mount("tmpfs", {}, 0));
            EXPECT_EQ(::mkdirat(mount.get(), "dir", 0755), 0);
            EXPECT_EQ(::symlinkat("/dir", mount.get(), "link"), 0);
            EXPECT_EQ(::fchdir(mount.get()), 0);
            GT_TRY(attach_mount(mount.get(), AT_FDCWD, "/tmp"));
            EXPECT_EQ(::chdir("/tmp"), 0);
            EXPECT_EQ(::syscall(SYS_pivot_root, ".", "."), 0);
            EXPECT_EQ(::umount2(".", MNT_DETACH), 0);
            return {};
        });
        ASSERT_TRUE(made) << made.error().text();
    }

    Result<> edit(const std::function<Result<>(MountEditor&)>& body) {
        return MountEditor::edit(namespace_.get(), body);
    }

    static UniqueFd tree(const char* file) {
        auto mount = make_mount("tmpfs", {}, 0);
        EXPECT_TRUE(mount && write_file_at(mount->get(), file, file, 0600));
        return std::move(*mount);
    }

    static bool exists(const char* path) { return ::access(path, F_OK) == 0; }

    UniqueFd namespace_;
};

TEST_F(MountEditorTest, AttachesAboveAndTakesOffFromTheTop) {
    UniqueFd one = tree("one");
    UniqueFd two = tree("two");
    const auto done = edit([&](MountEditor& editor) -> Result<> {
        GT_TRY(editor.attach(one.get(), "/new/place"));
        GT_TRY(editor.attach(two.get(), "/new/place"));
        EXPECT_EQ(*editor.count("/new/place"), 2U);
        EXPECT_TRUE(exists("/new/place/two"));
        // The fds are users, too.
        one.reset();
        two.reset();
        GT_TRY_VAR(copy, editor.detach("/new/place", InUse::kRefuse));
        EXPECT_TRUE(exists("/new/place/one"));
        GT_TRY(editor.attach(copy.get(), "/dir"));
        EXPECT_TRUE(exists("/dir/two"));
        GT_TRY(editor.detach("/new/place", InUse::kRefuse));
        EXPECT_EQ(editor.detach("/new/place", InUse::kRefuse).error().kind(), Kind::kConflict);
        EXPECT_EQ(*editor.count("/new/place"), 0U);
        return {};
    });
    EXPECT_TRUE(done) << done.error().text();
}

TEST_F(MountEditorTest, LeavesWhatIsInUse) {
    UniqueFd one = tree("one");
    UniqueFd two = tree("two");
    ASSERT_EQ(::mkdirat(one.get(), "below", 0755), 0);
    const auto done = edit([&](MountEditor& editor) -> Result<> {
        GT_TRY(editor.attach(one.get(), "/dir"));
        {
            GT_TRY_VAR(held, open_file(AT_FDCWD, "/dir/one", O_RDONLY));
            EXPECT_GE(held.get(), 0);
            const auto refused = editor.detach("/dir", InUse::kRefuse);
            EXPECT_EQ(refused.error().sys_errno(), EBUSY);
            EXPECT_EQ(refused.error().kind(), Kind::kConflict);
        }
        GT_TRY(editor.attach(two.get(), "/dir/below"));
        EXPECT_EQ(editor.detach("/dir", InUse::kRefuse).error().text(),
                  "there are mounts below /dir");
        GT_TRY(editor.detach("/dir", InUse::kLetGo));
        EXPECT_FALSE(exists("/dir/one"));
        return {};
    });
    EXPECT_TRUE(done) << done.error().text();
}

/// SAFETY: whoever is in there decides where the links lead.
TEST_F(MountEditorTest, FollowsNoLink) {
    const UniqueFd one = tree("one");
    const auto done = edit([&](MountEditor& editor) -> Result<> {
        const auto through = editor.attach(one.get(), "/link/new");
        EXPECT_EQ(through.error().kind(), Kind::kConflict);
        EXPECT_EQ(through.error().text(), "/link leads elsewhere in the container, to /dir");
        EXPECT_FALSE(exists("/dir/new")) << "something was made behind the link";
        EXPECT_EQ(editor.attach(one.get(), "/link").error().kind(), Kind::kConflict);
        GT_TRY(editor.attach(one.get(), "/dir"));
        EXPECT_EQ(editor.detach("/link", InUse::kLetGo).error().kind(), Kind::kConflict);
        EXPECT_TRUE(exists("/dir/one"));
        return {};
    });
    EXPECT_TRUE(done) << done.error().text();
}

TEST_F(MountEditorTest, MakesAFileForAFile) {
    const UniqueFd one = tree("one");
    const auto done = edit([&](MountEditor& editor) -> Result<> {
        GT_TRY_VAR(file, clone_mount(one.get(), "one", Tree::kOne));
        GT_TRY(editor.attach(file.get(), "/etc/file"));
        GT_TRY_VAR(text, read_file("/etc/file", 10));
        EXPECT_EQ(text, "one");
        file.reset();
        GT_TRY(editor.detach("/etc/file", InUse::kRefuse));
        GT_TRY_VAR(empty, read_file("/etc/file", 10));
        EXPECT_EQ(empty, "");
        return {};
    });
    EXPECT_TRUE(done) << done.error().text();
}

}  // namespace
}  // namespace gantry::sys
