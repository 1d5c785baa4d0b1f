#include "cli/run/create_request.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/commands/run_flags.h"
#include "cli/run/key_value.h"
#include "spec/json.h"
#include "spec/value.h"

namespace gantry::cli {
namespace {

using Words = std::vector<std::string>;
using spec::Value;

Result<spec::ContainerCreateRequest> build(const Words& words) {
    GT_TRY_VAR(args, parse_args(kRunFlags, words, Interspersed::kNo));
    return build_create_request(args);
}

/// The request's JSON for WORDS and the image "img".
Value body(Words words) {
    words.emplace_back("img");
    auto request = build(words);
    EXPECT_TRUE(request) << (request ? "" : request.error().text());
    auto value = Value::parse(request ? spec::to_json(*request) : "{}");
    EXPECT_TRUE(value);
    return value ? *value : Value();
}

/// The member at "HostConfig.Memory" as JSON.
std::string at(const Value& value, const std::string& path) {
    const Value* found = &value;
    size_t begin = 0;
    while (found != nullptr && begin <= path.size()) {
        const size_t end = std::min(path.find('.', begin), path.size());
        found = found->find(path.substr(begin, end - begin));
        begin = end + 1;
    }
    return found == nullptr ? "absent" : found->serialize();
}

std::string failure(Words words) {
    words.emplace_back("img");
    auto request = build(words);
    return request ? "" : request.error().text();
}

struct FlagCase {
    Words words;
    const char* path;
    const char* json;
};

class CreateRequest : public testing::TestWithParam<FlagCase> {};

TEST_P(CreateRequest, HoldsTheFlag) {
    EXPECT_EQ(at(body(GetParam().words), GetParam().path), GetParam().json);
}

INSTANTIATE_TEST_SUITE_P(
    Process, CreateRequest,
    testing::Values(FlagCase{{}, "Image", "\"img\""}, FlagCase{{}, "Cmd", "null"},
                    FlagCase{{}, "AttachStdout", "true"}, FlagCase{{}, "AttachStdin", "false"},
                    FlagCase{{"-i"}, "AttachStdin", "true"}, FlagCase{{"-i"}, "StdinOnce", "true"},
                    FlagCase{{"-i", "-a", "stdout"}, "AttachStdin", "false"},
                    FlagCase{{"-i", "-a", "stdout"}, "StdinOnce", "false"},
                    FlagCase{{"-a", "STDERR"}, "AttachStdout", "false"},
                    FlagCase{{"-t"}, "Tty", "true"}, FlagCase{{"-h", "web"}, "Hostname", "\"web\""},
                    FlagCase{{"-u", "1:2"}, "User", "\"1:2\""},
                    FlagCase{{"-w", "/x"}, "WorkingDir", "\"/x\""},
                    FlagCase{{"-e", "A=1", "-e", "B="}, "Env", R"(["A=1","B="])"},
                    FlagCase{{"-l", "a=b", "-l", "c"}, "Labels", R"({"a":"b","c":""})"},
                    FlagCase{{"--entrypoint", "/x"}, "Entrypoint", R"(["/x"])"},
                    FlagCase{{"--entrypoint", ""}, "Entrypoint", R"([""])"},
                    FlagCase{{}, "Entrypoint", "null"},
                    FlagCase{{"--stop-signal", "INT"}, "StopSignal", "\"INT\""},
                    FlagCase{{"--stop-timeout", "0"}, "StopTimeout", "0"},
                    FlagCase{{"--no-healthcheck"}, "Healthcheck.Test", R"(["NONE"])"},
                    FlagCase{{"--health-cmd", "a b"}, "Healthcheck.Test", R"(["CMD-SHELL","a b"])"},
                    FlagCase{{"--health-interval", "1m"}, "Healthcheck.Interval", "60000000000"}));

INSTANTIATE_TEST_SUITE_P(
    Host, CreateRequest,
    testing::Values(
        FlagCase{{"--rm"}, "HostConfig.AutoRemove", "true"},
        FlagCase{{"-m", "64m"}, "HostConfig.Memory", "67108864"},
        FlagCase{{"--memory-swap", "-1"}, "HostConfig.MemorySwap", "-1"},
        FlagCase{{"--cpus", "0.5"}, "HostConfig.NanoCpus", "500000000"},
        FlagCase{{"-c", "512"}, "HostConfig.CpuShares", "512"},
        FlagCase{{"--pids-limit", "-1"}, "HostConfig.PidsLimit", "-1"},
        FlagCase{{}, "HostConfig.PidsLimit", "null"},
        FlagCase{{"--restart", "on-failure:3"},
                 "HostConfig.RestartPolicy",
                 R"({"Name":"on-failure","MaximumRetryCount":3})"},
        FlagCase{{"--cap-add", "NET_ADMIN", "--cap-add=ALL"},
                 "HostConfig.CapAdd",
                 R"(["NET_ADMIN","ALL"])"},
        FlagCase{{"--privileged"}, "HostConfig.Privileged", "true"},
        FlagCase{{"--init"}, "HostConfig.Init", "true"},
        FlagCase{{"--pid", "host"}, "HostConfig.PidMode", "\"host\""},
        FlagCase{{"--shm-size", "1k"}, "HostConfig.ShmSize", "1024"},
        FlagCase{{"--sysctl", "net.a=1"}, "HostConfig.Sysctls", R"({"net.a":"1"})"},
        FlagCase{{"--ulimit", "nofile=1:2"},
                 "HostConfig.Ulimits",
                 R"([{"Name":"nofile","Hard":2,"Soft":1}])"},
        FlagCase{{"--log-driver", "none"}, "HostConfig.LogConfig.Type", "\"none\""},
        FlagCase{
            {"--log-opt", "max-size=1m"}, "HostConfig.LogConfig.Config", R"({"max-size":"1m"})"},
        FlagCase{{"--security-opt", "no-new-privileges"},
                 "HostConfig.SecurityOpt",
                 R"(["no-new-privileges"])"},
        FlagCase{{"--security-opt", "systempaths=unconfined"}, "HostConfig.MaskedPaths", "[]"},
        FlagCase{{"--device", "/dev/a:/dev/b:r"},
                 "HostConfig.Devices",
                 R"([{"PathOnHost":"/dev/a","PathInContainer":"/dev/b","CgroupPermissions":"r"}])"},
        FlagCase{{"--add-host", "a=1.2.3.4"}, "HostConfig.ExtraHosts", R"(["a:1.2.3.4"])"},
        FlagCase{{"--dns", "1.1.1.1", "--dns-opt", "ndots:1"},
                 "HostConfig.DnsOptions",
                 R"(["ndots:1"])"}));

INSTANTIATE_TEST_SUITE_P(
    MountsAndNetworks, CreateRequest,
    testing::Values(FlagCase{{"-v", "/a:/b:ro", "-v", "vol:/c"},
                             "HostConfig.Binds",
                             R"(["/a:/b:ro","vol:/c"])"},
                    FlagCase{{"-v", "/anon"}, "Volumes", R"({"/anon":{}})"},
                    FlagCase{{"--tmpfs", "/t:size=1m"}, "HostConfig.Tmpfs", R"({"/t":"size=1m"})"},
                    FlagCase{{"--mount", "type=bind,source=/a,target=/b,readonly"},
                             "HostConfig.Mounts",
                             R"([{"Type":"bind","Source":"/a","Target":"/b","ReadOnly":true}])"},
                    FlagCase{{"-p", "127.0.0.1:8080:80"},
                             "HostConfig.PortBindings",
                             R"({"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}]})"},
                    FlagCase{{"-p", "80", "--expose", "90-91/udp"},
                             "ExposedPorts",
                             R"({"80/tcp":{},"90/udp":{},"91/udp":{}})"},
                    FlagCase{{"-P"}, "HostConfig.PublishAllPorts", "true"},
                    FlagCase{{}, "HostConfig.NetworkMode", "\"default\""},
                    FlagCase{{"--net", "host"}, "HostConfig.NetworkMode", "\"host\""},
                    FlagCase{{"--network", "n", "--ip", "10.0.0.9"},
                             "NetworkingConfig.EndpointsConfig.n.IPAMConfig.IPv4Address",
                             "\"10.0.0.9\""},
                    FlagCase{{"--network", "n", "--network-alias", "a"},
                             "NetworkingConfig.EndpointsConfig.n.Aliases",
                             R"(["a"])"},
                    FlagCase{{"--mac-address", "02:42:ac:11:00:02"},
                             "NetworkingConfig.EndpointsConfig.default.MacAddress",
                             "\"02:42:ac:11:00:02\""}));

