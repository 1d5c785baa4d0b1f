#include "spec/cdi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/yaml.h"

namespace gantry::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kYaml = R"(---
cdiVersion: "0.6.0"
kind: vendor.com/net
containerEdits:
  env:
    - "ALL=1"
devices:
  - name: "0"
    containerEdits:
      deviceNodes:
        - path: /dev/thing0
          hostPath: /dev/null
          fileMode: 0660
          permissions: "rw"
      mounts:
        - {hostPath: /opt/lib, containerPath: /usr/lib/thing, options: [ro, nosuid]}
      additionalGids: [44]
  - name: all
    containerEdits: {}
)";

TEST(Cdi, ReadsYaml) {
    const auto spec = parse_cdi_spec(kYaml, CdiFormat::kYaml);
    ASSERT_TRUE(spec) << spec.error().text();
    EXPECT_EQ(spec->kind, "vendor.com/net");
    EXPECT_THAT(spec->edits.env, ElementsAre("ALL=1"));
    ASSERT_EQ(spec->devices.size(), 2U);
    const CdiDevice& device = spec->devices[0];
    EXPECT_EQ(device.name, "0");
    ASSERT_EQ(device.edits.device_nodes.size(), 1U);
    EXPECT_EQ(device.edits.device_nodes[0].file_mode, 0660U);
    EXPECT_EQ(device.edits.device_nodes[0].host_path, "/dev/null");
    EXPECT_THAT(device.edits.mounts[0].options, ElementsAre("ro", "nosuid"));
    EXPECT_THAT(device.edits.additional_gids, ElementsAre(44));
}

TEST(Cdi, RefusesWhatIsWrong) {
    const auto text_of = [](std::string_view json) {
        const auto spec = parse_cdi_spec(json, CdiFormat::kJson);
        return spec ? std::string("accepted") : spec.error().text();
    };
    constexpr std::string_view kHead = R"({"cdiVersion":"0.5.0","kind":"a.com/b",)";
    const auto with = [&](std::string_view rest) { return text_of(std::string(kHead) += rest); };
    EXPECT_THAT(text_of("{"), HasSubstr("unexpected"));
    EXPECT_THAT(text_of(R"({"cdiVersion":"x"})"), HasSubstr("version"));
    EXPECT_THAT(text_of(R"({"cdiVersion":"0.5.0","kind":"b"})"), HasSubstr("kind"));
    EXPECT_THAT(with(R"("devices":[]})"), HasSubstr("no devices"));
    EXPECT_THAT(with(R"("devices":[{"name":"../x"}]})"), HasSubstr("device name"));
    EXPECT_THAT(with(R"("devices":[{"name":"x","containerEdits":{"env":["=x"]}}]})"),
                HasSubstr("environment"));
    EXPECT_THAT(
        with(R"("devices":[{"name":"x","containerEdits":{"deviceNodes":[{"path":"x"}]}}]})"),
        HasSubstr("device path"));
    EXPECT_EQ(with(R"("devices":[{"name":"x"}]})"), "accepted");
}

TEST(Cdi, Names) {
    const auto name = parse_cdi_name("vendor.com/class=gpu:1");
    ASSERT_TRUE(name);
    EXPECT_EQ(name->kind, "vendor.com/class");
    EXPECT_EQ(name->device, "gpu:1");
    for (const char* bad : {"x", "a/b", "a=b", "/b=c", "a/=c", "a/b=", "a/b=c/d"}) {
        EXPECT_FALSE(parse_cdi_name(bad)) << bad;
    }
}

TEST(Yaml, KnowsScalars) {
    const auto value = parse_yaml("{a: 1, b: \"1\", c: yes, d: ~, e: 0x10, f: 017, g: 1.5, h: x}");
    ASSERT_TRUE(value) << value.error().text();
    EXPECT_EQ(value->serialize(),
              R"({"a":1,"b":"1","c":true,"d":null,"e":16,"f":15,"g":1.5,"h":"x"})");
}

TEST(Yaml, HasLimits) {
    EXPECT_FALSE(parse_yaml("{a: ["));
    EXPECT_FALSE(parse_yaml("? [a]\n: b"));
    std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 10; ++i) {
        const std::string below = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int j = 0; j < 10; ++j) {
            bomb += below + (j < 9 ? "," : "]\n");
        }
    }
    const auto value = parse_yaml(bomb);
    ASSERT_FALSE(value);
    EXPECT_THAT(value.error().text(), HasSubstr("too large"));
    EXPECT_FALSE(parse_yaml(std::string(5000, '[')));
}

}  // namespace
}  // namespace gantry::spec
