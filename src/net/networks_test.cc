#include "net/networks.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <map>
#include <string>

#include "net/network_world_test.h"
#include "sys/files.h"

namespace gantry::net {
namespace {

std::unique_ptr<Networks> open_networks(const NetworksConfig& config = {}) {
    auto networks = Networks::open(config);
    EXPECT_TRUE(networks) << networks.error().text();
    return networks ? std::move(*networks) : nullptr;
}

Sandbox create(Networks& networks, const std::string& name, std::vector<PortRequest> ports = {}) {
    SandboxRequest request;
    request.container_name = name;
    request.ports = std::move(ports);
    auto sandbox = networks.create_sandbox(ContainerId(name), request);
    EXPECT_TRUE(sandbox) << sandbox.error().text();
    return sandbox ? std::move(*sandbox) : Sandbox{};
}

std::string ip_of(const Sandbox& sandbox) {
    return sandbox.endpoint ? sys::format_ipv4(sandbox.endpoint->ip) : "none";
}

PortRequest tcp(uint16_t container_port, uint16_t host_port) {
    return {PortProtocol::kTcp, container_port, {}, host_port, host_port};
}

PublishedPort tcp_port(uint16_t container_port, uint16_t host_port) {
    return {PortProtocol::kTcp, container_port, {}, host_port};
}

/// Sends one datagram and says whether SERVICE got it.
bool datagram_arrives(const Service& client, const Service& service) {
    EXPECT_EQ(::send(client.socket.get(), "x", 1, 0), 1);
    char byte = 0;
    pollfd poll{.fd = service.socket.get(), .events = POLLIN, .revents = 0};
    return ::poll(&poll, 1, 500) == 1 && ::recv(service.socket.get(), &byte, 1, 0) == 1;
}

constexpr Ipv4 kLocalhost{0x7f000001};

TEST(Networks, GivesEachSandboxAnAddressAndAWayToTheOthers) {
    NetworkWorld::run([](NetworkWorld&) {
        const auto networks = open_networks();
        const Sandbox one = create(*networks, "one");
        const Sandbox two = create(*networks, "two");
        ASSERT_TRUE(one.endpoint && two.endpoint);
        EXPECT_EQ(ip_of(one), "172.17.0.2");
        EXPECT_EQ(ip_of(two), "172.17.0.3");
        EXPECT_EQ(sys::format_ipv4(one.endpoint->gateway), "172.17.0.1");
        EXPECT_EQ(one.endpoint->prefix_length, 16);
        EXPECT_EQ(one.endpoint->interface, "eth0");
        const Service service = NetworkWorld::listen(one.netns.get(), "0.0.0.0", 80);
        EXPECT_TRUE(NetworkWorld::reaches(two.netns.get(), "172.17.0.2", 80, service));
    });
}

TEST(Networks, SandboxHasDockersSettings) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        const Sandbox sandbox = create(*networks, "one");
        const std::map<std::string, std::string> wanted{
            {"ipv4/ip_unprivileged_port_start", "0\n"},
            {"ipv4/ping_group_range", "0\t2147483647\n"},
            {"ipv6/conf/eth0/accept_ra", "0\n"},
            {"ipv6/conf/eth0/disable_ipv6", "1\n"},
            {"ipv4/conf/eth0/accept_redirects", "0\n"},
        };
        const auto read_all = [&](int netns) {
            std::map<std::string, std::string> values;
            const auto done = NetworkWorld::inside(netns, [&]() -> Result<> {
                for (const auto& [name, value] : wanted) {
                    auto text = sys::read_file(("/proc/sys/net/" + name).c_str(), 100);
                    values[name] = text ? *text : text.error().text();
                }
                return {};
            });
            EXPECT_TRUE(done);
            return values;
        };
        EXPECT_EQ(read_all(sandbox.netns.get()), wanted);
        EXPECT_NE(read_all(world.host())["ipv4/ip_unprivileged_port_start"], "0\n")
            << "the host's own setting was changed";
    });
}

