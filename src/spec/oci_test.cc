#include <gtest/gtest.h>

#include "spec/docker_archive.h"
#include "spec/json.h"
#include "spec/oci/image.h"
#include "spec/oci/runtime.h"

namespace gantry::spec::oci {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string descriptor(std::string_view type) {
    return R"({"mediaType":")" + std::string(type) + R"(","digest":")" + kDigest + R"(","size":2})";
}

std::string manifest(std::string_view extra = {}) {
    return R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
           R"("config":)" +
           descriptor(media_type::kConfig) + R"(,"layers":[)" + descriptor(media_type::kLayer) +
           "]" + std::string(extra) + "}";
}

template <class T>
std::string text_of(const Result<T>& result) {
    return result ? "no error" : result.error().text();
}

TEST(Manifest, RoundTrips) {
    const auto parsed = parse_manifest(manifest(R"(,"annotations":{"a":"b"})"));
    ASSERT_TRUE(parsed) << text_of(parsed);
    EXPECT_EQ(parsed->layers.size(), 1U);
    EXPECT_EQ(to_json(*parsed), manifest(R"(,"annotations":{"a":"b"})"));
}

TEST(Manifest, AmbiguousDocumentsAreRefused) {
    EXPECT_NE(text_of(parse_manifest(manifest(R"(,"manifests":[])"))).find("ambiguous"),
              std::string::npos);
    EXPECT_FALSE(parse_manifest(manifest(R"(,"Manifests":[])")));
    EXPECT_FALSE(parse_index(manifest(R"(,"manifests":[])")));
    EXPECT_FALSE(parse_index(manifest()));
    EXPECT_FALSE(parse_manifest(manifest(R"(,"fsLayers":[])")));
    EXPECT_FALSE(
        parse_manifest(manifest(R"(,"mediaType":"application/vnd.oci.image.index.v1+json")")));
    EXPECT_FALSE(parse_manifest(manifest(R"(,"schemaVersion":1)")));
    EXPECT_FALSE(parse_manifest("[]"));
    EXPECT_FALSE(parse_manifest("{}"));
    EXPECT_FALSE(parse_manifest(""));
}

TEST(Manifest, DescriptorsAreStrict) {
    for (const std::string& digest :
         {std::string("sha256:../../etc"), std::string(), "sha512:" + std::string(128, 'a'),
          "sha256:" + std::string(64, 'A')}) {
        const std::string text =
            R"({"schemaVersion":2,"config":{"digest":")" + digest + R"(","size":1},"layers":[]})";
        EXPECT_FALSE(parse_manifest(text)) << digest;
    }
    EXPECT_FALSE(parse_manifest(R"({"schemaVersion":2,"config":{"size":1},"layers":[]})"));
    EXPECT_FALSE(parse_manifest(R"({"schemaVersion":2,"config":{"digest":")" + kDigest +
                                R"(","size":-1},"layers":[]})"));
}

TEST(Index, RoundTrips) {
    const std::string text =
        R"({"schemaVersion":2,"manifests":[)" + descriptor(media_type::kManifest) + "]}";
    const auto index = parse_index(text);
    ASSERT_TRUE(index) << text_of(index);
    EXPECT_EQ(to_json(*index), text);
    EXPECT_EQ(*document_kind(text), DocumentKind::kIndex);
    EXPECT_EQ(*document_kind(manifest()), DocumentKind::kManifest);
}

TEST(ImageConfig, HoldsDockersExtensions) {
    const auto config = parse_image_config(
        R"({"architecture":"amd64","os":"linux","created":"2026-11-23T16:47:33.7Z",
            "config":{"Cmd":["/bin/sh"],"Healthcheck":{"Test":["NONE"]},"OnBuild":["RUN x"],
                      "ExposedPorts":{"80/tcp":{}}},
            "docker_version":"20.10","container":"abc",
            "rootfs":{"type":"layers","diff_ids":[")" +
        kDigest + R"("]},"history":[{"created_by":"a"},{"created_by":"b","empty_layer":true}]})");
    ASSERT_TRUE(config) << text_of(config);
    EXPECT_EQ(config->config.healthcheck->test.at(0), "NONE");
    EXPECT_EQ(config->docker_version, "20.10");
    EXPECT_TRUE(config->history[1].empty_layer);
    EXPECT_EQ(config->rootfs.diff_ids[0].str(), kDigest);
}

TEST(ImageConfig, HostileOnesAreRefused) {
    EXPECT_FALSE(parse_image_config(R"({"rootfs":{"type":"layers","diff_ids":["x"]}})"));
    EXPECT_FALSE(parse_image_config(R"({"rootfs":{"type":"foreign","diff_ids":[]}})"));
    EXPECT_FALSE(parse_image_config("{}"));
    EXPECT_FALSE(parse_image_config(
        R"({"rootfs":{"type":"layers","diff_ids":[]},"history":[{"created_by":"a"}]})"));
    std::string many = R"({"rootfs":{"type":"layers","diff_ids":[)";
    for (int count = 0; count < 128; ++count) {
        many += (count == 0 ? "\"" : ",\"") + kDigest + "\"";
    }
    EXPECT_EQ(text_of(parse_image_config(many + "]}}")), "max depth exceeded");
}

TEST(RuntimeConfig, RoundTrips) {
    constexpr std::string_view kText =
        R"({"ociVersion":"1.2.0","process":{"terminal":true,"user":{"uid":1,"gid":2,)"
        R"("additionalGids":[3]},"args":["sh"],"env":["A=1"],"cwd":"/","capabilities":)"
        R"({"bounding":["CAP_KILL"]},"rlimits":[{"type":"RLIMIT_NOFILE","hard":2,"soft":1}],)"
        R"("noNewPrivileges":true,"oomScoreAdj":0},"root":{"path":"rootfs","readonly":true},)"
        R"("hostname":"h","mounts":[{"destination":"/proc","type":"proc","source":"proc",)"
        R"("options":["nosuid"]}],"linux":{"sysctl":{"a.b":"1"},"resources":{"devices":)"
        R"([{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":3}],)"
        R"("memory":{"limit":1,"swap":-1},"cpu":{"shares":2},"pids":{"limit":3}},)"
        R"("namespaces":[{"type":"pid"},{"type":"network","path":"/x"}],"seccomp":)"
        R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["clone"],)"
        R"("action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":2114060288,)"
        R"("op":"SCMP_CMP_MASKED_EQ"}]}]},"maskedPaths":["/proc/kcore"]},"hooks":{}})";
    const auto config = parse_json<Config>(kText);
    ASSERT_TRUE(config) << text_of(config);
    EXPECT_EQ(to_json(*config), kText);
    EXPECT_EQ(config->linux.resources.devices[1].major, 1);
    EXPECT_FALSE(config->linux.resources.devices[0].major);
}

TEST(DockerArchive, ReadsManifestJson) {
    const auto images = parse_json<std::vector<ArchiveImage>>(
        R"([{"Config":"a.json","RepoTags":null,"Layers":["l/layer.tar"]}])");
    ASSERT_TRUE(images) << text_of(images);
    EXPECT_EQ(images->at(0).layers.at(0), "l/layer.tar");
}

}  // namespace
}  // namespace gantry::spec::oci
