#include "sys/cgroup.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "sys/cgroup_owner.h"
#include "sys/files.h"
#include "sys/impl/cgroup_dir.h"
#include "sys/process.h"

namespace gantry::sys {
namespace {

using namespace std::chrono_literals;

/// A parent group of its own in every hierarchy, gone after the test.
class CgroupTest : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "needs root to make cgroups";
        }
        auto probed = Cgroups::probe();
        if (!probed) {
            GTEST_SKIP() << probed.error().text();
        }
        cgroups_.emplace(std::move(*probed));
    }
    void TearDown() override {
        if (cgroups_) {
            const Cgroup all = cgroups_->at("", parent_.substr(1));
            EXPECT_TRUE(all.kill_all());
            EXPECT_TRUE(all.remove(2s));
        }
    }

    Cgroup create(const CgroupLimits& limits = {}) {
        auto group = cgroups_->create(parent_, "c1", limits, warnings_);
        EXPECT_TRUE(group) << group.error().text();
        return *group;
    }

    bool is_v2() const { return cgroups_->layout().mode == CgroupMode::kV2; }

    /// The trimmed content of a file of the group; the v1 controller is of no matter under v2.
    std::string value(const char* controller, const std::string& file) const {
        const CgroupLayout& layout = cgroups_->layout();
        const std::string& mount_point =
            is_v2() ? layout.v2_mount_point : layout.find_v1(controller)->mount_point;
        const std::string path = mount_point + parent_ + "/c1/" + file;
        auto text = read_file(path.c_str(), 1 << 16);
        return text ? std::string(trim(*text)) : text.error().text();
    }

    /// A shell that joins the group as a container's process does and then runs SCRIPT.
    static Child run_in(const Cgroup& group, const std::string& script) {
        auto tasks = group.tasks_fds();
        EXPECT_TRUE(tasks) << tasks.error().text();
        SpawnRequest request{.path = "/bin/bash", .argv = {"bash", "-c", ""}, .env = {}, .fds = {}};
        const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        request.fds = {{null.get(), 0}, {null.get(), 1}, {2, 2}};
        int target = 10;
        UniqueFd procs;
        if (tasks->empty()) {
            const auto dir = group.v2_dir();
            procs.reset(::openat(dir->get(), "cgroup.procs", O_WRONLY | O_CLOEXEC));
            request.argv[2] = "echo 0 >&9; ";
            request.fds.push_back({procs.get(), 9});
        }
        for (const UniqueFd& fd : *tasks) {
            request.argv[2] += fmt::format("echo 0 >&{}; ", target);
            request.fds.push_back({fd.get(), target++});
        }
        request.argv[2] += script;
        auto child = spawn(request);
        EXPECT_TRUE(child) << child.error().text();
        return std::move(*child);
    }

    static int status_of(const Child& child) {
        const auto status = wait_child(child.pidfd.get(), Wait::kBlock, Reap::kYes);
        return status ? (*status)->docker_code() : -1;
    }

    /// Looks until the group has COUNT processes.
    static bool has_processes(const Cgroup& group, size_t count) {
        for (int turn = 0; turn < 2000; ++turn) {
            if (group.processes()->size() == count) {
                return true;
            }
            ::usleep(1000);
        }
        return false;
    }

    std::string parent_ = fmt::format("/gantry-test-{}", ::getpid());
    std::optional<Cgroups> cgroups_;
    std::vector<std::string> warnings_;
};

