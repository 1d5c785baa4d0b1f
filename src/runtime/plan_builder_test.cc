#include "runtime/plan_builder.h"

#include <gtest/gtest.h>
#include <linux/mount.h>
#include <sched.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/default_config.h"
#include "shim/plan.h"
#include "spec/oci/runtime.h"

namespace gantry::runtime {
namespace {

using shim::StepKind;

/// A plan's bytes, decoded as the shim does.
struct Decoded {
    explicit Decoded(const std::string& bytes) : bytes_(bytes) {
        std::memcpy(&header, bytes_.data(), sizeof header);
        steps.resize(header.step_count);
        std::memcpy(steps.data(), bytes_.data() + header.steps, steps.size() * sizeof(shim::Step));
    }
    std::string text(const shim::Text& text) const {
        return bytes_.substr(header.pool + text.offset, text.size);
    }
    std::vector<StepKind> kinds() const {
        std::vector<StepKind> kinds;
        for (const shim::Step& step : steps) {
            kinds.push_back(step.kind);
        }
        return kinds;
    }
    const shim::Step* find(StepKind kind, const std::string& first) const {
        for (const shim::Step& step : steps) {
            if (step.kind == kind && text(step.text[0]) == first) {
                return &step;
            }
        }
        return nullptr;
    }

