#include "engine/container/ports.h"

#include <gtest/gtest.h>

namespace gantry::engine {
namespace {

TEST(PlanPorts, TakesBindingsAndExposedPorts) {
    spec::HostConfig host;
    spec::ContainerConfig config;
    config.exposed_ports = {"80/tcp", "81-82/udp"};
    host.port_bindings["80/tcp"] = {{{"127.0.0.1", "8080"}, {"", ""}}};
    host.port_bindings["90/tcp"] = {{{"", "9000-9010"}}};
    host.port_bindings["91/tcp"] = std::nullopt;
    auto ports = plan_ports(host, config, net::Ipv4{0x01020304});
    ASSERT_TRUE(ports) << ports.error().text();
    ASSERT_EQ(ports->size(), 3U);
    EXPECT_EQ((*ports)[0].host_first, 8080);
    EXPECT_EQ(sys::format_ipv4((*ports)[0].host_ip), "127.0.0.1");
    EXPECT_EQ((*ports)[1].host_first, 0);
    EXPECT_EQ(sys::format_ipv4((*ports)[1].host_ip), "1.2.3.4");
    EXPECT_EQ((*ports)[2].host_first, 9000);
    EXPECT_EQ((*ports)[2].host_last, 9010);
    host.publish_all_ports = true;
    ports = plan_ports(host, config, {});
    ASSERT_TRUE(ports);
    ASSERT_EQ(ports->size(), 5U);
    EXPECT_EQ((*ports)[3].container_port, 81);
    EXPECT_EQ((*ports)[3].protocol, net::PortProtocol::kUdp);
}

TEST(PlanPorts, RefusesWhatIsNoPort) {
    spec::HostConfig host;
    host.port_bindings["80/tcp"] = {{{"::1", "80"}}};
    EXPECT_EQ(plan_ports(host, {}, {}).error().kind(), Kind::kNotImplemented);
    host.port_bindings["80/tcp"] = {{{"", "80-70"}}};
    EXPECT_EQ(plan_ports(host, {}, {}).error().kind(), Kind::kInvalid);
}

class PortMapTest : public testing::Test {
protected:
    PortMapTest() {
        record_.config.exposed_ports = {"80/tcp", "53/udp"};
        record_.host.port_bindings["80/tcp"] = {{{"", ""}}};
        life_.phase = Phase::kRunning;
        life_.endpoint.emplace();
        life_.ports = {{.protocol = net::PortProtocol::kTcp,
                        .container_port = 80,
                        .host_ip = {},
                        .host_port = 32768}};
    }

    ContainerRecord record_;
    Lifecycle life_;
};

TEST_F(PortMapTest, ShowsPublishedAndExposedPorts) {
    const spec::PortMap map = port_map(record_, life_);
    ASSERT_EQ(map.size(), 2U);
    EXPECT_FALSE(map.at("53/udp"));
    ASSERT_TRUE(map.at("80/tcp"));
    EXPECT_EQ(map.at("80/tcp")->front().host_ip, "0.0.0.0");
    EXPECT_EQ(map.at("80/tcp")->front().host_port, "32768");
}

TEST_F(PortMapTest, IsEmptyWithoutAnEndpoint) {
    EXPECT_TRUE(port_map(record_, {}).empty());
}

TEST_F(PortMapTest, SummarizesForLists) {
    const auto summaries = port_summaries(record_, life_);
    ASSERT_EQ(summaries.size(), 2U);
    EXPECT_EQ(summaries[0].private_port, 53);
    EXPECT_EQ(summaries[0].public_port, 0);
    EXPECT_EQ(summaries[1].public_port, 32768);
    EXPECT_EQ(summaries[1].ip, "0.0.0.0");
}

}  // namespace
}  // namespace gantry::engine