TEST(Networks, SandboxWithoutNetworkHasOnlyLoopback) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        SandboxRequest request;
        request.mode = SandboxMode::kNone;
        auto sandbox = networks->create_sandbox(ContainerId("one"), request);
        ASSERT_TRUE(sandbox) << sandbox.error().text();
        EXPECT_FALSE(sandbox->endpoint);
        const Service service = NetworkWorld::listen(sandbox->netns.get(), "127.0.0.1", 80);
        EXPECT_TRUE(NetworkWorld::reaches(sandbox->netns.get(), "127.0.0.1", 80, service));
        EXPECT_TRUE(NetworkWorld::is_blocked(sandbox->netns.get(), "10.9.0.1", 80));
        EXPECT_TRUE(networks->release(ContainerId("one")));
        (void)world;
    });
}

TEST(Networks, PublishedPortIsReachedFromEverywhere) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        const Sandbox web = create(*networks, "web", {tcp(80, 8080)});
        const Sandbox other = create(*networks, "other");
        ASSERT_EQ(web.ports.size(), 1U);
        EXPECT_EQ(web.ports[0].host_port, 8080);
        const Service service = NetworkWorld::listen(web.netns.get(), "0.0.0.0", 80);

        std::string client;
        EXPECT_TRUE(NetworkWorld::reaches(world.lan(), "10.9.0.1", 8080, service, &client));
        EXPECT_EQ(client, "10.9.0.2") << "the client's address is kept";
        EXPECT_TRUE(NetworkWorld::reaches(world.host(), "127.0.0.1", 8080, service, &client));
        EXPECT_EQ(client, "172.17.0.1");
        EXPECT_TRUE(NetworkWorld::reaches(world.host(), "10.9.0.1", 8080, service));
        EXPECT_TRUE(NetworkWorld::reaches(other.netns.get(), "172.17.0.1", 8080, service));
        EXPECT_TRUE(NetworkWorld::reaches(other.netns.get(), "10.9.0.1", 8080, service));
        EXPECT_TRUE(NetworkWorld::reaches(web.netns.get(), "10.9.0.1", 8080, service))
            << "a container reaches itself by its published port";
    });
}

TEST(Networks, PublishedUdpPortCarriesDatagramsBothWays) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        const Sandbox dns = create(*networks, "dns", {{PortProtocol::kUdp, 53, {}, 5353, 5353}});
        const Service service = NetworkWorld::listen(dns.netns.get(), "0.0.0.0", 53, SOCK_DGRAM);
        const Service client = NetworkWorld::listen(world.lan(), "0.0.0.0", 0, SOCK_DGRAM);
        const sockaddr_in target = address_of("10.9.0.1", 5353);
        ASSERT_EQ(::connect(client.socket.get(), reinterpret_cast<const sockaddr*>(&target),
                            sizeof target),
                  0);
        ASSERT_EQ(::send(client.socket.get(), "q", 1, 0), 1);
        char byte = 0;
        sockaddr_in from{};
        socklen_t size = sizeof from;
        pollfd asked{.fd = service.socket.get(), .events = POLLIN, .revents = 0};
        ASSERT_EQ(::poll(&asked, 1, 2000), 1);
        ASSERT_EQ(::recvfrom(service.socket.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&from),
                             &size),
                  1);
        ASSERT_EQ(
            ::sendto(service.socket.get(), "a", 1, 0, reinterpret_cast<sockaddr*>(&from), size), 1);
        pollfd answered{.fd = client.socket.get(), .events = POLLIN, .revents = 0};
        EXPECT_EQ(::poll(&answered, 1, 2000), 1);
    });
}

