#include "sys/user_namespace.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "sys/mounts.h"
#include "sys/namespace.h"

namespace gantry::sys {
namespace {

const std::vector<IdRange> kMap = {{0, 100000, 1000}, {1000, 500000, 10}};

TEST(UserNamespace, MapsIds) {
    EXPECT_EQ(map_id(kMap, 0), 100000U);
    EXPECT_EQ(map_id(kMap, 999), 100999U);
    EXPECT_EQ(map_id(kMap, 1009), 500009U);
    EXPECT_EQ(map_id(kMap, 1010), std::nullopt);
    EXPECT_EQ(unmap_id(kMap, 100999), 999U);
    EXPECT_EQ(unmap_id(kMap, 500009), 1009U);
    EXPECT_EQ(unmap_id(kMap, 500010), 65534U);
    EXPECT_EQ(id_map_text(kMap), "0 100000 1000\n1000 500000 10\n");
}

TEST(UserNamespace, IsMadeWithItsNetwork) {
    if (geteuid() != 0) {
        GTEST_SKIP() << "needs root";
    }
    const auto made = make_user_namespace(kMap, kMap, WithNetwork::kYes);
    ASSERT_TRUE(made) << made.error().text();
    const auto own = open_own_namespace(Namespace::kUser);
    EXPECT_NE(*namespace_inode(made->user.get()), *namespace_inode(own->get()));
    const auto entered =
        run_on_own_thread([&] { return enter_namespace(made->net.get(), Namespace::kNet); });
    EXPECT_TRUE(entered);
}

TEST(UserNamespace, RefusesMappingsThatOverlap) {
    if (geteuid() != 0) {
        GTEST_SKIP() << "needs root";
    }
    const std::vector<IdRange> overlapping = {{0, 100000, 10}, {5, 200000, 10}};
    const auto made = make_user_namespace(overlapping, overlapping, WithNetwork::kNo);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind(), Kind::kInvalid);
}

TEST(UserNamespace, HasFurtherNetworks) {
    if (geteuid() != 0) {
        GTEST_SKIP() << "needs root";
    }
    const auto made = make_user_namespace(kMap, kMap, WithNetwork::kNo);
    ASSERT_TRUE(made) << made.error().text();
    const auto net = make_network_namespace(made->user.get());
    ASSERT_TRUE(net) << net.error().text();
    const UniqueFd owner(::ioctl(net->get(), NS_GET_USERNS));
    ASSERT_TRUE(owner);
    EXPECT_EQ(namespace_inode(owner.get()).value(), namespace_inode(made->user.get()).value());
    EXPECT_FALSE(make_network_namespace(net->get())) << "not a user namespace";
}

TEST(UserNamespace, IdmapsAMount) {
    if (geteuid() != 0) {
        GTEST_SKIP() << "needs root";
    }
    const auto mount = make_mount("tmpfs", {}, 0);
    ASSERT_TRUE(mount);
    ASSERT_EQ(mkdirat(mount->get(), "d", 0700), 0);
    const auto copy = clone_mount(mount->get(), "", Tree::kOne);
    if (!copy) {
        GTEST_SKIP() << "this kernel does not clone detached mounts: " << copy.error().text();
    }
    const auto made = make_user_namespace(kMap, kMap, WithNetwork::kNo);
    ASSERT_TRUE(made) << made.error().text();
    const auto mapped = idmap_mount(copy->get(), made->user.get());
    ASSERT_TRUE(mapped) << mapped.error().text();
    struct stat status = {};
    ASSERT_EQ(fstatat(copy->get(), "d", &status, 0), 0);
    EXPECT_EQ(status.st_uid, 100000U);
}

}  // namespace
}  // namespace gantry::sys
