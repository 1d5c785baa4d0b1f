#include "cli/endpoint.h"

#include <gtest/gtest.h>

namespace gantry::cli {
namespace {

TEST(Endpoint, UnixSockets) {
    const auto endpoint = parse_endpoint("unix:///run/x.sock");
    ASSERT_TRUE(endpoint);
    EXPECT_EQ(endpoint->address.unix_path, "/run/x.sock");
    EXPECT_EQ(endpoint->text, "unix:///run/x.sock");
}

TEST(Endpoint, TcpInAllSpellings) {
    for (const char* host : {"tcp://a:1234", "a:1234", "http://a:1234", "tcp://a:1234/path"}) {
        const auto endpoint = parse_endpoint(host);
        ASSERT_TRUE(endpoint) << host;
        EXPECT_EQ(endpoint->address.host, "a");
        EXPECT_EQ(endpoint->address.port, 1234);
        EXPECT_TRUE(endpoint->address.unix_path.empty());
    }
    EXPECT_EQ(parse_endpoint("tcp://a")->address.port, 2375);
    EXPECT_EQ(parse_endpoint("tcp://[::1]:99")->address.host, "::1");
    EXPECT_EQ(parse_endpoint("tcp://:99")->address.host, "localhost");
}

TEST(Endpoint, RefusesWhatItCannotReach) {
    for (const char* host : {"ssh://a", "npipe://x", "unix://", "tcp://a:0", "tcp://a:x",
                             "tcp://a:70000", "tcp://[::1"}) {
        EXPECT_FALSE(parse_endpoint(host)) << host;
    }
}

}  // namespace
}  // namespace gantry::cli