TEST(Networks, AFlowOfDatagramsFollowsThePort) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        ASSERT_TRUE(networks->reconcile());
        const Service client = NetworkWorld::listen(world.lan(), "0.0.0.0", 0, SOCK_DGRAM);
        const sockaddr_in target = address_of("10.9.0.1", 5353);
        ASSERT_EQ(::connect(client.socket.get(), reinterpret_cast<const sockaddr*>(&target),
                            sizeof target),
                  0);
        {
            const Service foreign = NetworkWorld::listen(world.host(), "0.0.0.0", 5353, SOCK_DGRAM);
            ASSERT_TRUE(datagram_arrives(client, foreign)) << "a flow that is older than the port";
        }
        const PortRequest port{PortProtocol::kUdp, 53, {}, 5353, 5353};
        const Sandbox one = create(*networks, "one", {port});
        const Service first = NetworkWorld::listen(one.netns.get(), "0.0.0.0", 53, SOCK_DGRAM);
        EXPECT_TRUE(datagram_arrives(client, first));
        ASSERT_TRUE(networks->release(ContainerId("one")));
        const Sandbox two = create(*networks, "two", {port});
        const Service second = NetworkWorld::listen(two.netns.get(), "0.0.0.0", 53, SOCK_DGRAM);
        EXPECT_TRUE(datagram_arrives(client, second)) << "went to the one before";
    });
}

// S76
TEST(Networks, ContainersCannotPoseAsOthers) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        const Sandbox thief = create(*networks, "thief");
        const Sandbox other = create(*networks, "other");
        const Service service = NetworkWorld::listen(other.netns.get(), "0.0.0.0", 80);
        const int netns = thief.netns.get();
        ASSERT_TRUE(NetworkWorld::reaches(netns, "172.17.0.3", 80, service));
        NetworkWorld::command(netns, {"/sbin/ip", "addr", "add", "172.17.0.99/16", "dev", "eth0"});
        NetworkWorld::command(netns, {"/sbin/ip", "route", "add", "172.17.0.3/32", "dev", "eth0",
                                      "src", "172.17.0.99"});
        EXPECT_TRUE(NetworkWorld::is_blocked(netns, "172.17.0.3", 80)) << "another address";
        NetworkWorld::command(netns, {"/sbin/ip", "route", "del", "172.17.0.3/32"});
        EXPECT_TRUE(NetworkWorld::reaches(netns, "172.17.0.3", 80, service));
        NetworkWorld::command(netns,
                              {"/sbin/ip", "link", "set", "eth0", "address", "02:42:00:00:00:01"});
        EXPECT_TRUE(NetworkWorld::is_blocked(netns, "172.17.0.3", 80)) << "another MAC";
        (void)world;
    });
}

TEST(Networks, ContainersReachTheWorldUnderTheHostsAddress) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        const Sandbox sandbox = create(*networks, "one");
        const Service service = NetworkWorld::listen(world.lan(), "10.9.0.2", 80);
        std::string client;
        EXPECT_TRUE(NetworkWorld::reaches(sandbox.netns.get(), "10.9.0.2", 80, service, &client));
        EXPECT_EQ(client, "10.9.0.1");
    });
}

// S73
TEST(Networks, PortOnLocalhostIsForTheHostAlone) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        const Sandbox web =
            create(*networks, "web", {{PortProtocol::kTcp, 80, kLocalhost, 8080, 8080}});
        const Sandbox other = create(*networks, "other");
        const Service service = NetworkWorld::listen(web.netns.get(), "0.0.0.0", 80);
        EXPECT_TRUE(NetworkWorld::reaches(world.host(), "127.0.0.1", 8080, service));
        EXPECT_TRUE(NetworkWorld::is_blocked(world.lan(), "10.9.0.1", 8080));
        EXPECT_TRUE(NetworkWorld::is_blocked(other.netns.get(), "172.17.0.1", 8080));

        // A neighbour that routes 127.0.0.1 to us, and a host careless enough to let it in.
        for (const char* scope : {"all", "eth0"}) {
            NetworkWorld::command(world.lan(), {"/bin/sh", "-c",
                                                fmt::format("echo 1 > /proc/sys/net/ipv4/conf/{}/"
                                                            "route_localnet",
                                                            scope)});
        }
        NetworkWorld::command(world.lan(), {"/sbin/ip", "route", "add", "127.0.0.1", "via",
                                            "10.9.0.1", "src", "10.9.0.2"});
        EXPECT_TRUE(NetworkWorld::is_blocked(world.lan(), "127.0.0.1", 8080));
        NetworkWorld::command(world.host(),
                              {"/bin/sh", "-c",
                               "echo 1 > /proc/sys/net/ipv4/conf/lan0/route_localnet; "
                               "echo 0 > /proc/sys/net/ipv4/conf/lan0/rp_filter"});
        EXPECT_FALSE(NetworkWorld::reaches(world.lan(), "127.0.0.1", 8080, service));
    });
}

