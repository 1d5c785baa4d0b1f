#include "sys/user_namespace.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "runtime/container_fixture.h"
#include "sys/mounts.h"

namespace gantry::runtime {
namespace {

const std::vector<spec::oci::IdMapping> kMappings = {{0, 100000, 65536}};
const std::vector<sys::IdRange> kRanges = {{0, 100000, 65536}};

class UserNamespaceTest : public ContainerFixture {
protected:
    void SetUp() override {
        ContainerFixture::SetUp();
        if (IsSkipped()) {
            return;
        }
        // What mkdtemp made is closed to the container's root; the launch must not need it.
        ASSERT_EQ(system(("chown -R 100000:100000 " + root()).c_str()), 0);
    }
    spec::oci::Config mapped(const std::string& command, bool terminal = false) const {
        auto config = shell(command, terminal);
        config.linux.namespaces.push_back({"user", ""});
        config.linux.uid_mappings = kMappings;
        config.linux.gid_mappings = kMappings;
        config.linux.sysctl["net.ipv4.ping_group_range"] = "0 65535";
        return config;
    }
};

TEST_F(UserNamespaceTest, RootInsideIsNobodyOutside) {
    auto config = mapped(
        "id -u; cat /proc/self/uid_map; test -c /dev/null && echo x > /dev/null && echo device; "
        "hostname; hostname changed && hostname; echo err > /dev/stderr; mkdir /new; "
        "cat /proc/self/oom_score_adj; grep CapEff /proc/self/status");
    config.hostname = "box";
    config.process.oom_score_adj = 77;
    config.process.capabilities->effective.emplace_back("CAP_SYS_ADMIN");
    config.process.capabilities->permitted.emplace_back("CAP_SYS_ADMIN");
    config.process.capabilities->bounding.emplace_back("CAP_SYS_ADMIN");
    const Event event = run(config, options());
    EXPECT_EQ(event.exit.code, 0);
    const std::string log = log_text();
    EXPECT_TRUE(log.starts_with("0\n         0     100000      65536\ndevice\nbox\nchanged\n"))
        << log;
    EXPECT_NE(log.find("err\n"), std::string::npos) << log;
    EXPECT_NE(log.find("\n77\n"), std::string::npos) << log;
    EXPECT_NE(log.find("00000000a82425fb"), std::string::npos) << log;
    struct stat status = {};
    ASSERT_EQ(stat((root() + "/new").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 100000U);
}

TEST_F(UserNamespaceTest, SourcesOfMountsAreOpenedByTheHost) {
    const std::string closed = dir_ + "/closed";
    ASSERT_EQ(mkdir(closed.c_str(), 0700), 0);
    ASSERT_EQ(mkdir((closed + "/volume").c_str(), 0777), 0);
    ASSERT_EQ(chmod((closed + "/volume").c_str(), 0777), 0);
    ASSERT_EQ(chown(closed.c_str(), 1234, 1234), 0);
    auto config = mapped("echo x > /vol/file && stat -c %u /vol/file");
    config.mounts.push_back({"/vol", "bind", closed + "/volume", {"rbind"}});
    EXPECT_EQ(run(config, options()).exit.code, 0);
    EXPECT_EQ(log_text(), "0\n");
}

TEST_F(UserNamespaceTest, IdmappedMountsKeepTheirOwnersOnDisk) {
    const std::string volume = dir_ + "/volume";
    ASSERT_EQ(mkdir(volume.c_str(), 0755), 0);
    auto config = mapped("stat -c %u /vol; echo x > /vol/file && stat -c %u /vol/file");
    config.mounts.push_back({"/vol", "bind", volume, {"rbind", "idmap"}});
    EXPECT_EQ(run(config, options()).exit.code, 0) << raw_log();
    EXPECT_EQ(log_text(), "0\n0\n");
    struct stat status = {};
    ASSERT_EQ(stat((volume + "/file").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 0U);
}

TEST_F(UserNamespaceTest, IdmapsWithoutAUserNamespace) {
    const std::string volume = dir_ + "/volume";
    ASSERT_EQ(mkdir(volume.c_str(), 0777), 0);
    auto config = shell("stat -c %u /vol");
    config.mounts.push_back({"/vol", "bind", volume, {"bind"}, {{0, 4321, 10}}, {{0, 4321, 10}}});
    EXPECT_EQ(run(config, options()).exit.code, 0) << raw_log();
    EXPECT_EQ(log_text(), "4321\n");
    config.mounts.back().uid_mappings.clear();
    config.mounts.back().gid_mappings.clear();
    config.mounts.back().options = {"bind", "idmap"};
    const auto refused = launcher_->launch(config, options());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), Kind::kInvalid);
}

TEST_F(UserNamespaceTest, JoinsWhatTheDaemonMadeAndAnIdmappedRoot) {
    ASSERT_EQ(system(("chown -R 0:0 " + root()).c_str()), 0);
    const auto made = sys::make_user_namespace(kRanges, kRanges, sys::WithNetwork::kYes);
    ASSERT_TRUE(made) << made.error().text();
    const auto mount = sys::clone_mount(AT_FDCWD, root().c_str(), sys::Tree::kRecursive);
    ASSERT_TRUE(mount);
    const auto idmapped = sys::idmap_mount(mount->get(), made->user.get());
    ASSERT_TRUE(idmapped) << idmapped.error().text();
    auto config = mapped("id -u; mkdir /made; stat -c %u /made; ls /sys/class/net");
    LaunchOptions launch_options = options();
    launch_options.userns_fd = made->user.get();
    launch_options.netns_fd = made->net.get();
    launch_options.root_mount_fd = mount->get();
    EXPECT_EQ(run(config, launch_options).exit.code, 0) << raw_log();
    EXPECT_EQ(log_text(), "0\n0\nlo\n");
    struct stat status = {};
    ASSERT_EQ(stat((root() + "/made").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 0U);
}

TEST_F(UserNamespaceTest, ExecsEnterIt) {
    const auto config = mapped("sleep 100");
    const LaunchOptions launch_options = options();
    const auto shim = launch(config, launch_options);
    ASSERT_NE(shim, nullptr);
    ASSERT_TRUE(shim->start());
    spec::oci::Process process = config.process;
    process.args = {"/bin/sh", "-c",
                    "test $(id -u) = 0 && mkdir /by-exec && "
                    "grep -q 100000 /proc/self/uid_map"};
    ExecOptions exec;
    exec.process = &process;
    exec.linux = &config.linux;
    const auto started = shim->exec(exec);
    ASSERT_TRUE(started) << started.error().text();
    EXPECT_EQ(wait_event(*shim, Event::Type::kExecExited).exit.code, 0);
    ASSERT_TRUE(shim->kill(SIGKILL));
    EXPECT_EQ(wait_event(*shim, Event::Type::kExited).exit.code, 137);
    ASSERT_TRUE(shim->release());
}

TEST_F(UserNamespaceTest, HasATerminal) {
    auto config = mapped("test -t 0 && echo terminal > /result; tty >> /result", true);
    const Event event = run(config, options());
    EXPECT_EQ(event.exit.code, 0);
    EXPECT_EQ(read_file(root() + "/result"), "terminal\n/dev/pts/0\n");
}

TEST_F(UserNamespaceTest, MappingsThatTheKernelRefusesFailTheLaunch) {
    auto config = mapped("true");
    config.linux.uid_mappings = {{0, 100000, 10}, {5, 200000, 10}};
    const LaunchOptions launch_options = options();
    const auto result = launcher_->launch(config, launch_options);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().text().find("making the container's"), std::string::npos)
        << result.error().text();
    EXPECT_NE(access(launch_options.shim_dir.c_str(), F_OK), 0) << "left behind";
}

using TimeNamespaceTest = ContainerFixture;

TEST_F(TimeNamespaceTest, MovesTheClocks) {
    auto config = shell("awk '{print ($1 > 31536000)}' /proc/uptime");
    config.linux.namespaces.push_back({"time", ""});
    config.linux.time_offsets = {{"boottime", {40000000, 0}}};
    EXPECT_EQ(run(config, options()).exit.code, 0);
    EXPECT_EQ(log_text(), "1\n");
}

using ProcessTest = ContainerFixture;

TEST_F(ProcessTest, GetsSchedulerPriorityAndPersonality) {
    auto config =
        shell("cat /proc/self/personality; awk '{print $19, $41}' /proc/self/stat; uname -m");
    config.process.scheduler.emplace();
    config.process.scheduler->policy = "SCHED_BATCH";
    config.process.scheduler->nice = 5;
    config.process.io_priority = {"IOPRIO_CLASS_IDLE", 0};
    config.linux.personality.emplace();
    config.linux.personality->domain = "LINUX32";
    EXPECT_EQ(run(config, options()).exit.code, 0);
    const std::string log = log_text();
    EXPECT_NE(log.find("00000008\n5 3\n"), std::string::npos) << log;
}

TEST_F(ProcessTest, TmpfsTakesWhatWasThere) {
    ASSERT_EQ(system(("cd " + root() +
                      " && mkdir -p var/deep && echo a > var/file && "
                      "ln -s file var/link && echo b > var/deep/x && chmod 750 var/deep && "
                      "chown 5:6 var/file && chmod 1755 var")
                         .c_str()),
              0);
    auto config = shell(
        "cat /var/file /var/link /var/deep/x; stat -c '%a %u %g' /var /var/file "
        "/var/deep; echo more > /var/file; grep -c ' /var ' /proc/mounts");
    config.mounts.push_back({"/var", "tmpfs", "tmpfs", {"tmpcopyup"}});
    EXPECT_EQ(run(config, options()).exit.code, 0) << raw_log();
    EXPECT_EQ(log_text(), "a\na\nb\n1755 0 0\n644 5 6\n750 0 0\n1\n");
    EXPECT_EQ(read_file(root() + "/var/file"), "a\n");
}

TEST_F(ProcessTest, RecursiveAttributesReachMountsBelow) {
    ASSERT_EQ(mkdir((dir_ + "/top").c_str(), 0755), 0);
    ASSERT_EQ(mkdir((dir_ + "/top/below").c_str(), 0755), 0);
    const auto mount = sys::make_mount("tmpfs", {}, 0);
    ASSERT_TRUE(mount);
    ASSERT_TRUE(sys::attach_mount(mount->get(), AT_FDCWD, (dir_ + "/top/below").c_str()));
    auto config = shell("touch /v/below/x || echo refused; grep ' /v/below ' /proc/mounts");
    config.mounts.push_back({"/v", "bind", dir_ + "/top", {"rbind", "rro", "rnosuid", "rnoatime"}});
    run(config, options());
    ASSERT_TRUE(sys::detach_mount((dir_ + "/top/below").c_str()));
    const std::string log = log_text();
    EXPECT_NE(log.find("refused"), std::string::npos) << log;
    EXPECT_NE(log.find("ro,nosuid,noatime"), std::string::npos) << log;
}

TEST_F(ProcessTest, SecurityLabelsNeedTheirModule) {
    if (access("/sys/kernel/security/apparmor", F_OK) == 0 ||
        access("/sys/fs/selinux/enforce", F_OK) == 0) {
        GTEST_SKIP() << "there is a security module";
    }
    auto config = shell("true");
    config.process.apparmor_profile = "docker-default";
    auto result = launcher_->launch(config, options());
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().text().find("apparmor not supported"), std::string::npos)
        << result.error().text();
    config.process.apparmor_profile.clear();
    config.process.selinux_label = "system_u:system_r:container_t:s0";
    result = launcher_->launch(config, options());
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().text().find("selinux"), std::string::npos) << result.error().text();
}

}  // namespace
}  // namespace gantry::runtime
