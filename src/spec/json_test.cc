#include "spec/json.h"

#include <gtest/gtest.h>

#include <map>

#include "spec/api/container.h"
#include "spec/api/exec.h"
#include "spec/api/image.h"
#include "spec/api/progress.h"
#include "spec/api/system.h"

namespace gantry::spec {
namespace {

template <class T>
std::string error_of(std::string_view text) {
    const auto parsed = parse_json<T>(text);
    return parsed ? "no error" : parsed.error().text();
}

TEST(Json, ReadsCreateRequest) {
    const auto request = parse_json<ContainerCreateRequest>(R"({
        "Image": "alpine", "Cmd": ["sleep", "9"], "Tty": true, "Env": ["A=1"],
        "ExposedPorts": {"80/tcp": {}}, "StopTimeout": 5,
        "HostConfig": {"Memory": 6291456, "PidsLimit": null, "OomKillDisable": true,
                       "PortBindings": {"80/tcp": [{"HostPort": "8080"}], "81/tcp": null},
                       "RestartPolicy": {"Name": "always"}, "Init": false},
        "NetworkingConfig": {"EndpointsConfig": {"n": {"Aliases": ["a"]}}}})");
    ASSERT_TRUE(request) << request.error().text();
    EXPECT_EQ(request->config.image, "alpine");
    EXPECT_EQ(request->config.cmd, (std::vector<std::string>{"sleep", "9"}));
    EXPECT_TRUE(request->config.tty);
    EXPECT_EQ(request->config.exposed_ports, StringSet{"80/tcp"});
    EXPECT_EQ(request->config.stop_timeout, 5);
    ASSERT_TRUE(request->host_config);
    EXPECT_EQ(request->host_config->resources.memory, 6291456);
    EXPECT_FALSE(request->host_config->resources.pids_limit);
    EXPECT_EQ(request->host_config->resources.oom_kill_disable, true);
    EXPECT_EQ(request->host_config->init, false);
    EXPECT_EQ(request->host_config->port_bindings.at("80/tcp")->at(0).host_port, "8080");
    EXPECT_FALSE(request->host_config->port_bindings.at("81/tcp"));
    EXPECT_EQ(request->networking_config->endpoints_config.at("n").aliases.at(0), "a");
}

TEST(Json, KeepsAbsentApartFromEmpty) {
    const auto of = [](std::string_view text) {
        return parse_json<ContainerCreateRequest>(text)->config.entrypoint;
    };
    EXPECT_EQ(of("{}"), std::nullopt);
    EXPECT_EQ(of(R"({"Entrypoint":null})"), std::nullopt);
    EXPECT_EQ(of(R"({"Entrypoint":[]})"), std::vector<std::string>{});
    EXPECT_EQ(of(R"({"Entrypoint":[""]})"), std::vector<std::string>{""});
    EXPECT_EQ(of(R"({"Entrypoint":"sh"})"), std::vector<std::string>{"sh"});
    const auto masked = parse_json<HostConfig>(R"({"MaskedPaths":[]})");
    EXPECT_EQ(masked->masked_paths, std::vector<std::string>{});
    EXPECT_EQ(masked->readonly_paths, std::nullopt);
}

TEST(Json, NamesMatchWithoutCaseAndLastWins) {
    EXPECT_EQ(parse_json<ContainerConfig>(R"({"IMAGE":"a","image":"b","Image":"c"})")->image, "c");
    EXPECT_EQ(parse_json<ContainerConfig>(R"({"Image":"c","iMAGE":"d"})")->image, "d");
    const auto merged = parse_json<ContainerCreateRequest>(
        R"({"HostConfig":{"Memory":1},"HostConfig":{"CpuShares":2}})");
    EXPECT_EQ(merged->host_config->resources.memory, 1);
    EXPECT_EQ(merged->host_config->resources.cpu_shares, 2);
    EXPECT_EQ(parse_json<ContainerConfig>(R"({"Env":["a","b"],"Env":["c"]})")->env,
              std::vector<std::string>{"c"});
    EXPECT_TRUE(parse_json<ContainerConfig>(R"({"Env":["a"],"Env":null})")->env.empty());
}

TEST(Json, SkipsUnknownMembersButChecksThem) {
    EXPECT_TRUE(parse_json<ContainerConfig>(R"({"X":{"y":[1,2.5e3,{"z":null}]},"Image":"a"})"));
    EXPECT_EQ(error_of<ContainerConfig>(R"({"X":[1,}])"),
              "invalid character '}' looking for beginning of value");
}

TEST(Json, ErrorsAreGos) {
    EXPECT_EQ(error_of<ContainerCreateRequest>(R"({"Tty":"yes"})"),
              "json: cannot unmarshal string into Go struct field CreateRequest.Tty of type bool");
    EXPECT_EQ(error_of<ContainerCreateRequest>(R"({"HostConfig":{"Memory":1.5}})"),
              "json: cannot unmarshal number 1.5 into Go struct field "
              "CreateRequest.HostConfig.Memory of type int64");
    EXPECT_EQ(error_of<ContainerCreateRequest>(R"({"HostConfig":{"Memory":1.0}})"),
              "json: cannot unmarshal number 1.0 into Go struct field "
              "CreateRequest.HostConfig.Memory of type int64");
    EXPECT_EQ(error_of<ContainerConfig>(R"({"Env":{}})"),
              "json: cannot unmarshal object into Go struct field Config.Env of type []string");
    EXPECT_EQ(error_of<ContainerConfig>(R"({"ExposedPorts":{"80":1}})"),
              "json: cannot unmarshal number into Go struct field Config.ExposedPorts of type "
              "struct {}");
    EXPECT_EQ(error_of<ContainerConfig>("[]"),
              "json: cannot unmarshal array into Go value of type Config");
    EXPECT_EQ(error_of<ContainerConfig>(""), "EOF");
    EXPECT_EQ(error_of<ContainerConfig>(" \n"), "EOF");
    EXPECT_EQ(error_of<ContainerConfig>("{"), "unexpected EOF");
    EXPECT_EQ(error_of<ContainerConfig>(R"({"Image":"a)"), "unexpected EOF");
    EXPECT_EQ(error_of<ContainerConfig>("{} {}"), "unexpected content after JSON");
    EXPECT_EQ(error_of<ContainerConfig>("{}x"), "unexpected content after JSON");
    EXPECT_EQ(error_of<ContainerConfig>("{x"),
              "invalid character 'x' looking for beginning of object key string");
    EXPECT_EQ(error_of<ContainerConfig>(R"({"a" 1})"), "invalid character '1' after object key");
    EXPECT_EQ(error_of<ContainerConfig>(R"({"a":1 "b":2})"),
              "invalid character '\"' after object key:value pair");
    EXPECT_EQ(error_of<ContainerConfig>(R"({"a":[1 2]})"),
              "invalid character '2' after array element");
    EXPECT_EQ(error_of<ContainerConfig>(R"({"Tty":trux})"),
              "invalid character 'x' in literal true (expecting 'e')");
    EXPECT_EQ(error_of<ContainerConfig>(R"({"a":-})"), "invalid character '}' in numeric literal");
    EXPECT_EQ(error_of<ContainerConfig>(R"({"a":01})"),
              "invalid character '1' after object key:value pair");
    EXPECT_EQ(error_of<ContainerConfig>("{\"Image\":\"a\nb\"}"),
              R"(invalid character '\n' in string literal)");
    EXPECT_EQ(error_of<ContainerConfig>(R"({"Image":"\q"})"),
              "invalid character 'q' in string escape code");
}

TEST(Json, NumbersOutOfRangeAreRefused) {
    EXPECT_NE(error_of<HostConfig>(R"({"Memory":9223372036854775808})"), "no error");
    EXPECT_EQ(parse_json<HostConfig>(R"({"Memory":9223372036854775807})")->resources.memory,
              INT64_MAX);
    EXPECT_EQ(error_of<HostConfig>(R"({"BlkioWeight":65536})"),
              "json: cannot unmarshal number 65536 into Go struct field HostConfig.BlkioWeight of "
              "type uint16");
    EXPECT_NE(error_of<HostConfig>(R"({"BlkioWeight":-1})"), "no error");
    EXPECT_NE(error_of<HostConfig>(R"({"ConsoleSize":[-1,2]})"), "no error");
}

TEST(Json, DepthIsLimited) {
    const auto nested = [](size_t depth) {
        return R"({"X":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    EXPECT_EQ(error_of<ContainerConfig>(nested(63)), "no error");
    EXPECT_EQ(error_of<ContainerConfig>(nested(64)), "exceeded max depth");
    EXPECT_EQ(error_of<ContainerConfig>(nested(1000000)), "exceeded max depth");
}

TEST(Json, StringsAreDecoded) {
    const auto image = [](std::string_view literal) {
        return parse_json<ContainerConfig>("{\"Image\":" + std::string(literal) + "}")->image;
    };
    EXPECT_EQ(image(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
    EXPECT_EQ(image(R"("\u00e9\u20ac")"), "é€");
    EXPECT_EQ(image(R"("\ud83d\ude00")"), "😀");
    EXPECT_EQ(image(R"("\ud83d")"), "\xEF\xBF\xBD");
    EXPECT_EQ(image(R"("\ud83d\u0041")"),
              "\xEF\xBF\xBD"
              "A");
    EXPECT_EQ(image(R"("\ude00x")"),
              "\xEF\xBF\xBD"
              "x");
    EXPECT_EQ(image("\"a\xFF\xC0\x80z\""), "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz");
    EXPECT_EQ(image(R"("a\u0000b")"), std::string("a\0b", 3));
}

TEST(Json, StringsAreWrittenAsGoWritesThem) {
    ErrorResponse error;
    error.message = "<a> & \"b\" \\ \n\t\x01\x7f \xE2\x80\xA8 \xFF é";
    EXPECT_EQ(to_json(error),
              "{\"message\":\"<a> & \\\"b\\\" \\\\ \\n\\t\\u0001\x7f \\u2028 \\ufffd é\"}");
}

TEST(Json, EmptyFieldsFollowTheirRules) {
    EXPECT_EQ(to_json(ContainerConfig{}),
              R"({"Hostname":"","Domainname":"","User":"","AttachStdin":false,)"
              R"("AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,)"
              R"("StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,)"
              R"("WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":{}})");
    EXPECT_EQ(to_json(ContainerCreateResponse{"x", {}}), R"({"Id":"x","Warnings":[]})");
    EXPECT_EQ(to_json(WaitResponse{}), R"({"StatusCode":0})");
    EXPECT_EQ(to_json(ImageDeleteItem{"a", ""}), R"({"Untagged":"a"})");
    EXPECT_EQ(to_json(std::vector<ContainerSummary>{}), "[]");
}

TEST(Json, ExecInspectKeepsNullExitCode) {
    ExecInspect exec;
    exec.running = true;
    exec.detach_keys = "\x10\x11";
    const std::string text = to_json(exec);
    EXPECT_NE(text.find(R"("ExitCode":null)"), text.npos);
    EXPECT_NE(text.find(R"("DetachKeys":"EBE=")"), text.npos);
    EXPECT_EQ(parse_json<ExecInspect>(text)->detach_keys, "\x10\x11");
}

TEST(Json, LegacyNetworkSettingsCanBeLeftOut) {
    NetworkSettings settings;
    settings.legacy->ip_address = "172.17.0.2";
    EXPECT_NE(to_json(settings).find(R"("IPAddress":"172.17.0.2")"), std::string::npos);
    settings.legacy.reset();
    EXPECT_EQ(to_json(settings), R"({"SandboxID":"","SandboxKey":"","Ports":{},"Networks":{}})");
    const auto read = parse_json<NetworkSettings>(R"({"Bridge":"b","SandboxID":"s"})");
    EXPECT_EQ(read->legacy->bridge, "b");
}

TEST(Json, ProgressCarriesAnyAux) {
    const auto message =
        parse_json<ProgressMessage>(R"({"aux":{"ID":"sha256:1"},"progressDetail":{}})");
    ASSERT_TRUE(message);
    EXPECT_EQ(message->aux->find("ID")->as_string(), "sha256:1");
    EXPECT_EQ(to_json(*message), R"({"progressDetail":{},"aux":{"ID":"sha256:1"}})");
}

TEST(Json, TimesAreReadAndWritten) {
    const auto state = parse_json<ContainerState>(
        R"({"StartedAt":"2026-11-23T17:57:01.5+01:00","FinishedAt":""})");
    ASSERT_TRUE(state);
    EXPECT_EQ(state->finished_at, WallTime{});
    EXPECT_NE(to_json(*state).find(R"("StartedAt":"2026-11-23T16:57:01.5Z")"), std::string::npos);
    EXPECT_NE(to_json(*state).find(R"("FinishedAt":"0001-01-01T00:00:00Z")"), std::string::npos);
    EXPECT_NE(error_of<ContainerState>(R"({"StartedAt":"yesterday"})"), "no error");
}

TEST(Json, ArraysOfFixedSizeFollowGo) {
    EXPECT_EQ(parse_json<HostConfig>(R"({"ConsoleSize":[24]})")->console_size,
              (std::array<uint32_t, 2>{24, 0}));
    EXPECT_EQ(parse_json<HostConfig>(R"({"ConsoleSize":[24,80,"x"]})")->console_size,
              (std::array<uint32_t, 2>{24, 80}));
}

}  // namespace
}  // namespace gantry::spec