TEST(Networks, ContainersCannotReachTheHostsLoopback) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        const Sandbox sandbox = create(*networks, "one");
        const Service service = NetworkWorld::listen(world.host(), "127.0.0.1", 9999, SOCK_DGRAM);
        const int netns = sandbox.netns.get();
        NetworkWorld::command(netns, {"/sbin/ip", "addr", "flush", "dev", "lo"});
        NetworkWorld::command(
            netns, {"/bin/sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet"});
        NetworkWorld::command(netns, {"/sbin/ip", "route", "add", "127.0.0.1", "via", "172.17.0.1",
                                      "src", "172.17.0.2"});
        const Service client = NetworkWorld::listen(netns, "172.17.0.2", 0, SOCK_DGRAM);
        const sockaddr_in target = address_of("127.0.0.1", 9999);
        ASSERT_EQ(::connect(client.socket.get(), reinterpret_cast<const sockaddr*>(&target),
                            sizeof target),
                  0);
        EXPECT_FALSE(datagram_arrives(client, service));
    });
}

// S74
TEST(Networks, ContainersAreNotReachedByTheirOwnAddressFromOutside) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        const Sandbox web = create(*networks, "web", {tcp(80, 8080)});
        const Service service = NetworkWorld::listen(web.netns.get(), "0.0.0.0", 80);
        const Service hidden = NetworkWorld::listen(web.netns.get(), "0.0.0.0", 81);
        EXPECT_TRUE(NetworkWorld::is_blocked(world.lan(), "172.17.0.2", 80));
        EXPECT_TRUE(NetworkWorld::is_blocked(world.lan(), "172.17.0.2", 81));
        EXPECT_TRUE(NetworkWorld::reaches(world.host(), "172.17.0.2", 81, hidden))
            << "the host itself may";
    });
}

TEST(Networks, RefusesATakenPortInDockersWords) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        const Sandbox web = create(*networks, "web", {tcp(80, 8080)});
        SandboxRequest request;
        request.container_name = "late";
        request.ports = {tcp(80, 8080)};
        const auto late = networks->create_sandbox(ContainerId("late"), request);
        ASSERT_FALSE(late);
        EXPECT_EQ(late.error().kind(), Kind::kInternal);
        EXPECT_TRUE(late.error().text().starts_with(
            "driver failed programming external connectivity on endpoint late ("));
        EXPECT_TRUE(late.error().text().ends_with(
            "): Bind for 0.0.0.0:8080 failed: port is already allocated"))
            << late.error().text();

        const Service foreign = NetworkWorld::listen(world.host(), "0.0.0.0", 0);
        request.ports = {tcp(80, foreign.port)};
        const auto clash = networks->create_sandbox(ContainerId("late"), request);
        ASSERT_FALSE(clash);
        EXPECT_TRUE(clash.error().text().ends_with(fmt::format(
            "failed to bind host port 0.0.0.0:{}/tcp: address already in use", foreign.port)))
            << clash.error().text();

        // What failed has left nothing behind: same address next, and the port can be had again.
        EXPECT_TRUE(networks->release(ContainerId("web")));
        request.ports = {tcp(80, 8080)};
        EXPECT_TRUE(networks->create_sandbox(ContainerId("late"), request));
    });
}