TEST_F(CgroupTest, WritesEveryV1Limit) {
    if (is_v2()) {
        GTEST_SKIP() << "cgroup v2 is tested below";
    }
    CgroupLimits limits;
    limits.memory = 64 << 20;
    limits.memory_swap = 128 << 20;
    limits.memory_reservation = 32 << 20;
    limits.cpu_shares = 512;
    limits.cpu_period = 50000;
    limits.cpu_quota = 25000;
    limits.cpuset_cpus = "0";
    limits.pids = 7;
    limits.devices = default_device_rules();
    const Cgroup group = create(limits);
    EXPECT_EQ(group.path(), parent_ + "/c1");
    EXPECT_EQ(value("memory", "memory.limit_in_bytes"), "67108864");
    EXPECT_EQ(value("memory", "memory.memsw.limit_in_bytes"), "134217728");
    EXPECT_EQ(value("memory", "memory.soft_limit_in_bytes"), "33554432");
    EXPECT_EQ(value("cpu", "cpu.shares"), "512");
    EXPECT_EQ(value("cpu", "cpu.cfs_period_us"), "50000");
    EXPECT_EQ(value("cpu", "cpu.cfs_quota_us"), "25000");
    EXPECT_EQ(value("cpuset", "cpuset.cpus"), "0");
    EXPECT_EQ(value("cpuset", "cpuset.mems"), "0");
    EXPECT_EQ(value("pids", "pids.max"), "7");
    EXPECT_EQ(split(value("devices", "devices.list"), '\n').size(), 11U);
    EXPECT_TRUE(warnings_.empty()) << warnings_.front();

    CgroupLimits more;
    more.memory = 256 << 20;
    more.memory_swap = 512 << 20;
    more.pids = -1;
    EXPECT_TRUE(group.apply(more, warnings_)) << "memory beyond the old sum of memory and swap";
    EXPECT_EQ(value("memory", "memory.limit_in_bytes"), "268435456");
    EXPECT_EQ(value("pids", "pids.max"), "max");
    CgroupLimits less;
    less.memory = 64 << 20;
    less.memory_swap = 64 << 20;
    EXPECT_TRUE(group.apply(less, warnings_)) << "and back below it";
    EXPECT_EQ(value("memory", "memory.memsw.limit_in_bytes"), "67108864");
    CgroupLimits none;
    none.memory_reservation = -1;
    none.standard_cpu_shares = true;
    EXPECT_TRUE(group.apply(none, warnings_));
    EXPECT_EQ(value("cpu", "cpu.shares"), "1024");
    EXPECT_GT(value("memory", "memory.soft_limit_in_bytes").size(), 15U);
}

TEST_F(CgroupTest, WritesEveryV2Limit) {
    if (!is_v2()) {
        GTEST_SKIP() << "needs cgroup v2 alone";
    }
    CgroupLimits limits;
    limits.memory = 64 << 20;
    limits.memory_swap = 128 << 20;
    limits.memory_reservation = 32 << 20;
    limits.cpu_shares = 512;
    limits.cpu_period = 50000;
    limits.cpu_quota = 25000;
    limits.cpuset_cpus = "0";
    limits.cpuset_mems = "0";
    limits.pids = 7;
    limits.blkio_weight = 500;
    limits.hugetlb = {{"2MB", 4 << 20}};
    limits.unified = {{"memory.high", "50331648"}, {"cgroup.max.depth", "3"}};
    const Cgroup group = create(limits);
    EXPECT_EQ(value("", "memory.max"), "67108864");
    EXPECT_EQ(value("", "memory.swap.max"), "67108864");
    EXPECT_EQ(value("", "memory.low"), "33554432");
    EXPECT_EQ(value("", "memory.high"), "50331648");
    EXPECT_EQ(value("", "cpu.weight"), "20");
    EXPECT_EQ(value("", "cpu.max"), "25000 50000");
    EXPECT_EQ(value("", "cpuset.cpus"), "0");
    EXPECT_EQ(value("", "cpuset.mems"), "0");
    EXPECT_EQ(value("", "pids.max"), "7");
    EXPECT_EQ(value("", "hugetlb.2MB.max"), "4194304");
    EXPECT_EQ(value("", "cgroup.max.depth"), "3");
    // Either of the two files, whichever scheduler the kernel has.
    const std::string weight = value("", "io.weight");
    EXPECT_TRUE(weight == "default 4950" || value("", "io.bfq.weight").ends_with("500")) << weight;
    EXPECT_TRUE(warnings_.empty()) << warnings_.front();

    CgroupLimits more;
    more.memory = -1;
    more.memory_swap = -1;
    more.memory_reservation = -1;
    more.standard_cpu_shares = true;
    more.cpu_quota = -1;
    more.pids = -1;
    ASSERT_TRUE(group.apply(more, warnings_));
    EXPECT_EQ(value("", "memory.low"), "0");
    EXPECT_EQ(value("", "cpu.weight"), "100");
    EXPECT_EQ(value("", "memory.max"), "max");
    EXPECT_EQ(value("", "memory.swap.max"), "max");
    EXPECT_EQ(value("", "cpu.max"), "max 100000");
    EXPECT_EQ(value("", "pids.max"), "max");
}

