#include "sys/user_db.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "sys/files.h"

namespace gantry::sys {
namespace {

const UserDb kDb{
    .passwd =
        "root:x:0:0:root:/root:/bin/sh\n"
        "# comment:x:1:1::/:\n"
        "broken line\n"
        "web:x:1000:1001:Web:/home/web:/bin/sh\n"
        "short:x:7:8\n"
        "huge:x:4294967296:1::/:\n"
        "1005:x:42:43::/odd:\n",
    .group =
        "root:x:0:\n"
        "web:x:1001:\n"
        "video:x:44:web,other\n"
        "audio:x:29:other,web\n",
};

UserIds resolve(const std::string& user, const std::vector<std::string>& added = {}) {
    auto ids = resolve_user(kDb, user, added);
    EXPECT_TRUE(ids) << ids.error().text();
    return ids ? *ids : UserIds{};
}

std::string refusal(const std::string& user, const UserDb& db = kDb) {
    const auto ids = resolve_user(db, user, {});
    return ids ? "no error" : ids.error().text();
}

TEST(UserDb, FindsUsersByNameAndNumber) {
    for (const char* user : {"web", "1000"}) {
        const UserIds ids = resolve(user);
        EXPECT_EQ(ids.uid, 1000U);
        EXPECT_EQ(ids.gid, 1001U);
        EXPECT_EQ(ids.home, "/home/web");
        EXPECT_EQ(ids.additional_gids, (std::vector<gid_t>{29, 44}));
    }
    EXPECT_EQ(resolve("").home, "/root");
    EXPECT_EQ(resolve("1005").uid, 1005U) << "digits were taken for a name";
    EXPECT_EQ(resolve("short").gid, 8U);
}

TEST(UserDb, NumbersNeedNoEntry) {
    const UserIds ids = resolve("1234");
    EXPECT_EQ(ids.uid, 1234U);
    EXPECT_EQ(ids.gid, 0U);
    EXPECT_EQ(ids.home, "/");
    EXPECT_EQ(resolve_user({}, "0:5", {})->gid, 5U);
}

TEST(UserDb, AGroupReplacesThePrimaryOne) {
    const UserIds ids = resolve("web:video");
    EXPECT_EQ(ids.gid, 44U);
    EXPECT_TRUE(ids.additional_gids.empty());
    EXPECT_EQ(resolve("web", {"5", "audio", "5"}).additional_gids, (std::vector<gid_t>{5, 29, 44}));
}

TEST(UserDb, RefusesInDockersWords) {
    EXPECT_EQ(refusal("nosuch"), "unable to find user nosuch: no matching entries in passwd file");
    EXPECT_EQ(refusal("root", {}), "unable to find user root: no matching entries in passwd file");
    EXPECT_EQ(refusal("web:nosuch"),
              "unable to find group nosuch: no matching entries in group file");
    EXPECT_EQ(refusal("4294967296"), "uids and gids must be in range 0-2147483647");
    EXPECT_EQ(refusal("0:2147483648"), "uids and gids must be in range 0-2147483647");
}

TEST(UserDb, ReadsOnlyPlainFilesOfTheRoot) {
    std::string base = testing::TempDir() + "user_db_XXXXXX";
    ASSERT_NE(::mkdtemp(base.data()), nullptr);
    const auto dir = open_dir(base.c_str());
    EXPECT_EQ(read_user_db(dir->get())->passwd, "") << "missing files are empty";
    ASSERT_EQ(::mkdir((base + "/etc").c_str(), 0755), 0);
    ASSERT_EQ(::symlink("/real", (base + "/etc/passwd").c_str()), 0);
    ASSERT_TRUE(write_file_at(dir->get(), "real", "root:x:0:0::/:\n", 0644));
    EXPECT_EQ(read_user_db(dir->get())->passwd, "root:x:0:0::/:\n");
    ASSERT_EQ(::mkfifo((base + "/etc/group").c_str(), 0600), 0);
    EXPECT_EQ(read_user_db(dir->get()).error().kind(), Kind::kInvalid);
    ASSERT_EQ(::unlink((base + "/etc/group").c_str()), 0);
    ASSERT_TRUE(write_file_at(dir->get(), "etc/group", std::string((1 << 20) + 1, 'x'), 0644));
    EXPECT_EQ(read_user_db(dir->get()).error().kind(), Kind::kInvalid);
    std::filesystem::remove_all(base);
}

}  // namespace
}  // namespace gantry::sys