TEST(Networks, ChoosesPortsThatAreFree) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        const Service foreign = NetworkWorld::listen(world.host(), "0.0.0.0", 8000);
        const PortRequest range{PortProtocol::kTcp, 80, {}, 8000, 8002};
        const PortRequest any{PortProtocol::kTcp, 80, {}, 0, 0};
        const PortRequest any_udp{PortProtocol::kUdp, 80, {}, 0, 0};
        const Sandbox one = create(*networks, "one", {range, range, any, any, any_udp});
        ASSERT_EQ(one.ports.size(), 5U);
        EXPECT_EQ(one.ports[0].host_port, 8001);
        EXPECT_EQ(one.ports[1].host_port, 8002);
        EXPECT_EQ(one.ports[2].host_port, 32768);
        EXPECT_EQ(one.ports[3].host_port, 32769);
        EXPECT_EQ(one.ports[4].host_port, 32768) << "protocols count for themselves";
        SandboxRequest request;
        request.ports = {range};
        const auto full = networks->create_sandbox(ContainerId("two"), request);
        ASSERT_FALSE(full);
        EXPECT_TRUE(full.error().text().ends_with("all ports are allocated"));
    });
}

TEST(Networks, NobodyElseGetsAPublishedPort) {
    NetworkWorld::run([](NetworkWorld&) {
        const auto networks = open_networks();
        const Sandbox web = create(*networks, "web", {tcp(80, 8080)});
        const UniqueFd thief(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const int on = 1;
        ::setsockopt(thief.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        const sockaddr_in address = address_of("0.0.0.0", 8080);
        EXPECT_NE(::bind(thief.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
                  0);
    });
}

TEST(Networks, AReleasedPortLeadsNowhere) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        Sandbox web = create(*networks, "web", {tcp(80, 8080)});
        const Service service = NetworkWorld::listen(web.netns.get(), "0.0.0.0", 80);
        ASSERT_TRUE(NetworkWorld::reaches(world.lan(), "10.9.0.1", 8080, service));
        ASSERT_TRUE(networks->release(ContainerId("web")));
        EXPECT_TRUE(NetworkWorld::is_blocked(world.lan(), "10.9.0.1", 8080));
        EXPECT_FALSE(networks->find_endpoint(ContainerId("web")));
        EXPECT_TRUE(networks->release(ContainerId("web"))) << "twice is fine";
        const Sandbox next = create(*networks, "next", {tcp(80, 8080)});
        EXPECT_EQ(ip_of(next), "172.17.0.3") << "an address rests before it is used again";
    });
}

TEST(Networks, ASharedEndpointStaysUntilTheLastIsReleased) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        const Sandbox one = create(*networks, "one", {tcp(80, 8080)});
        EXPECT_FALSE(networks->share(ContainerId("two"), ContainerId("nosuch")));
        ASSERT_TRUE(networks->share(ContainerId("two"), ContainerId("one")));
        ASSERT_TRUE(networks->share(ContainerId("three"), ContainerId("two")));
        const Service service = NetworkWorld::listen(one.netns.get(), "0.0.0.0", 80);
        EXPECT_TRUE(NetworkWorld::reaches(world.host(), "10.9.0.1", 8080, service));
        ASSERT_TRUE(networks->release(ContainerId("one")));
        // The port is gone and can be published again; the address is still spoken for, and works.
        const Sandbox again = create(*networks, "one", {tcp(80, 8080)});
        EXPECT_EQ(ip_of(again), "172.17.0.3");
        EXPECT_TRUE(NetworkWorld::reaches(world.host(), ip_of(one), 80, service));
        ASSERT_TRUE(networks->release(ContainerId("two")));
        EXPECT_EQ(networks->find_endpoint(ContainerId("three"))->ip, one.endpoint->ip);
        ASSERT_TRUE(networks->release(ContainerId("three")));
        EXPECT_EQ(networks->list().front().endpoints.size(), 1U);
        EXPECT_TRUE(networks->adopt_shared(ContainerId("four"), *one.endpoint));
        EXPECT_TRUE(networks->adopt(ContainerId("five"), *one.endpoint, {tcp_port(80, 8081)}));
        EXPECT_EQ(networks->list().front().endpoints.size(), 2U);
    });
}