/// The number of the device that PATH is on, if it is one that can be throttled.
std::optional<std::pair<uint32_t, uint32_t>> disk_of(const char* path) {
    struct stat status{};
    if (::stat(path, &status) < 0 || major(status.st_dev) == 0) {
        return std::nullopt;
    }
    return std::pair(major(status.st_dev), minor(status.st_dev));
}

TEST_F(CgroupTest, ThrottlesADiskUnderV2) {
    const auto disk = disk_of("/tmp");
    if (!is_v2() || !disk) {
        GTEST_SKIP() << "needs cgroup v2 alone and /tmp on a disk";
    }
    const auto limit = [&](uint64_t rate) {
        return std::vector<ThrottleLimit>{{disk->first, disk->second, rate}};
    };
    CgroupLimits limits;
    limits.read_bps = limit(1 << 20);
    limits.write_iops = limit(30);
    const Cgroup group = create(limits);
    EXPECT_EQ(value("", "io.max"), fmt::format("{}:{} rbps=1048576 wbps=max riops=max wiops=30",
                                               disk->first, disk->second));
    CgroupLimits none;
    none.read_bps = limit(0);
    none.write_iops = limit(0);
    EXPECT_TRUE(group.apply(none, warnings_));
    EXPECT_EQ(value("", "io.max"), "");
}

TEST_F(CgroupTest, NamesTheFileThatRefusesAndLeavesNothing) {
    CgroupLimits limits;
    limits.cpuset_cpus = "4095";
    const auto group = cgroups_->create(parent_, "c1", limits, warnings_);
    ASSERT_FALSE(group);
    EXPECT_NE(group.error().text().find("/c1/cpuset.cpus"), std::string::npos)
        << group.error().text();
    EXPECT_TRUE(cgroups_->list(parent_)->empty());
}

TEST_F(CgroupTest, ListsAndRefusesWhatIsThere) {
    EXPECT_TRUE(cgroups_->list(parent_)->empty()) << "a missing parent has none";
    const Cgroup group = create();
    EXPECT_EQ(*cgroups_->list(parent_), std::vector<std::string>{"c1"});
    EXPECT_EQ(cgroups_->create(parent_, "c1", {}, warnings_).error().kind(), Kind::kConflict);
    EXPECT_EQ(cgroups_->create(parent_, "..", {}, warnings_).error().kind(), Kind::kInvalid);
    EXPECT_TRUE(group.remove(0ms));
    EXPECT_TRUE(group.remove(0ms)) << "twice is fine";
    EXPECT_TRUE(cgroups_->list(parent_)->empty());
}

TEST_F(CgroupTest, ProcessesJoinEveryHierarchy) {
    const Cgroup group = create();
    const Child child = run_in(group, "exec sleep 100");
    ASSERT_TRUE(has_processes(group, 1));
    EXPECT_EQ(group.processes()->front(), child.pid);
    EXPECT_EQ(group.remove(5ms).error().kind(), Kind::kTimeout) << "somebody is in it";
    const std::string file = fmt::format("/proc/{}/cgroup", child.pid);
    size_t inside = 0;
    const auto text = read_file(file.c_str(), 1 << 16);
    for (const std::string_view line : split(*text, '\n')) {
        inside += line.ends_with(group.path()) ? 1 : 0;
    }
    EXPECT_EQ(inside, is_v2() ? 1 : cgroups_->layout().v1.size());
    EXPECT_TRUE(group.kill_all());
    EXPECT_EQ(status_of(child), 137);
    EXPECT_TRUE(group.remove(2s));
}

// S34
TEST_F(CgroupTest, DevicePolicyHolds) {
    CgroupLimits limits;
    limits.devices = default_device_rules();
    const Cgroup group = create(limits);
    EXPECT_EQ(status_of(run_in(group,
                               "echo x > /dev/null && head -c1 /dev/zero | wc -c "
                               ">/dev/null && ! head -c1 /dev/kmsg 2>/dev/null")),
              0);
}