    std::string bytes_;
    shim::PlanHeader header = {};
    std::vector<shim::Step> steps;
};

spec::oci::Config minimal() {
    spec::oci::Config config;
    config.root.path = "/rootfs";
    config.process.args = {"prog", "arg"};
    config.process.env = {"A=1"};
    config.process.cwd = "/work";
    config.linux.namespaces = {{"mount", ""}, {"pid", ""}, {"cgroup", ""}};
    return config;
}

LaunchOptions with_fds() {
    LaunchOptions options;
    options.cgroup_tasks_fds = {50, 51};
    options.oom_events_fd = 60;
    options.root_mount_fd = 70;
    options.netns_fd = 80;
    return options;
}

TEST(PlanBuilder, OrdersTheStepsOfAMinimalContainer) {
    const auto plan = build_container_plan(minimal(), with_fds(), {});
    ASSERT_TRUE(plan) << plan.error().text();
    const Decoded decoded(*plan);
    EXPECT_EQ(decoded.kinds(),
              (std::vector<StepKind>{
                  StepKind::kJoinNamespace, StepKind::kJoinCgroups, StepKind::kUnshare,
                  StepKind::kPropagation, StepKind::kAttachRoot, StepKind::kDirectory,
                  StepKind::kPivotRoot, StepKind::kSession, StepKind::kKeyring,
                  StepKind::kStdioOwner, StepKind::kWorkingDirectory, StepKind::kBoundingSet,
                  StepKind::kIdentity, StepKind::kHarden, StepKind::kCapabilities,
                  StepKind::kFindProgram, StepKind::kWaitForStart, StepKind::kExec}));
    EXPECT_EQ(decoded.header.clone_flags, uint64_t{CLONE_NEWNS | CLONE_NEWPID});
    EXPECT_EQ(decoded.text(decoded.steps.back().text[0]), std::string("prog\0arg\0", 9));
}

TEST(PlanBuilder, NumbersDescriptorsInTheOrderOfPlanFds) {
    const LaunchOptions options = with_fds();
    EXPECT_EQ(plan_fds(options), (std::vector<int>{50, 51, 60, 70, 80}));
    const auto plan = build_container_plan(minimal(), options, {});
    ASSERT_TRUE(plan);
    const Decoded decoded(*plan);
    EXPECT_EQ(decoded.header.fd_count, 5U);
    EXPECT_EQ(decoded.header.tasks_fds, 2U);
    EXPECT_EQ(decoded.find(StepKind::kAttachRoot, "/rootfs")->fd, shim::kFirstPlanFd + 3);
    EXPECT_EQ(decoded.find(StepKind::kJoinNamespace, "network namespace")->fd,
              shim::kFirstPlanFd + 4);
}

TEST(PlanBuilder, SeccompComesBeforeTheCapabilityThatItNeedsIsDropped) {
    auto config = minimal();
    const SeccompProgram filter{std::string(8, '\0'), 0};
    auto order = [&] {
        const auto plan = build_container_plan(config, {}, filter);
        const auto kinds = Decoded(*plan).kinds();
        return std::ranges::find(kinds, StepKind::kSeccomp) -
               std::ranges::find(kinds, StepKind::kCapabilities);
    };
    EXPECT_LT(order(), 0);
    config.process.no_new_privileges = true;
    EXPECT_GT(order(), 0);
}

TEST(PlanBuilder, TranslatesMounts) {
    auto config = minimal();
    config.mounts = {
        {"/data/../vol/", "bind", "/host", {"rbind", "ro", "rslave"}},
        {"/tmp", "tmpfs", "tmpfs", {"nosuid", "noatime", "mode=1777", "size=4k"}},
    };
    const auto plan = build_container_plan(config, {}, {});
    ASSERT_TRUE(plan) << plan.error().text();
    const Decoded decoded(*plan);
    const shim::Step* bind = decoded.find(StepKind::kBind, "/vol");
    ASSERT_NE(bind, nullptr);
    EXPECT_EQ(bind->flags, shim::kBindRecursive);
    EXPECT_EQ(bind->n[0], MOUNT_ATTR_RDONLY);
    EXPECT_EQ(bind->n[2], MS_SLAVE | MS_REC);
    const shim::Step* tmpfs = decoded.find(StepKind::kMount, "/tmp");
    ASSERT_NE(tmpfs, nullptr);
    EXPECT_EQ(tmpfs->n[0], MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOATIME);
    EXPECT_EQ(decoded.text(tmpfs->text[2]), "source=tmpfs,mode=1777,size=4k");
}

TEST(PlanBuilder, RefusesWhatItWouldHaveToIgnore) {
    auto config = minimal();
    config.process.args.clear();
    EXPECT_EQ(build_container_plan(config, {}, {}).error().kind(), Kind::kInvalid);
    config = minimal();
    config.process.cwd = "relative";
    EXPECT_EQ(build_container_plan(config, {}, {}).error().kind(), Kind::kInvalid);
    config = minimal();
    config.linux.uid_mappings = {{0, 1000, 1}};  // without a user namespace
    EXPECT_EQ(build_container_plan(config, {}, {}).error().kind(), Kind::kInvalid);
    config = minimal();
    config.linux.namespaces.push_back({"user", ""});  // without mappings
    EXPECT_EQ(build_container_plan(config, {}, {}).error().kind(), Kind::kInvalid);
    config = minimal();
    config.linux.namespaces[0].path = "/proc/1/ns/mnt";  // only a stage joins one
    EXPECT_EQ(build_container_plan(config, {}, {}).error().kind(), Kind::kInvalid);
    config = minimal();
    config.linux.intel_rdt.emplace();
    EXPECT_EQ(build_container_plan(config, {}, {}).error().kind(), Kind::kNotImplemented);
    config = minimal();
    config.hooks.prestart.push_back({"/bin/true", {}, {}, {}});  // nobody would run it
    EXPECT_EQ(build_container_plan(config, {}, {}).error().kind(), Kind::kNotImplemented);
    config = minimal();
    config.mounts = {{"/proc", "bind", "/host", {"bind"}}};
    EXPECT_EQ(build_container_plan(config, {}, {}).error().kind(), Kind::kInvalid);
    config.mounts = {{"/x/../proc/self", "tmpfs", "tmpfs", {}}};
    EXPECT_EQ(build_container_plan(config, {}, {}).error().kind(), Kind::kInvalid);
    config.mounts = {{"/proc/cpuinfo", "bind", "/host", {"bind"}}};
    EXPECT_TRUE(build_container_plan(config, {}, {}));
    config = minimal();
    config.process.rlimits = {{"RLIMIT_NONSENSE", 1, 1}};
    EXPECT_EQ(build_container_plan(config, {}, {}).error().kind(), Kind::kInvalid);
    config = minimal();
    config.hostname = "h";  // without a UTS namespace it would be the host's
    EXPECT_EQ(build_container_plan(config, {}, {}).error().kind(), Kind::kInvalid);
}

TEST(PlanBuilder, AnExecEntersThePidNamespaceLast) {
    const auto plan = build_exec_plan(minimal().process, {}, {});
    ASSERT_TRUE(plan);
    const Decoded decoded(*plan);
    EXPECT_EQ(decoded.kinds()[0], StepKind::kJoinCgroups);
    EXPECT_EQ(decoded.kinds()[1], StepKind::kJoinContainer);
    EXPECT_EQ(decoded.kinds()[2], StepKind::kEnterPidNamespace);
    EXPECT_EQ(decoded.kinds().back(), StepKind::kExec);
    EXPECT_EQ(std::ranges::count(decoded.kinds(), StepKind::kWaitForStart), 0);
}

TEST(DefaultConfig, PrivilegedHasNoMasks) {
    ConfigOptions options;
    options.privilege = Privilege::kPrivileged;
    const auto config = default_config(options);
    ASSERT_TRUE(config);
    EXPECT_TRUE(config->linux.masked_paths.empty());
    EXPECT_TRUE(config->linux.readonly_paths.empty());
    const auto normal = default_config({});
    ASSERT_TRUE(normal);
    EXPECT_FALSE(normal->linux.masked_paths.empty());
    EXPECT_LE(normal->process.capabilities->bounding.size(), 14U);
}

TEST(TmpfsMount, OptionsOverrideDefaultsByName) {
    EXPECT_EQ(tmpfs_mount("/t", "")->options,
              (std::vector<std::string>{"noexec", "nosuid", "nodev", "rprivate"}));
    EXPECT_EQ(tmpfs_mount("/t", "exec,size=1m")->options,
              (std::vector<std::string>{"nosuid", "nodev", "rprivate", "exec", "size=1m"}));
    EXPECT_EQ(tmpfs_mount("/t", "evil=1").error().kind(), Kind::kInvalid);
}

}  // namespace
}  // namespace gantry::runtime