TEST(Networks, TakesOverWhatTheLastDaemonLeft) {
    NetworkWorld::run([](NetworkWorld& world) {
        Sandbox web;
        {
            const auto first = open_networks();
            web = create(*first, "web", {tcp(80, 8080)});
        }
        const Service service = NetworkWorld::listen(web.netns.get(), "0.0.0.0", 80);
        ASSERT_TRUE(NetworkWorld::reaches(world.lan(), "10.9.0.1", 8080, service))
            << "published ports work on while no daemon runs";
        const auto second = open_networks();
        ASSERT_TRUE(second->adopt(ContainerId("web"), *web.endpoint, web.ports));
        ASSERT_TRUE(second->reconcile());
        EXPECT_TRUE(NetworkWorld::reaches(world.lan(), "10.9.0.1", 8080, service));
        EXPECT_EQ(ip_of(create(*second, "two")), "172.17.0.3");
        EXPECT_EQ(second->find_endpoint(ContainerId("web"))->mac, web.endpoint->mac);
        SandboxRequest request;
        request.ports = {tcp(80, 8080)};
        EXPECT_FALSE(second->create_sandbox(ContainerId("late"), request));
    });
}

/// Lets the daemon's loop do its part once something has happened.
WatchResult after_event(Networks& networks) {
    pollfd poll{.fd = networks.watch_fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&poll, 1, 2000), 1) << "nobody noticed";
    auto result = networks.on_event();
    EXPECT_TRUE(result) << result.error().text();
    return result ? *result : WatchResult::kNothing;
}

// R41
TEST(Networks, RepairsAFlushedTable) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        const Sandbox web = create(*networks, "web", {tcp(80, 8080)});
        const Service service = NetworkWorld::listen(web.netns.get(), "0.0.0.0", 80);
        (void)networks->on_event();
        NetworkWorld::command(world.host(), {"/usr/sbin/nft", "flush", "ruleset"});
        EXPECT_TRUE(NetworkWorld::is_blocked(world.lan(), "10.9.0.1", 8080));
        EXPECT_EQ(after_event(*networks), WatchResult::kRepaired);
        EXPECT_TRUE(NetworkWorld::reaches(world.lan(), "10.9.0.1", 8080, service));
        pollfd poll{.fd = networks->watch_fd(), .events = POLLIN, .revents = 0};
        while (::poll(&poll, 1, 0) == 1) {
            EXPECT_EQ(*networks->on_event(), WatchResult::kNothing) << "its own repair";
        }
    });
}

TEST(Networks, PublishesIntoATableThatWasJustFlushed) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        const Sandbox first = create(*networks, "first", {tcp(80, 8080)});
        NetworkWorld::command(world.host(), {"/usr/sbin/nft", "flush", "ruleset"});
        const Sandbox web = create(*networks, "web", {tcp(80, 8081)});
        const Service service = NetworkWorld::listen(web.netns.get(), "0.0.0.0", 80);
        EXPECT_TRUE(NetworkWorld::reaches(world.lan(), "10.9.0.1", 8081, service));
        NetworkWorld::command(world.host(), {"/usr/sbin/nft", "flush", "ruleset"});
        EXPECT_TRUE(networks->release(ContainerId("first")));
    });
}

TEST(Networks, RepairsADeletedBridge) {
    NetworkWorld::run([](NetworkWorld& world) {
        const auto networks = open_networks();
        const Sandbox web = create(*networks, "web", {tcp(80, 8080)});
        const Sandbox other = create(*networks, "other");
        const Service service = NetworkWorld::listen(web.netns.get(), "0.0.0.0", 80);
        (void)networks->on_event();
        NetworkWorld::command(world.host(), {"/sbin/ip", "link", "del", "gantry0"});
        EXPECT_EQ(after_event(*networks), WatchResult::kRepaired);
        EXPECT_TRUE(NetworkWorld::reaches(world.lan(), "10.9.0.1", 8080, service));
        EXPECT_TRUE(NetworkWorld::reaches(other.netns.get(), "172.17.0.2", 80, service));
        EXPECT_TRUE(NetworkWorld::reaches(web.netns.get(), "10.9.0.1", 8080, service));
        EXPECT_EQ(ip_of(create(*networks, "third")), "172.17.0.4");
    });
}