TEST_F(CgroupTest, KillsAForkBomb) {
    CgroupLimits limits;
    limits.pids = 64;
    const Cgroup group = create(limits);
    const Child child = run_in(group, "f() { f | f & f; }; f 2>/dev/null; sleep 100");
    for (int turn = 0; turn < 2000 && group.processes()->size() < 20; ++turn) {
        ::usleep(1000);
    }
    EXPECT_TRUE(group.kill_all());
    EXPECT_EQ(status_of(child), 137);
    EXPECT_TRUE(group.remove(5s));
}

TEST_F(CgroupTest, FreezesAndThaws) {
    const Cgroup group = create();
    const Child child = run_in(group, "exec sleep 100");
    ASSERT_TRUE(has_processes(group, 1));
    EXPECT_FALSE(*group.is_frozen());
    EXPECT_TRUE(group.freeze());
    EXPECT_TRUE(*group.is_frozen());
    EXPECT_TRUE(send_signal(child.pidfd.get(), SIGKILL));
    EXPECT_TRUE(group.thaw());
    EXPECT_EQ(status_of(child), 137);
    EXPECT_FALSE(*group.is_frozen());
}

TEST_F(CgroupTest, KillsWhatIsFrozen) {
    const Cgroup group = create();
    const Child child = run_in(group, "exec sleep 100");
    ASSERT_TRUE(has_processes(group, 1));
    ASSERT_TRUE(group.freeze());
    EXPECT_TRUE(group.kill_all());
    EXPECT_EQ(status_of(child), 137);
}

TEST_F(CgroupTest, BearsItsOwnersMark) {
    const Cgroup group = create();
    EXPECT_EQ(cgroup_owner(group).value(), std::nullopt);
    ASSERT_TRUE(set_cgroup_owner(group, "/run/x"));
    EXPECT_EQ(cgroup_owner(group).value(), "/run/x");
    EXPECT_TRUE(group.remove(0ms));
    EXPECT_FALSE(cgroup_owner(group));
    EXPECT_FALSE(set_cgroup_owner(group, "/run/x"));
}

TEST_F(CgroupTest, RemovesGroupsThatAContainerMade) {
    const Cgroup group = create();
    std::vector<std::string> roots = {cgroups_->layout().v2_mount_point};
    for (const CgroupHierarchy& hierarchy : cgroups_->layout().v1) {
        roots.push_back(hierarchy.mount_point);
    }
    roots.erase(roots.begin(), roots.begin() + (is_v2() ? 0 : 1));
    for (const std::string& root : roots) {
        ASSERT_TRUE(make_dirs((root + group.path() + "/a/b").c_str(), 0755));
    }
    EXPECT_TRUE(group.remove(0ms));
    EXPECT_TRUE(cgroups_->list(parent_)->empty());
}

TEST_F(CgroupTest, NoticesThatMemoryRanOut) {
    CgroupLimits limits;
    limits.memory = 16 << 20;
    limits.memory_swap = 16 << 20;
    const Cgroup group = create(limits);
    const auto watch = group.watch_oom();
    ASSERT_TRUE(watch) << watch.error().text();
    EXPECT_EQ(*group.oom_kill_count(), 0U);
    EXPECT_EQ(status_of(run_in(group, "x=$(head -c 100000000 /dev/zero | tr '\\0' x)")), 137);
    // Each process of the pipeline may be the one that is killed, and then the next.
    EXPECT_GE(*group.oom_kill_count(), 1U);
    pollfd poll{.fd = watch->get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&poll, 1, 2000), 1);
}

// S35
TEST(CgroupPath, NeverLeavesItsHierarchy) {
    EXPECT_EQ(clean_cgroup_path("../../x"), "/x");
    EXPECT_EQ(clean_cgroup_path("/a/./b/../c//"), "/a/c");
    EXPECT_EQ(clean_cgroup_path("/"), "");
    EXPECT_EQ(clean_cgroup_path("a/../../.."), "");
}

