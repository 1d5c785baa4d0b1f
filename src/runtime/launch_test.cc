#include <fmt/core.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/container_fixture.h"

namespace gantry::runtime {
namespace {

using LaunchTest = ContainerFixture;

TEST_F(LaunchTest, RunsAndLogsByteExact) {
    const Event event = run("echo hello; echo '<a>&\"b' >&2; printf 'no newline'");
    EXPECT_EQ(event.exit.code, 0);
    EXPECT_EQ(log_text().substr(0, 6), "hello\n");
    const std::string log = raw_log();
    EXPECT_NE(log.find("{\"log\":\"hello\\n\",\"stream\":\"stdout\",\"time\":\"20"),
              std::string::npos)
        << log;
    EXPECT_NE(log.find("{\"log\":\"\\u003ca\\u003e\\u0026\\\"b\\n\",\"stream\":\"stderr\""),
              std::string::npos)
        << log;
    EXPECT_NE(log.find("{\"log\":\"no newline\",\"stream\":\"stdout\""), std::string::npos) << log;
}

TEST_F(LaunchTest, ReportsExitCodesAndSignals) {
    for (const int code : {0, 1, 7, 127, 255}) {
        const Event event = run(fmt::format("exit {}", code));
        EXPECT_EQ(event.exit.code, code);
        const auto record = read_exit_record(fmt::format("{}/container{}", dir_, next_));
        ASSERT_TRUE(record && *record);
        EXPECT_EQ((*record)->code, code);
        EXPECT_EQ((*record)->time, event.exit.time);
    }
    const auto shim = launch(shell("sleep 100"), options());
    ASSERT_TRUE(shim->start());
    ASSERT_TRUE(shim->kill(SIGKILL));
    EXPECT_EQ(wait_event(*shim, Event::Type::kExited).exit.code, 137);
    EXPECT_EQ(shim->kill(SIGKILL).error().kind(), Kind::kNotFound);
    ASSERT_TRUE(shim->release());
}

TEST_F(LaunchTest, SaysWhyAProgramCannotStart) {
    ASSERT_EQ(mkdir((root() + "/adir").c_str(), 0755), 0);
    ASSERT_EQ(symlink("/nowhere", (root() + "/bin/dangling").c_str()), 0);
    const struct {
        const char* program;
        const char* text;
    } kCases[] = {
        {"nosuch", "exec: \"nosuch\": executable file not found in $PATH"},
        {"/nosuch", "exec: \"/nosuch\": stat /nosuch: no such file or directory"},
        {"/adir", "exec: \"/adir\": is a directory"},
        {"/etc/plain", "exec: \"/etc/plain\": permission denied"},
        {"", "executable file not found in $PATH"},
    };
    ASSERT_EQ(system(("echo x > " + root() + "/etc/plain").c_str()), 0);
    for (const auto& test : kCases) {
        auto config = shell("");
        config.process.args = {test.program};
        const LaunchOptions launch_options = options();
        const auto result = launcher_->launch(config, launch_options);
        ASSERT_FALSE(result) << test.program;
        EXPECT_NE(result.error().text().find(test.text), std::string::npos)
            << result.error().text();
        EXPECT_EQ(result.error().kind(), Kind::kInvalid);
        EXPECT_NE(access(launch_options.shim_dir.c_str(), F_OK), 0) << "left behind";
    }
}

TEST_F(LaunchTest, HasTheDefaultPowersAndNoForeignDescriptors) {
    run("grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status; ls /proc/1/fd; hostname");
    const std::string log = log_text();
    EXPECT_NE(log.find("CapEff:\t00000000a80425fb"), std::string::npos) << log;
    EXPECT_NE(log.find("CapBnd:\t00000000a80425fb"), std::string::npos) << log;
    EXPECT_NE(log.find("CapInh:\t0000000000000000"), std::string::npos) << log;
    EXPECT_NE(log.find("CapAmb:\t0000000000000000"), std::string::npos) << log;
    EXPECT_NE(log.find("\n0\n1\n2\n"), std::string::npos) << log;
    EXPECT_EQ(log.find("\n3\n"), std::string::npos) << log;
}

TEST_F(LaunchTest, MasksAndProtectsPaths) {
    run("cat /proc/timer_list /proc/keys | wc -c; ls /sys/firmware | wc -l; "
        "echo x > /proc/sys/kernel/domainname || echo refused; "
        "stat -c %t:%T /proc/keys; ls -A / ; cat /proc/mounts | grep ' / '");
    const std::string log = log_text();
    EXPECT_TRUE(log.starts_with("0\n0\n")) << log;
    EXPECT_NE(log.find("refused"), std::string::npos) << log;
    EXPECT_NE(log.find("1:3"), std::string::npos) << log;
}

TEST_F(LaunchTest, LinksInTheImageLeadNowhere) {
    // S06: /dev as a link out of the root.
    const std::string outside = dir_ + "/outside";
    ASSERT_EQ(mkdir(outside.c_str(), 0755), 0);
    ASSERT_EQ(symlink(outside.c_str(), (root() + "/dev").c_str()), 0);
    const Event event = run("test -c /dev/null && ls /proc/1 > /dev/null");
    EXPECT_EQ(event.exit.code, 0) << raw_log();
    EXPECT_EQ(rmdir(outside.c_str()), 0) << "something was made outside of the root";
    EXPECT_EQ(access((root() + outside).c_str(), F_OK), 0) << "made inside instead";
}

TEST_F(LaunchTest, ProcMayNotBeALink) {
    // S05: masks and protected paths are given below /proc by name.
    ASSERT_EQ(symlink("../../../../../../tmp/p", (root() + "/proc").c_str()), 0);
    auto config = shell("true");
    const auto result = launcher_->launch(config, options());
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().text().find("must be mounted on ordinary directory"),
              std::string::npos)
        << result.error().text();
}

TEST_F(LaunchTest, AppliesUserLimitsSysctlsAndHostname) {
    auto config = shell(
        "id; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; hostname; "
        "ulimit -n; grep CapEff /proc/self/status; "
        "echo err > /dev/stderr");
    config.process.user.uid = 1000;
    config.process.user.gid = 1001;
    config.process.user.additional_gids = {7, 1002};
    config.process.cwd = "/work/deep";
    config.process.rlimits = {{"RLIMIT_NOFILE", 99, 77}};
    config.hostname = "box";
    const Event event = run(config, options());
    const std::string log = log_text();
    EXPECT_NE(log.find("uid=1000 gid=1001 groups=7,1002"), std::string::npos) << log;
    EXPECT_NE(log.find("\n0\nbox\n77\n"), std::string::npos) << log;
    EXPECT_NE(log.find("CapEff:\t0000000000000000"), std::string::npos) << log;
    EXPECT_NE(log.find("err\n"), std::string::npos) << log;
    EXPECT_EQ(event.exit.code, 0);
    EXPECT_EQ(access((root() + "/work/deep").c_str(), F_OK), 0);
}

TEST_F(LaunchTest, RefusesAWorkingDirectoryOutside) {
    auto config = shell("true");
    for (int fd = 3; fd < 12; ++fd) {
        config.process.cwd = fmt::format("/proc/self/fd/{}", fd);
        const auto result = launcher_->launch(config, options());
        EXPECT_FALSE(result) << fd;
    }
}

TEST_F(LaunchTest, SharesNamespacesWithAnotherContainer) {
    const auto first = launch(shell("sleep 100"), options());
    ASSERT_TRUE(first->start());
    auto config = shell("readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc; exit 4");
    auto path = [&](const char* name) { return fmt::format("/proc/{}/ns/{}", first->pid(), name); };
    for (spec::oci::Namespace& entry : config.linux.namespaces) {
        if (entry.type == "pid" || entry.type == "ipc") {
            entry.path = path(entry.type.c_str());
        }
    }
    EXPECT_EQ(run(config, options()).exit.code, 4);
    char link[64] = {};
    std::string expected;
    for (const char* name : {"pid", "ipc"}) {
        const ssize_t size = readlink(path(name).c_str(), link, sizeof link);
        ASSERT_GT(size, 0);
        expected += std::string(link, static_cast<size_t>(size)) + "\n";
    }
    EXPECT_EQ(log_text(), expected);
    ASSERT_TRUE(first->kill(SIGKILL));
    wait_event(*first, Event::Type::kExited);
    ASSERT_TRUE(first->release());
}

TEST_F(LaunchTest, SharesTheHostsNamespaces) {
    ConfigOptions choices;
    choices.host_pid = choices.host_uts = choices.host_network = choices.host_cgroup = true;
    auto config = default_config(choices);
    ASSERT_TRUE(config);
    config->root.path = root();
    config->process.args = {"/bin/sh", "-c", "echo $$; (sleep 0.2; echo orphan) & exit 6"};
    config->process.env = {"PATH=/bin"};
    const auto shim = launch(*config, options());
    const std::string pid = fmt::format("{}\n", shim->pid());
    ASSERT_TRUE(shim->start());
    EXPECT_EQ(wait_event(*shim, Event::Type::kExited).exit.code, 6);
    ASSERT_TRUE(shim->release());
    // The output is open until the last process of the container has ended.
    EXPECT_EQ(log_text(), pid + "orphan\n");
}

TEST_F(LaunchTest, LoadsTheSeccompFilter) {
    for (const bool no_new_privileges : {false, true}) {
        auto config = shell(
            "grep -E 'Seccomp:|NoNewPrivs' /proc/self/status; "
            "mkdir /x 2>&1 || echo refused");
        config.process.no_new_privileges = no_new_privileges;
        spec::oci::Seccomp profile;
        profile.default_action = "SCMP_ACT_ALLOW";
        profile.architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"};
        profile.syscalls = {{{"mkdir", "mkdirat"}, "SCMP_ACT_ERRNO", 95, {}}};
        config.linux.seccomp = profile;
        run(config, options());
        const std::string log = log_text();
        EXPECT_NE(log.find("Seccomp:\t2"), std::string::npos) << log;
        EXPECT_NE(log.find(no_new_privileges ? "NoNewPrivs:\t1" : "NoNewPrivs:\t0"),
                  std::string::npos)
            << log;
        EXPECT_NE(log.find("not supported\nrefused"), std::string::npos) << log;  // errno 95
    }
}

TEST_F(LaunchTest, ReadonlyRootAndBinds) {
    auto config = shell(
        "echo x > /new || echo root refused; echo y > /vol/a && cat /vol/a; "
        "echo z > /ro/b || echo ro refused; cat /etc/file");
    config.root.readonly = true;
    ASSERT_EQ(mkdir((dir_ + "/vol").c_str(), 0755), 0);
    ASSERT_EQ(system(("echo content > " + dir_ + "/file").c_str()), 0);
    config.mounts.push_back({"/vol", "bind", dir_ + "/vol", {"rbind", "rprivate"}});
    config.mounts.push_back({"/ro", "bind", dir_ + "/vol", {"rbind", "rro"}});
    config.mounts.push_back({"/etc/file", "bind", dir_ + "/file", {"bind", "ro"}});
    run(config, options());
    const std::string log = log_text();
    EXPECT_NE(log.find("root refused\n"), std::string::npos) << log;
    EXPECT_NE(log.find("y\n"), std::string::npos) << log;
    EXPECT_NE(log.find("ro refused\n"), std::string::npos) << log;
    EXPECT_NE(log.find("content\n"), std::string::npos) << log;
}

}  // namespace
}  // namespace gantry::runtime
