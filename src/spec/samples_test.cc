#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "spec/api/container.h"
#include "spec/api/disk_usage.h"
#include "spec/api/image.h"
#include "spec/api/network.h"
#include "spec/api/stats.h"
#include "spec/api/system.h"
#include "spec/api/volume.h"
#include "spec/json.h"
#include "spec/value.h"

// What dockerd 28.5.2 answers (API 1.51) is read into our types and written again: nothing may be
// lost, and nothing be added.

namespace gantry::spec {
namespace {

/// The differences between two documents as "path: what", order of members aside.
void compare(const std::string& path, const Value& wanted, const Value& got,
             std::set<std::string>& differences) {
    if (wanted.is_object() && got.is_object()) {
        for (const auto& [name, value] : wanted.as_object()) {
            const Value* other = got.find(name);
            if (other == nullptr) {
                differences.insert(fmt::format("{}.{}: lost", path, name));
            } else {
                compare(path + "." + name, value, *other, differences);
            }
        }
        for (const auto& [name, value] : got.as_object()) {
            if (wanted.find(name) == nullptr) {
                differences.insert(fmt::format("{}.{}: added", path, name));
            }
        }
        return;
    }
    if (wanted.is_array() && got.is_array() && wanted.as_array().size() == got.as_array().size()) {
        for (size_t at = 0; at < wanted.as_array().size(); ++at) {
            compare(path + "[]", wanted.as_array()[at], got.as_array()[at], differences);
        }
        return;
    }
    if (!(wanted == got)) {
        differences.insert(
            fmt::format("{}: {} became {}", path, wanted.serialize(), got.serialize()));
    }
}

template <class T>
std::set<std::string> round_trip(const std::string& text) {
    std::set<std::string> differences;
    const auto typed = parse_json<T>(text);
    if (!typed) {
        return {typed.error().text()};
    }
    const auto wanted = Value::parse(text);
    const auto got = Value::parse(to_json(*typed));
    if (!wanted || !got) {
        return {"no JSON"};
    }
    compare("", *wanted, *got, differences);
    return differences;
}

using Differences = std::set<std::string>;

class Samples : public testing::Test {
protected:
    static std::string load(const std::string& name) {
        const std::string path =
            std::string(GANTRY_SOURCE_DIR) + "/../shared/reference/samples/" + name + ".json";
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    template <class T>
    static void check(const std::string& name, const Differences& known = {}) {
        const std::string text = load(name);
        if (text.empty()) {
            GTEST_SKIP() << "the reference samples are not here: " << name;
        }
        EXPECT_EQ(round_trip<T>(text), known) << name;
    }
};

TEST_F(Samples, ContainerInspect) {
    check<ContainerInspect>("container_inspect_v1.51");
}

TEST_F(Samples, ContainerList) {
    check<std::vector<ContainerSummary>>("containers_json_all_1_v1.51");
}

TEST_F(Samples, ContainerListOfOldDaemon) {
    check<std::vector<ContainerSummary>>("containers_json_v1.41",
                                         {"[].NetworkSettings.Networks.bridge.DNSNames: added",
                                          "[].NetworkSettings.Networks.bridge.GwPriority: added"});
}

TEST_F(Samples, ImageInspect) {
    check<ImageInspect>("image_inspect_v1.51");
}

TEST_F(Samples, ImageList) {
    check<std::vector<ImageSummary>>("images_json_v1.51");
}

TEST_F(Samples, Info) {
    // Gantry has no containerd to tell of.
    check<Info>("info_v1.51", {".Containerd: lost"});
}

TEST_F(Samples, Version) {
    check<Version>("version_v1.51");
}

TEST_F(Samples, Networks) {
    check<NetworkResource>("networks_bridge_v1.51");
    const std::string text = load("networks_v1.51");
    if (!text.empty()) {
        // A network without pools: a list of none instead of null, which clients iterate safely.
        EXPECT_EQ(round_trip<std::vector<NetworkResource>>(text),
                  (Differences{"[].IPAM.Config: null became []"}));
    }
}

TEST_F(Samples, Volumes) {
    check<VolumeList>("volumes_v1.51");
}

TEST_F(Samples, DiskUsage) {
    check<DiskUsage>("system_df_v1.51");
}

TEST_F(Samples, Stats) {
    check<ContainerStats>("stats_v1.51");
}

}  // namespace
}  // namespace gantry::spec