TEST(CgroupLayout, KnowsCoMountedHierarchies) {
    const auto layout = read_cgroup_layout(
        "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
        "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "33 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup "
        "rw,xattr,release_agent=/lib/x,name=systemd\n"
        "34 31 0:29 / /elsewhere rw - cgroup cgroup rw,cpu,cpuacct\n");
    ASSERT_TRUE(layout) << layout.error().text();
    EXPECT_EQ(layout->mode, CgroupMode::kV1);
    ASSERT_EQ(layout->v1.size(), 2U);
    EXPECT_EQ(layout->find_v1("cpuacct")->mount_point, "/sys/fs/cgroup/cpu,cpuacct");
    EXPECT_EQ(layout->find_v1("name=systemd")->mount_point, "/sys/fs/cgroup/systemd");
    EXPECT_EQ(layout->find_v1("memory"), nullptr);
    EXPECT_EQ(read_cgroup_layout("").error().kind(), Kind::kNotImplemented);
}

/// The same machine seen as if it had only its v2 tree.
class CgroupV2Test : public CgroupTest {
protected:
    void SetUp() override {
        auto probed = Cgroups::probe();
        if (::geteuid() != 0 || !probed || probed->layout().v2_mount_point.empty()) {
            GTEST_SKIP() << "needs root and a mounted cgroup2";
        }
        root_ = probed->layout().v2_mount_point;
        auto v2 =
            Cgroups::from_mountinfo(fmt::format("1 1 0:1 / {} rw - cgroup2 cgroup2 rw\n", root_));
        ASSERT_TRUE(v2) << v2.error().text();
        ASSERT_EQ(v2->layout().mode, CgroupMode::kV2);
        cgroups_.emplace(std::move(*v2));
    }

    /// A shell that moves itself in, since spawn() cannot clone into a group.
    Child run_in_v2(const Cgroup& group, const std::string& script) const {
        auto child = spawn(
            {.path = "/bin/bash",
             .argv = {"bash", "-c",
                      fmt::format("echo 0 > {}{}/cgroup.procs; {}", root_, group.path(), script)},
             .env = {},
             .fds = {}});
        EXPECT_TRUE(child);
        return std::move(*child);
    }

    std::string root_;
};

TEST_F(CgroupV2Test, FreezesKillsAndRemoves) {
    const Cgroup group = create();
    EXPECT_TRUE(group.tasks_fds()->empty());
    EXPECT_TRUE(*group.v2_dir());
    const Child child = run_in_v2(group, "sleep 100; true");
    ASSERT_TRUE(has_processes(group, 2));
    EXPECT_TRUE(group.freeze());
    EXPECT_TRUE(*group.is_frozen());
    EXPECT_TRUE(group.kill_all());
    EXPECT_EQ(status_of(child), 137);
    EXPECT_TRUE(group.remove(2s));
    EXPECT_TRUE(group.kill_all()) << "a missing group is fine";
}

TEST_F(CgroupV2Test, DevicePolicyHoldsAndIsReplaced) {
    CgroupLimits limits;
    limits.devices = default_device_rules();
    const Cgroup group = create(limits);
    EXPECT_EQ(status_of(run_in_v2(
                  group, "echo x > /dev/null && ! head -c1 /dev/kmsg 2>/dev/null >/dev/null")),
              0);
    limits.devices->push_back(
        {DeviceRule::Action::kAllow, DeviceRule::Type::kChar, 1, 11, DeviceRule::kRead});
    ASSERT_TRUE(group.apply(limits, warnings_));
    EXPECT_EQ(status_of(run_in_v2(group, "exec 3</dev/kmsg")), 0);
}

TEST_F(CgroupV2Test, WarnsOfControllersThatAreMissing) {
    if (cgroups_->layout().has_v2_controller("memory")) {
        GTEST_SKIP() << "this machine has the memory controller on v2";
    }
    CgroupLimits limits;
    limits.memory = 64 << 20;
    create(limits);
    EXPECT_EQ(warnings_, (std::vector<std::string>{
                             "This machine's cgroups have no memory.max. Limitation discarded."}));
    limits.unified["../cgroup.procs"] = "0";
    EXPECT_EQ(cgroups_->at(parent_, "c1").apply(limits, warnings_).error().kind(), Kind::kInvalid);
}

}  // namespace
}  // namespace gantry::sys