TEST(CreateRequestArguments, FollowTheImage) {
    auto request = build({"-i", "img", "sh", "-c", "--", "-d"});
    ASSERT_TRUE(request);
    EXPECT_EQ(request->config.cmd, (Words{"sh", "-c", "--", "-d"}));
}

TEST(CreateRequestFailures, ReadAsDockers) {
    EXPECT_EQ(failure({"--rm", "--restart", "always"}),
              "conflicting options: cannot specify both --restart and --rm");
    EXPECT_EQ(failure({"--restart", "x:y"}),
              "invalid restart policy format: maximum retry count must be an integer");
    EXPECT_EQ(failure({"--pid", "foo"}), "--pid: invalid PID mode");
    EXPECT_EQ(failure({"--cgroupns", "foo"}), "--cgroupns: invalid CGROUP mode");
    EXPECT_EQ(failure({"--storage-opt", "5"}), "invalid storage option");
    EXPECT_EQ(failure({"--security-opt", "5"}), "Invalid --security-opt: \"5\"");
    EXPECT_EQ(failure({"--security-opt", "seccomp=/nonexist"}),
              "opening seccomp profile (/nonexist) failed: open /nonexist: no such file or "
              "directory");
    EXPECT_EQ(failure({"--env-file", "/nonexist"}), "open /nonexist: no such file or directory");
    EXPECT_EQ(failure({"--mac-address", "foo"}), "foo is not a valid mac address");
    EXPECT_EQ(failure({"--health-cmd", "a", "--no-healthcheck"}),
              "--no-healthcheck conflicts with --health-* options");
    EXPECT_EQ(failure({"--health-timeout", "-5s"}), "--health-timeout cannot be negative");
    EXPECT_EQ(failure({"-p", "99999:1"}), "invalid hostPort: 99999");
}

