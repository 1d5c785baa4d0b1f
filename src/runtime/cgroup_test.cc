#include "sys/cgroup.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/container_fixture.h"

namespace gantry::runtime {
namespace {

/// Containers and their execs must be in the cgroup before they can make a process.
class CgroupTest : public ContainerFixture {
protected:
    /// Runs a container with an exec; IN_GROUP tells whether a process of the host's pid is there.
    void expect_both_inside(const LaunchOptions& launch_options,
                            const std::function<bool(pid_t)>& in_group) {
        const auto shim = launch(shell("sleep 100"), launch_options);
        ASSERT_NE(shim, nullptr);
        ASSERT_TRUE(shim->start());
        EXPECT_TRUE(in_group(shim->pid()));
        auto config = shell("sleep 100");
        ExecOptions exec;
        exec.process = &config.process;
        const auto started = shim->exec(exec);
        ASSERT_TRUE(started) << started.error().text();
        EXPECT_TRUE(in_group(started->pid));
        EXPECT_FALSE(in_group(getpid()));
        ASSERT_TRUE(shim->kill(SIGKILL));
        wait_event(*shim, Event::Type::kExited);
        ASSERT_TRUE(shim->release());
        wait_event(*shim, Event::Type::kGone);
    }
};

TEST_F(CgroupTest, JoinsEveryV1Hierarchy) {
    const auto cgroups = sys::Cgroups::probe();
    if (!cgroups || cgroups->layout().v1.empty()) {
        GTEST_SKIP() << "no cgroup v1 here";
    }
    std::vector<std::string> warnings;
    const std::string parent = fmt::format("gantry-runtime-test-{}", getpid());
    const auto group = cgroups->create(parent, "c", {}, warnings);
    ASSERT_TRUE(group) << group.error().text();
    const auto tasks = group->tasks_fds();
    ASSERT_TRUE(tasks);
    LaunchOptions launch_options = options();
    for (const UniqueFd& fd : *tasks) {
        launch_options.cgroup_tasks_fds.push_back(fd.get());
    }
    expect_both_inside(launch_options, [&](pid_t pid) {
        const std::string text = read_file(fmt::format("/proc/{}/cgroup", pid));
        size_t inside = 0;
        for (size_t at = 0; (at = text.find(":/" + parent + "/c\n", at)) != std::string::npos;
             ++at) {
            ++inside;
        }
        return inside >= tasks->size();
    });
    EXPECT_TRUE(group->remove(std::chrono::seconds(5)));
    EXPECT_TRUE(cgroups->at("/", parent).remove(std::chrono::seconds(5)));
}

TEST_F(CgroupTest, IsBornInAV2Group) {
    const auto cgroups = sys::Cgroups::probe();
    if (!cgroups || cgroups->layout().v2_mount_point.empty()) {
        GTEST_SKIP() << "no cgroup v2 here";
    }
    const std::string name = fmt::format("gantry-runtime-test-{}", getpid());
    const std::string path = cgroups->layout().v2_mount_point + "/" + name;
    ASSERT_EQ(mkdir(path.c_str(), 0755), 0);
    const UniqueFd dir(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    LaunchOptions launch_options = options();
    launch_options.cgroup_v2_fd = dir.get();
    expect_both_inside(launch_options, [&](pid_t pid) {
        return read_file(fmt::format("/proc/{}/cgroup", pid)).find("0::/" + name + "\n") !=
               std::string::npos;
    });
    EXPECT_EQ(rmdir(path.c_str()), 0);
}

TEST_F(CgroupTest, TellsThatMemoryRanOut) {
    const auto cgroups = sys::Cgroups::probe();
    if (!cgroups) {
        GTEST_SKIP() << cgroups.error().text();
    }
    const bool v2 = cgroups->layout().mode == sys::CgroupMode::kV2;
    const sys::CgroupHierarchy* memory = cgroups->layout().find_v1("memory");
    if (!v2 && memory == nullptr) {
        GTEST_SKIP() << "no memory controller here";
    }
    std::vector<std::string> warnings;
    const std::string parent = fmt::format("gantry-runtime-oom-{}", getpid());
    sys::CgroupLimits limits;
    limits.memory = 16 << 20;
    limits.memory_swap = 16 << 20;
    const auto group = cgroups->create(parent, "c", limits, warnings);
    ASSERT_TRUE(group) << group.error().text();
    const auto tasks = group->tasks_fds();
    ASSERT_TRUE(tasks);
    const auto v2_dir = group->v2_dir();
    ASSERT_TRUE(v2_dir);
    const std::string directory =
        (v2 ? cgroups->layout().v2_mount_point : memory->mount_point) + "/" + parent + "/c/";
    const UniqueFd oom(open((directory + (v2 ? "memory.events" : "memory.oom_control")).c_str(),
                            O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(oom);
    LaunchOptions launch_options = options();
    launch_options.cgroup_v2_fd = v2_dir->get();
    for (const UniqueFd& fd : *tasks) {
        launch_options.cgroup_tasks_fds.push_back(fd.get());
    }
    launch_options.oom_events_fd = oom.get();
    auto config = shell("");
    config.process.args = {"/bin/sh", "-c", "x=x; while true; do x=$x$x; done"};
    const Event event = run(config, launch_options);
    EXPECT_EQ(event.exit.code, 137);
    EXPECT_TRUE(event.exit.oom_killed);
    EXPECT_TRUE(group->remove(std::chrono::seconds(5)));
    EXPECT_TRUE(cgroups->at("/", parent).remove(std::chrono::seconds(5)));
}

}  // namespace
}  // namespace gantry::runtime
