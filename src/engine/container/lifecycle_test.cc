#include "engine/container/lifecycle.h"

#include <gtest/gtest.h>

#include "engine/container/restart_policy.h"
#include "engine/container/start.h"
#include "engine/container/status_text.h"
#include "engine/container/stuck.h"

namespace gantry::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Lifecycle full_life() {
    Lifecycle life;
    life.phase = Phase::kRunning;
    life.pid = 42;
    life.exit_code = 7;
    life.error = "a \"quoted\" reason\n";
    life.started_at = WallTime(std::chrono::nanoseconds(1'795'000'000'123'456'789));
    life.finished_at = WallTime(std::chrono::nanoseconds(1));
    life.oom_killed = true;
    life.manually_stopped = true;
    life.restart_count = 3;
    net::Endpoint& endpoint = life.endpoint.emplace();
    endpoint.id = EndpointId("e");
    endpoint.network_id = NetworkId("n");
    endpoint.network_name = "bridge";
    endpoint.container_name = "web";
    endpoint.mac = *sys::parse_mac("02:42:ac:11:00:02");
    endpoint.ip = *sys::parse_ipv4("172.17.0.2");
    endpoint.prefix_length = 16;
    endpoint.gateway = *sys::parse_ipv4("172.17.0.1");
    endpoint.interface = "eth0";
    endpoint.host_interface = "veth0";
    life.ports = {{.protocol = net::PortProtocol::kUdp,
                   .container_port = 53,
                   .host_ip = *sys::parse_ipv4("127.0.0.1"),
                   .host_port = 5353}};
    return life;
}

TEST(Lifecycle, SurvivesTheDatabase) {
    const Lifecycle life = full_life();
    const auto read = parse_lifecycle(format_lifecycle(life));
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(format_lifecycle(*read), format_lifecycle(life));
    EXPECT_EQ(read->started_at, life.started_at);
    EXPECT_EQ(read->error, life.error);
    EXPECT_EQ(read->endpoint->mac, life.endpoint->mac);
    EXPECT_EQ(read->ports, life.ports);
    EXPECT_FALSE(parse_lifecycle(format_lifecycle({}))->endpoint);
}

TEST(Lifecycle, DamageIsAnError) {
    for (const char* bad : {"", "{}", "[]", "{\"phase\":\"nosuch\"}", "{\"phase\":5}"}) {
        const auto read = parse_lifecycle(bad);
        ASSERT_FALSE(read) << bad;
        EXPECT_EQ(read.error().kind(), Kind::kDataLoss);
    }
}

TEST(Lifecycle, IsStuckWhenDeadWithAProcess) {
    Lifecycle life;
    life.phase = Phase::kDead;
    EXPECT_FALSE(has_process(life));
    life.pid = 77;
    EXPECT_TRUE(is_stuck(life) && has_process(life));
    life.phase = Phase::kPaused;
    EXPECT_TRUE(has_process(life) && !is_stuck(life));
    life.phase = Phase::kExited;
    EXPECT_FALSE(has_process(life));
}

TEST(StatusText, IsDockers) {
    const WallTime now(std::chrono::hours(1000));
    Lifecycle life;
    EXPECT_EQ(status_text(life, now), "Created");
    life.phase = Phase::kRunning;
    life.started_at = now - seconds(5);
    EXPECT_EQ(status_text(life, now), "Up 5 seconds");
    life.phase = Phase::kPaused;
    EXPECT_EQ(status_text(life, now), "Up 5 seconds (Paused)");
    life.phase = Phase::kExited;
    life.exit_code = 137;
    life.finished_at = now - std::chrono::hours(3);
    EXPECT_EQ(status_text(life, now), "Exited (137) 3 hours ago");
    life.phase = Phase::kRestarting;
    EXPECT_EQ(status_text(life, now), "Restarting (137) 3 hours ago");
    life.phase = Phase::kDead;
    EXPECT_EQ(status_text(life, now), "Dead");
}

TEST(CommandText, QuotesArgumentsWithSpaces) {
    EXPECT_EQ(command_text({"sh", "-c", "echo x"}), "sh -c 'echo x'");
    EXPECT_EQ(command_text({}), "");
}

TEST(StartFailure, HasDockersCodes) {
    EXPECT_EQ(start_failure_code("exec: \"x\": executable file not found in $PATH"), 127);
    EXPECT_EQ(start_failure_code("exec: \"/x\": stat /x: no such file or directory"), 127);
    EXPECT_EQ(start_failure_code("exec: \"/etc\": Permission denied"), 126);
    EXPECT_EQ(start_failure_code("exec: \"/etc\": is a directory"), 126);
    EXPECT_EQ(start_failure_code("port is already allocated"), 128);
}

class RestartPolicyTest : public testing::Test {
protected:
    bool wants(const char* policy, int code, bool stopped = false, int count = 0, int max = 0) {
        ContainerRecord record;
        record.host.restart_policy = {.name = policy, .maximum_retry_count = max};
        Lifecycle life;
        life.phase = Phase::kExited;
        life.exit_code = code;
        life.manually_stopped = stopped;
        life.restart_count = count;
        life.started_at = WallTime(seconds(1));
        boot_ = wants_boot_restart(record, life);
        return wants_restart(record, life, RemovalPending::kNo);
    }

    bool boot_ = false;
};

TEST_F(RestartPolicyTest, FollowsF6) {
    EXPECT_FALSE(wants("no", 1));
    EXPECT_TRUE(wants("always", 0));
    EXPECT_FALSE(wants("always", 0, true));
    EXPECT_TRUE(boot_);
    EXPECT_TRUE(wants("unless-stopped", 0));
    EXPECT_FALSE(wants("unless-stopped", 0, true));
    EXPECT_FALSE(boot_);
    EXPECT_FALSE(wants("on-failure", 0));
    EXPECT_TRUE(wants("on-failure", 3));
    EXPECT_TRUE(wants("on-failure", 3, false, 1, 2));
    EXPECT_FALSE(wants("on-failure", 3, false, 2, 2));
}

TEST_F(RestartPolicyTest, BacksOff) {
    EXPECT_EQ(restart_delay(1), milliseconds(100));
    EXPECT_EQ(restart_delay(2), milliseconds(200));
    EXPECT_EQ(restart_delay(5), milliseconds(1600));
    EXPECT_EQ(restart_delay(100), milliseconds(60'000));
    Lifecycle life;
    life.started_at = WallTime(seconds(1));
    life.finished_at = WallTime(seconds(2));
    EXPECT_EQ(next_restarts_in_a_row(4, life), 5);
    life.finished_at = WallTime(seconds(11));
    EXPECT_EQ(next_restarts_in_a_row(4, life), 1);
}

}  // namespace
}  // namespace gantry::engine