/// A file that is gone at the end of the test.
class TempFile {
public:
    explicit TempFile(std::string_view content) {
        const int fd = ::mkostemp(path_.data(), O_CLOEXEC);
        EXPECT_EQ(::write(fd, content.data(), content.size()),
                  static_cast<ssize_t>(content.size()));
        ::close(fd);
    }
    TempFile(const TempFile&) = delete;
    TempFile& operator=(const TempFile&) = delete;
    ~TempFile() { ::unlink(path_.c_str()); }

    const std::string& path() const { return path_; }

private:
    std::string path_ = "/tmp/gantry-cli-test-XXXXXX";
};

TEST(EnvironmentFiles, ReadLinesAndTheClientsOwnVariables) {
    ::setenv("GANTRY_TEST_SET", "own", 1);
    ::unsetenv("GANTRY_TEST_UNSET");
    const TempFile file(
        "\xef\xbb\xbf# note\n  A=1\r\n\nB=x y\nGANTRY_TEST_SET\nGANTRY_TEST_UNSET\n");
    const Words files = {file.path()};
    const Words flags = {"A=2", "GANTRY_TEST_SET", "GANTRY_TEST_UNSET"};
    auto environment = read_environment(files, flags);
    ASSERT_TRUE(environment) << environment.error().text();
    EXPECT_EQ(*environment, (Words{"A=1", "B=x y", "GANTRY_TEST_SET=own", "A=2",
                                   "GANTRY_TEST_SET=own", "GANTRY_TEST_UNSET"}));
    const TempFile bad("A B=1\n");
    const Words bad_files = {bad.path()};
    EXPECT_FALSE(read_environment(bad_files, {}));
}

TEST(SeccompProfiles, AreSentAsText) {
    const TempFile file("{\n \"defaultAction\" : \"SCMP_ACT_ALLOW\"\n}\n");
    EXPECT_EQ(at(body({"--security-opt", "seccomp=" + file.path()}), "HostConfig.SecurityOpt"),
              R"(["seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}"])");
}

}  // namespace
}  // namespace gantry::cli
