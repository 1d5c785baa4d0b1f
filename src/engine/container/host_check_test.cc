#include "engine/container/host_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace gantry::engine {
namespace {

using testing::HasSubstr;

constexpr sys::CgroupSupport kEverything{.memory = true,
                                         .swap = true,
                                         .memory_reservation = true,
                                         .memory_swappiness = true,
                                         .oom_kill_disable = true,
                                         .cpu_shares = true,
                                         .cpu_quota = true,
                                         .cpu_realtime = true,
                                         .cpuset = true,
                                         .pids = true,
                                         .io_weight = true,
                                         .io_weight_device = true,
                                         .io_throttle = true};
constexpr HostFacts kFacts{.processors = 4, .cgroup_v2 = false, .cgroups = kEverything};

using Change = std::function<void(spec::HostConfig&)>;

Result<> check(const Change& change) {
    spec::HostConfig host;
    change(host);
    std::vector<std::string> warnings;
    GT_TRY(adjust_resources(host.resources, kFacts, ResourceUse::kCreate, warnings));
    set_host_defaults(host, kFacts);
    return check_host_config(host, {});
}

struct Row {
    const char* name;
    Change change;
    const char* text;
};

void PrintTo(const Row& row, std::ostream* out) {
    *out << row.name;
}

class Refused : public testing::TestWithParam<Row> {};

TEST_P(Refused, WithDockersText) {
    const auto checked = check(GetParam().change);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().kind(), Kind::kInvalid) << checked.error().text();
    EXPECT_THAT(checked.error().text(), HasSubstr(GetParam().text));
}