TEST(Networks, AvoidsSubnetsThatTheHostUses) {
    NetworkWorld::run([](NetworkWorld& world) {
        NetworkWorld::command(world.host(),
                              {"/sbin/ip", "addr", "add", "172.17.9.1/24", "dev", "lan0"});
        NetworkWorld::command(world.host(),
                              {"/sbin/ip", "route", "add", "172.16.0.0/14", "via", "10.9.0.2"});
        const auto networks = open_networks();
        EXPECT_EQ(ip_of(create(*networks, "one")), "172.20.0.2");
    });
}

TEST(Networks, HonorsTheConfiguration) {
    NetworkWorld::run([](NetworkWorld& world) {
        const NetworksConfig config{.bridge = "br-x",
                                    .table = "other",
                                    .subnet = sys::parse_prefix("10.77.0.254/24"),
                                    .mtu = 1400,
                                    .network_id = {}};
        const auto networks = open_networks(config);
        SandboxRequest request;
        request.ip = sys::parse_ipv4("10.77.0.9");
        request.mac = sys::parse_mac("02:42:0a:4d:00:09");
        const auto sandbox = networks->create_sandbox(ContainerId("one"), request);
        ASSERT_TRUE(sandbox) << sandbox.error().text();
        EXPECT_EQ(ip_of(*sandbox), "10.77.0.9");
        EXPECT_EQ(sys::format_ipv4(sandbox->endpoint->gateway), "10.77.0.254");
        EXPECT_FALSE(networks->create_sandbox(ContainerId("two"), request)) << "address in use";
        request.ip = sys::parse_ipv4("10.78.0.9");
        EXPECT_FALSE(networks->create_sandbox(ContainerId("two"), request)) << "other subnet";
        const auto links = NetworkWorld::inside(sandbox->netns.get(), []() -> Result<> {
            GT_TRY_VAR(socket, sys::NetlinkSocket::open(NETLINK_ROUTE));
            GT_TRY_VAR(link, sys::find_link(socket, "eth0"));
            EXPECT_EQ(link->mtu, 1400U);
            EXPECT_EQ(sys::format_mac(link->mac), "02:42:0a:4d:00:09");
            return {};
        });
        EXPECT_TRUE(links);
        NetworkWorld::command(world.host(), {"/usr/sbin/nft", "list", "table", "inet", "other"});
        EXPECT_TRUE(remove_networks(config));
        EXPECT_TRUE(remove_networks(config)) << "nothing left to remove";
    });
}

TEST(Networks, ListsItsNetworksWithIdsThatStay) {
    NetworkWorld::run([](NetworkWorld&) {
        const auto list = open_networks()->list();
        const auto again = open_networks()->list();
        ASSERT_EQ(list.size(), 3U);
        EXPECT_EQ(list[0].name, "bridge");
        EXPECT_EQ(list[1].name, "host");
        EXPECT_EQ(list[2].driver, "null");
        for (size_t i = 0; i < list.size(); ++i) {
            EXPECT_EQ(list[i].id.str().size(), 64U);
            EXPECT_EQ(list[i].id, again[i].id);
        }
        EXPECT_NE(list[1].id, list[2].id);
    });
}

TEST(Networks, PrintsWhatASandboxCosts) {
    NetworkWorld::run([](NetworkWorld&) {
        const auto networks = open_networks();
        std::vector<double> create_us;
        std::vector<double> release_us;
        const auto us_since = [](std::chrono::steady_clock::time_point start) {
            return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() -
                                                             start)
                .count();
        };
        for (int i = 0; i < 20; ++i) {
            const std::string name = fmt::format("c{}", i);
            auto start = std::chrono::steady_clock::now();
            const Sandbox sandbox = create(*networks, name, {{PortProtocol::kTcp, 80, {}, 0, 0}});
            create_us.push_back(us_since(start));
            start = std::chrono::steady_clock::now();
            EXPECT_TRUE(networks->release(ContainerId(name)));
            release_us.push_back(us_since(start));
        }
        std::sort(create_us.begin(), create_us.end());
        std::sort(release_us.begin(), release_us.end());
        fmt::print("sandbox with a port: create {:.0f} us, release {:.0f} us (medians)\n",
                   create_us[10], release_us[10]);
    });
}

}  // namespace
}  // namespace gantry::net
