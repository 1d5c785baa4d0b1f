#include "api/encode.h"

#include <gtest/gtest.h>

#include "api/network_view.h"
#include "api/status.h"

namespace gantry::api {
namespace {

TEST(Status, OfEveryKind) {
    EXPECT_EQ(http_status(Kind::kInvalid), 400);
    EXPECT_EQ(http_status(Kind::kUnauthorized), 401);
    EXPECT_EQ(http_status(Kind::kForbidden), 403);
    EXPECT_EQ(http_status(Kind::kNotFound), 404);
    EXPECT_EQ(http_status(Kind::kConflict), 409);
    EXPECT_EQ(http_status(Kind::kNotModified), 304);
    EXPECT_EQ(http_status(Kind::kNotImplemented), 501);
    EXPECT_EQ(http_status(Kind::kUnavailable), 503);
    for (const Kind kind : {Kind::kTimeout, Kind::kCancelled, Kind::kDataLoss, Kind::kInternal}) {
        EXPECT_EQ(http_status(kind), 500);
    }
}

TEST(FitVersion, ImageSummary) {
    spec::ImageSummary image;
    image.size = 7;
    image.containers = 2;
    spec::ImageSummary newest = image;
    fit_version(newest, {1, 51});
    EXPECT_TRUE(newest.repo_tags.empty());
    EXPECT_EQ(newest.virtual_size, std::nullopt);
    EXPECT_EQ(newest.containers, 2);
    fit_version(image, {1, 41});
    EXPECT_EQ(image.repo_tags, std::vector<std::string>{"<none>:<none>"});
    EXPECT_EQ(image.repo_digests, std::vector<std::string>{"<none>@<none>"});
    EXPECT_EQ(image.virtual_size, 7);
    EXPECT_EQ(image.containers, -1);
}

TEST(FitVersion, ImageInspect) {
    spec::ImageInspect image;
    image.size = 7;
    image.descriptor = spec::oci::Descriptor{};
    spec::ImageInspect old = image;
    fit_version(old, {1, 43});
    EXPECT_EQ(old.virtual_size, 7);
    EXPECT_TRUE(old.container_config && old.config.legacy && !old.descriptor);
    fit_version(image, {1, 51});
    EXPECT_TRUE(!image.virtual_size && !image.container_config && !image.config.legacy &&
                image.descriptor);
}

TEST(FitVersion, Containers) {
    spec::ContainerSummary summary;
    summary.host_config.annotations = {{"a", "b"}};
    summary.network_settings.networks["bridge"].dns_names = {"web"};
    spec::ContainerSummary old = summary;
    fit_version(old, {1, 43});
    EXPECT_TRUE(old.host_config.annotations.empty());
    EXPECT_TRUE(old.network_settings.networks["bridge"].dns_names.empty());
    fit_version(summary, {1, 46});
    EXPECT_FALSE(summary.host_config.annotations.empty());
    EXPECT_FALSE(summary.network_settings.networks["bridge"].dns_names.empty());
}

TEST(FitVersion, Info) {
    spec::Info info;
    info.runc_commit.id = "abc";
    info.firewall_backend = spec::FirewallInfo{};
    spec::Info old = info;
    fit_version(old, {1, 48});
    EXPECT_EQ(old.runc_commit.expected, "abc");
    EXPECT_FALSE(old.firewall_backend);
    fit_version(info, {1, 49});
    EXPECT_EQ(info.runc_commit.expected, std::nullopt);
    EXPECT_TRUE(info.firewall_backend);
}

TEST(NetworkView, Bridge) {
    net::NetworkInfo info;
    info.id = NetworkId("n");
    info.name = "bridge";
    info.driver = "bridge";
    info.bridge = "gantry0";
    info.mtu = 1500;
    info.subnet = sys::parse_prefix("172.18.0.1/16");
    info.gateway = *sys::parse_ipv4("172.18.0.1");
    net::Endpoint endpoint;
    endpoint.id = EndpointId("e");
    endpoint.container_name = "web";
    endpoint.ip = *sys::parse_ipv4("172.18.0.2");
    endpoint.prefix_length = 16;
    info.endpoints.emplace_back(ContainerId("c"), endpoint);
    const spec::NetworkResource view = network_view(info);
    ASSERT_EQ(view.ipam.config.size(), 1U);
    EXPECT_EQ(view.ipam.config[0].subnet, "172.18.0.0/16");
    EXPECT_EQ(view.ipam.config[0].gateway, "172.18.0.1");
    EXPECT_EQ(view.containers.at("c").ipv4_address, "172.18.0.2/16");
    EXPECT_EQ(view.containers.at("c").ipv6_address, "");
    EXPECT_EQ(view.options.at("com.docker.network.bridge.name"), "gantry0");
}

}  // namespace
}  // namespace gantry::api