const Row kRefused[] = {
    {"memory", [](auto& h) { h.resources.memory = 1 << 20; }, "Minimum memory limit allowed"},
    {"negative memory", [](auto& h) { h.resources.memory = -5; }, "Minimum memory"},
    {"swap alone", [](auto& h) { h.resources.memory_swap = 64 << 20; }, "always set the Memory"},
    {"small swap",
     [](auto& h) {
         h.resources.memory = 32 << 20;
         h.resources.memory_swap = 16 << 20;
     },
     "larger than memory limit"},
    {"reservation",
     [](auto& h) {
         h.resources.memory = 32 << 20;
         h.resources.memory_reservation = 64 << 20;
     },
     "less than memory reservation"},
    {"cpus", [](auto& h) { h.resources.nano_cpus = 5'000'000'000; }, "from 0.01 to 4.00"},
    {"cpus and period",
     [](auto& h) {
         h.resources.nano_cpus = 1'000'000'000;
         h.resources.cpu_period = 100'000;
     },
     "Nano CPUs and CPU Period"},
    {"period", [](auto& h) { h.resources.cpu_period = 10; }, "cfs period"},
    {"quota", [](auto& h) { h.resources.cpu_quota = 10; }, "cfs quota"},
    {"shares", [](auto& h) { h.resources.cpu_shares = -1; }, "CPU shares"},
    {"cpuset", [](auto& h) { h.resources.cpuset_cpus = "a-b"; }, "Invalid value a-b for cpuset"},
    {"cpuset range", [](auto& h) { h.resources.cpuset_cpus = "0-4"; }, "not available"},
    {"swappiness", [](auto& h) { h.resources.memory_swappiness = 101; },
     "valid memory swappiness range is 0-100"},
    {"weight", [](auto& h) { h.resources.blkio_weight = 5; }, "from 10 to 1000"},
    {"device weight", [](auto& h) { h.resources.blkio_weight_device = {{"/dev/vda", 1001}}; },
     "invalid weight for device"},
    {"throttle", [](auto& h) { h.resources.blkio_device_read_bps = {{"vda", 1}}; },
     "bad format for device path: vda"},
    {"windows", [](auto& h) { h.resources.io_maximum_iops = 5; }, "Invalid QoS settings"},
    {"ulimit", [](auto& h) { h.resources.ulimits = {{"nosuch", 1, 1}}; }, "invalid ulimit type"},
    {"soft", [](auto& h) { h.resources.ulimits = {{"nofile", 20, 10}}; }, "20 > 10"},
    {"policy", [](auto& h) { h.restart_policy.name = "x"; }, "unknown policy 'x'"},
    {"retries", [](auto& h) { h.restart_policy = {.name = "always", .maximum_retry_count = 3}; },
     "maximum retry count"},
    {"remove and restart",
     [](auto& h) {
         h.auto_remove = true;
         h.restart_policy.name = "always";
     },
     "can't create 'AutoRemove' container with restart policy"},
    {"pid mode", [](auto& h) { h.pid_mode = "x"; }, "invalid PID mode: x"},
    {"nobody's pids", [](auto& h) { h.pid_mode = "container:"; }, "invalid PID mode: container:"},
    {"nobody's network", [](auto& h) { h.network_mode = "container:"; },
     "invalid container format container:<name|id>"},
    {"dns of another's network",
     [](auto& h) {
         h.network_mode = "container:x";
         h.dns_search = {"example.org"};
     },
     "conflicting options: dns and the network mode"},
    {"ipc mode", [](auto& h) { h.ipc_mode = "x"; }, "invalid IPC mode: x"},
    {"uts mode", [](auto& h) { h.uts_mode = "x"; }, "invalid UTS mode: x"},
    {"userns", [](auto& h) { h.userns_mode = "x"; }, "user namespace mode"},
    {"cgroupns", [](auto& h) { h.cgroupns_mode = "x"; }, "cgroup namespace mode"},
    {"shm", [](auto& h) { h.shm_size = -1; }, "SHM size can not be less than 0"},
    {"oom score", [](auto& h) { h.oom_score_adj = 1001; }, "[-1000, 1000]"},
    {"dns", [](auto& h) { h.dns = {"x"}; }, "invalid IP address: x"},
    {"dns search", [](auto& h) { h.dns_search = {"a\nnameserver 1.2.3.4"}; }, "DNS setting"},
    {"extra host", [](auto& h) { h.extra_hosts = {"x"}; }, "bad format for add-host: \"x\""},
    {"extra ip", [](auto& h) { h.extra_hosts = {"a:x"}; }, "IP address in add-host: \"x\""},
    {"capability", [](auto& h) { h.cap_add = {"NOSUCH"}; }, "unknown capability: \"CAP_NOSUCH\""},
    {"drop", [](auto& h) { h.cap_drop = {"CAP_NOSUCH"}; }, "invalid CapDrop"},
    {"security", [](auto& h) { h.security_opt = {"nosuch=1"}; }, "invalid --security-opt 2"},
    {"security word", [](auto& h) { h.security_opt = {"nosuch"}; }, "invalid --security-opt 1"},
    {"seccomp", [](auto& h) { h.security_opt = {"seccomp={"}; }, ""},
    {"log driver", [](auto& h) { h.log_config.type = "x"; }, "no log driver named 'x'"},
    {"log option", [](auto& h) { h.log_config = {.type = "json-file", .config = {{"x", "1"}}}; },
     "unknown log opt 'x' for json-file log driver"},
    {"log size",
     [](auto& h) { h.log_config = {.type = "json-file", .config = {{"max-size", "x"}}}; },
     "max-size"},
    {"sysctl", [](auto& h) { h.sysctls = {{"vm.swappiness", "1"}}; }, "separate kernel namespace"},
    {"sysctl path", [](auto& h) { h.sysctls = {{"net.a/../../x", "1"}}; }, "kernel namespace"},
    {"sysctl of host",
     [](auto& h) {
         h.network_mode = "host";
         h.sysctls = {{"net.ipv4.ip_forward", "1"}};
     },
     "not allowed in host network"},
    {"masked", [](auto& h) { h.masked_paths = std::vector<std::string>{"x"}; }, "absolute"},
    {"annotation", [](auto& h) { h.annotations = {{"", "1"}}; }, "invalid Annotations"},
    {"port", [](auto& h) { h.port_bindings["80/tcp"] = {{{"", "99999"}}}; }, "99999"},
    {"protocol", [](auto& h) { h.port_bindings["80/xyz"] = {{{"", "80"}}}; }, "80/xyz"},
    {"port ip", [](auto& h) { h.port_bindings["80/tcp"] = {{{"x", "80"}}}; }, "address: x"},
};

INSTANTIATE_TEST_SUITE_P(HostConfig, Refused, testing::ValuesIn(kRefused));

class NotYet : public testing::TestWithParam<Row> {};

TEST_P(NotYet, IsNamed) {
    const auto checked = check(GetParam().change);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().kind(), Kind::kNotImplemented) << checked.error().text();
    EXPECT_THAT(checked.error().text(), HasSubstr(GetParam().text));
}

const Row kNotYet[] = {
    {"network", [](auto& h) { h.network_mode = "mine"; }, "user-defined networks"},
    {"cgroup", [](auto& h) { h.cgroup = "container:x"; }, "Cgroup"},
    {"label", [](auto& h) { h.security_opt = {"label=type:x"}; }, "SecurityOpt"},
};

INSTANTIATE_TEST_SUITE_P(HostConfig, NotYet, testing::ValuesIn(kNotYet));

TEST(Resources, WhatTheKernelLacksIsDroppedAndSaid) {
    spec::Resources resources;
    resources.memory = 64 << 20;
    resources.oom_kill_disable = true;
    resources.blkio_weight = 100;
    resources.cpuset_cpus = "0";
    resources.pids_limit = 5;
    std::vector<std::string> warnings;
    const HostFacts bare{.processors = 1, .cgroup_v2 = false, .cgroups = {}};
    ASSERT_TRUE(adjust_resources(resources, bare, ResourceUse::kCreate, warnings));
    EXPECT_EQ(resources.memory, 0);
    EXPECT_FALSE(resources.oom_kill_disable || resources.pids_limit);
    EXPECT_EQ(resources.blkio_weight, 0);
    EXPECT_EQ(resources.cpuset_cpus, "");
    EXPECT_EQ(warnings.size(), 5U);
}

TEST(HostDefaults, AreDockers) {
    spec::HostConfig host;
    set_host_defaults(host, kFacts);
    EXPECT_EQ(host.network_mode, "bridge");
    EXPECT_EQ(host.ipc_mode, "private");
    EXPECT_EQ(host.cgroupns_mode, "host");
    EXPECT_EQ(host.shm_size, 67108864);
    EXPECT_EQ(host.log_config.type, "json-file");
    EXPECT_EQ(host.restart_policy.name, "no");
    ASSERT_TRUE(host.masked_paths);
    EXPECT_FALSE(host.masked_paths->empty());
    spec::HostConfig privileged;
    privileged.privileged = true;
    privileged.resources.memory = 64 << 20;
    set_host_defaults(privileged, {.processors = 1, .cgroup_v2 = true, .cgroups = {}});
    EXPECT_TRUE(privileged.masked_paths->empty());
    EXPECT_EQ(privileged.resources.memory_swap, 128 << 20);
    EXPECT_EQ(privileged.cgroupns_mode, "private");
}

TEST(Capabilities, FollowDockersOrder) {
    constexpr sys::CapSet kAll = (sys::CapSet{1} << 41) - 1;
    const sys::CapSet chown = sys::CapSet{1} << *sys::parse_capability("CHOWN");
    const sys::CapSet admin = sys::CapSet{1} << *sys::parse_capability("SYS_ADMIN");
    const auto resolve = [](std::vector<std::string> add, std::vector<std::string> drop) {
        spec::HostConfig host;
        host.cap_add = std::move(add);
        host.cap_drop = std::move(drop);
        return resolve_capabilities(host, kAll).value();
    };
    EXPECT_EQ(resolve({}, {}), sys::kDefaultCapabilities);
    EXPECT_EQ(resolve({"sys_admin"}, {}), sys::kDefaultCapabilities | admin);
    EXPECT_EQ(resolve({}, {"CAP_CHOWN"}), sys::kDefaultCapabilities & ~chown);
    EXPECT_EQ(resolve({"CHOWN"}, {"ALL"}), chown);
    EXPECT_EQ(resolve({"ALL"}, {"CHOWN"}), kAll & ~chown);
    EXPECT_EQ(resolve({}, {"all"}), 0U);
}

TEST(SecurityOptions, AreUnderstood) {
    EXPECT_EQ(parse_security_options({"no-new-privileges"})->no_new_privileges, true);
    EXPECT_EQ(parse_security_options({"no-new-privileges:true"})->no_new_privileges, true);
    EXPECT_EQ(parse_security_options({"no-new-privileges=false"})->no_new_privileges, false);
    EXPECT_EQ(parse_security_options({})->no_new_privileges, std::nullopt);
    EXPECT_TRUE(parse_security_options({"systempaths=unconfined"})->unconfined_paths);
    EXPECT_EQ(parse_security_options({"seccomp=unconfined"})->seccomp,
              SecurityOptions::Seccomp::kUnconfined);
    EXPECT_EQ(parse_security_options({"seccomp:unconfined"})->seccomp,
              SecurityOptions::Seccomp::kUnconfined);
    EXPECT_TRUE(parse_security_options({"apparmor=unconfined", "label=disable"}));
}

TEST(Networking, FitsTheMode) {
    spec::NetworkingConfig networking;
    networking.endpoints_config["bridge"] = {};
    spec::HostConfig host;
    EXPECT_TRUE(check_networking(networking, host));
    networking.endpoints_config["mine"] = {};
    const auto checked = check_networking(networking, host);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().kind(), Kind::kNotImplemented);
    networking.endpoints_config.erase("mine");
    networking.endpoints_config["bridge"].ipam_config.emplace().ipv4_address = "172.17.0.9";
    EXPECT_FALSE(check_networking(networking, host));
}

}  // namespace
}  // namespace gantry::engine
