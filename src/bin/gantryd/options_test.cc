#include "bin/gantryd/options.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace gantry::daemon {
namespace {

class OptionsTest : public testing::Test {
protected:
    void SetUp() override { ASSERT_NE(::mkdtemp(directory_.data()), nullptr); }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    Result<Options> read(std::vector<std::string> args, const std::string& file) {
        std::ofstream(directory_ + "/daemon.json") << file;
        args.push_back("--config-file=" + directory_ + "/daemon.json");
        return read_options(args);
    }

    std::string error(std::vector<std::string> args, const std::string& file) {
        auto options = read(std::move(args), file);
        return options ? "accepted" : options.error().text();
    }

    std::string directory_ = testing::TempDir() + "options_XXXXXX";
};

TEST_F(OptionsTest, TakesFlagsAndFile) {
    auto options = read({"-D", "-H", "unix:///a", "--host=unix:///b", "--label", "x=y"},
                        R"({"data-root": "/d", "mtu": 1400, "dns": ["1.2.3.4"]})");
    ASSERT_TRUE(options) << options.error().text();
    EXPECT_EQ(options->hosts, (std::vector<std::string>{"unix:///a", "unix:///b"}));
    EXPECT_EQ(options->data_root, "/d");
    EXPECT_EQ(options->mtu, 1400);
    EXPECT_EQ(options->dns, (std::vector<std::string>{"1.2.3.4"}));
    EXPECT_EQ(options->log_level, log::Level::kDebug);
}

TEST_F(OptionsTest, TakesRuntimes) {
    auto by_flag = read({"--add-runtime", "a=/bin/a", "--default-runtime=a"}, "{}");
    ASSERT_TRUE(by_flag) << by_flag.error().text();
    EXPECT_EQ(by_flag->runtimes.at("a").path, "/bin/a");
    EXPECT_EQ(by_flag->default_runtime, "a");
    auto by_file =
        read({}, R"({"runtimes": {"b": {"path": "/bin/b", "runtimeArgs": ["--debug"]}}})");
    ASSERT_TRUE(by_file) << by_file.error().text();
    EXPECT_EQ(by_file->runtimes.at("b").path, "/bin/b");
    EXPECT_EQ(by_file->runtimes.at("b").arguments, std::vector<std::string>{"--debug"});
}

TEST_F(OptionsTest, RefusesRuntimesThatCannotBe) {
    const auto refused = [this](const std::string& flag, const std::string& words) {
        const std::string text = error({"--add-runtime", flag}, "{}");
        EXPECT_NE(text.find(words), std::string::npos) << text;
    };
    refused("a", "use NAME=PATH");
    refused("a=b", "must be absolute");
    refused("a b=/c", "no name for a runtime");
    refused("gantry=/c", "is reserved");
    EXPECT_NE(error({"--default-runtime=x"}, "{}").find("'x' does not exist"), std::string::npos);
    EXPECT_NE(error({}, R"({"runtimes": {"a": {"runtimeType": "x"}}})").find("not supported"),
              std::string::npos);
    EXPECT_NE(error({"--add-runtime=a=/b"}, R"({"runtimes": {"c": {"path": "/d"}}})")
                  .find("both as a flag and in"),
              std::string::npos);
}

TEST_F(OptionsTest, NamesWhatItDoesNotKnow) {
    EXPECT_NE(error({}, R"({"colour": 1})").find("unknown key \"colour\""), std::string::npos);
    EXPECT_NE(error({}, R"({"icc": false})").find("does not support \"icc\""), std::string::npos);
    EXPECT_EQ(error({"--colour"}, "{}"), "unknown flag: --colour");
    EXPECT_EQ(error({"--tlsverify"}, "{}"),
              "Gantry does not support --tlsverify yet, other than false");
    EXPECT_NE(error({}, "{").find("daemon.json"), std::string::npos);
    EXPECT_NE(error({}, "[]").find("must be a JSON object"), std::string::npos);
    EXPECT_NE(error({"extra"}, "{}").find("extra"), std::string::npos);
}

TEST_F(OptionsTest, TakesDockersWordsForWhatItDoes) {
    EXPECT_EQ(error({"--iptables", "--tls=false", "--registry-mirror="},
                    R"({"icc": true, "userland-proxy": false, "insecure-registries": [],
                        "metrics-addr": "", "features": {"buildkit": true, "cdi": true},
                        "storage-opts": ["overlay2.override_kernel_check=true"]})"),
              "accepted");
    for (const char* file :
         {R"({"iptables": false})", R"({"icc": [true]})", R"({"registry-mirrors": ["http://x"]})",
          R"({"builder": {"gc": {"enabled": true}}})", R"({"experimental": true})",
          R"({"default-address-pools": [{"base": "10.0.0.0/8", "size": 24}]})",
          R"({"cpu-rt-runtime": 950000})"}) {
        EXPECT_NE(error({}, file).find("Gantry does not support"), std::string::npos) << file;
    }
    EXPECT_NE(error({}, R"({"features": {"x": true}})").find("feature x=true"), std::string::npos);
    EXPECT_NE(error({}, R"({"storage-opts": ["dm.basesize=1G"]})").find("dm.basesize"),
              std::string::npos);
    auto options = read({"--feature", "cdi=false"}, R"({"live-restore": false,
        "shutdown-timeout": 3, "host-gateway-ips": ["192.0.2.1"]})");
    ASSERT_TRUE(options) << options.error().text();
    EXPECT_TRUE(options->cdi_spec_dirs.empty());
    EXPECT_FALSE(options->live_restore);
    EXPECT_EQ(options->shutdown_timeout, 3);
    EXPECT_EQ(options->host_gateway_ips, std::vector<std::string>{"192.0.2.1"});
}

TEST_F(OptionsTest, RefusesWhatMakesNoSense) {
    for (const char* file :
         {R"({"mtu": "x"})", R"({"mtu": 1})", R"({"hosts": ["ftp://x"]})", R"({"hosts": [1]})",
          R"({"data-root": "relative"})", R"({"log-level": "loud"})", R"({"debug": "perhaps"})",
          R"({"live-restore": "perhaps"})", R"({"bip": "172.17.0.1"})", R"({"dns": null})"}) {
        EXPECT_NE(error({}, file), "accepted") << file;
    }
}

TEST_F(OptionsTest, OneSettingHasOnePlace) {
    EXPECT_NE(error({"--mtu", "1400"}, R"({"mtu": 1300})").find("both as a flag and"),
              std::string::npos);
}

TEST_F(OptionsTest, PlainTcpMustBeAskedFor) {
    EXPECT_NE(error({"-H", "tcp://127.0.0.1:2375"}, "{}").find("--plain-tcp"), std::string::npos);
    EXPECT_TRUE(read({"-H", "tcp://127.0.0.1:2375", "--plain-tcp"}, "{}"));
}

TEST_F(OptionsTest, AMissingFileCountsOnlyWhenNamed) {
    EXPECT_FALSE(read_options(std::vector<std::string>{"--config-file=/no/such/file"}));
}

}  // namespace
}  // namespace gantry::daemon
