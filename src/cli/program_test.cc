#include "cli/program.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <tuple>

#include "cli/command.h"
#include "cli/daemon_fake.h"
#include "cli/help.h"
#include "cli/user_fake.h"

namespace gantry::cli {
namespace {

using Words = std::vector<std::string>;

struct Printed {
    int status;
    std::string out;
    std::string err;
};

Printed run(FakeDaemon& daemon, Words words) {
    FakeUser user(daemon, std::move(words));
    const int status = user.finish();
    return {status, user.out(), user.err()};
}

Printed run_alone(Words words) {
    FakeDaemon daemon;
    return run(daemon, std::move(words));
}

TEST(Program, ReportsErrorsOfTheCommandLine) {
    EXPECT_EQ(run_alone({"foo"}).err,
              "docker: unknown command: docker foo\n\nRun 'docker --help' for more information\n");
    EXPECT_EQ(run_alone({"foo"}).status, 1);
    EXPECT_EQ(run_alone({"container", "foo"}).err,
              "docker: unknown command: docker container foo\n\nUsage:  docker container\n\nRun "
              "'docker container --help' for more information\n");
    EXPECT_EQ(run_alone({"run", "--foo", "x"}).status, 125);
    EXPECT_EQ(run_alone({"run", "--foo", "x"}).err,
              "unknown flag: --foo\n\nUsage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun "
              "'docker run --help' for more information\n");
    EXPECT_EQ(run_alone({"rm"}).err,
              "docker: 'docker rm' requires at least 1 argument\n\nUsage:  docker rm [OPTIONS] "
              "CONTAINER [CONTAINER...]\n\nSee 'docker rm --help' for more information\n");
    EXPECT_EQ(run_alone({"tag", "a"}).err,
              "docker: 'docker tag' requires 2 arguments\n\nUsage:  docker tag "
              "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]\n\nRun 'docker tag --help' for more "
              "information\n");
    EXPECT_EQ(run_alone({"ps", "x"}).err,
              "docker: 'docker ps' accepts no arguments\n\nUsage:  docker ps [OPTIONS]\n\nRun "
              "'docker ps --help' for more information\n");
    EXPECT_EQ(run_alone({"help", "foo"}).err, "unknown help topic: foo\n");
    EXPECT_EQ(run_alone({"version", "-f", "{{"}).status, 64);
    EXPECT_EQ(run_alone({"inspect", "-f", "{{", "x"}).status, 64);
}

TEST(Program, HasHelpForEverything) {
    for (const Command& command : all_commands()) {
        for (const std::string_view path : paths_of(command)) {
            Words words;
            for (const std::string_view word : {path}) {
                const size_t space = word.find(' ');
                words.emplace_back(word.substr(0, space));
                if (space != std::string_view::npos) {
                    words.emplace_back(word.substr(space + 1));
                }
            }
            EXPECT_EQ(find_command(words).command, &command) << path;
        }
        const std::string help = command_help("docker", {&command, command.path, 1}, 79);
        EXPECT_TRUE(help.starts_with("Usage:  docker ")) << help;
    }
    EXPECT_NE(run_alone({"--help"}).out.find("Management Commands:\n  container   "),
              std::string::npos);
    EXPECT_EQ(run_alone({"image"}).out, run_alone({"image", "--help"}).out);
}

TEST(Program, LaysHelpOutAsDockerDoes) {
    const Words words = {"stop"};
    EXPECT_EQ(command_help("docker", find_command(words), 79),
              "Usage:  docker stop [OPTIONS] CONTAINER [CONTAINER...]\n\n"
              "Stop running containers\n\n"
              "Aliases:\n  docker container stop, docker stop\n\n"
              "Options:\n"
              "  -s, --signal string   Signal to send\n"
              "  -t, --timeout int     Seconds to wait before it is killed\n");
}

/// The flags of a help text, with the names of their values: "-e, --env list".
std::vector<std::string> flags_of(const std::string& help) {
    std::vector<std::string> flags;
    size_t begin = help.find("Options:\n");
    while (begin != std::string::npos && begin < help.size()) {
        const size_t end = std::min(help.find('\n', begin), help.size());
        const std::string line = help.substr(begin, end - begin);
        if (line.starts_with("  -") || line.starts_with("      --")) {
            const size_t name = line.find("--");
            flags.push_back(line.substr(0, line.find("   ", name)));
        }
        begin = end + 1;
    }
    return flags;
}

/// FLAGS without those that say that docker does not have them.
std::vector<std::string> without_own(std::vector<std::string> flags, const Command& command) {
    for (const Flag& flag : command.flags) {
        if (flag.help.ends_with("(Gantry)")) {
            std::erase_if(flags, [&](const std::string& line) {
                return (line + " ").find(fmt::format("--{} ", flag.name)) != std::string::npos;
            });
        }
    }
    return flags;
}

std::string output_of(const std::string& command) {
    std::string out;
    FILE* pipe = ::popen(command.c_str(), "re");
    char buffer[4096];
    for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
        out.append(buffer, got);
    }
    ::pclose(pipe);
    return out;
}

TEST(Program, HasTheFlagsOfTheStockClient) {
    if (output_of("docker --version 2>/dev/null").find("28.2") == std::string::npos) {
        GTEST_SKIP() << "no docker client 28.2 to compare with";
    }
    static const std::set<std::string> kClusterVolume = {
        "      --availability",
        "      --cluster",
        "      --group",
        "      --limit-bytes",
        "      --required-bytes",
        "      --scope",
        "      --secret",
        "      --sharing",
        "      --topology-preferred",
        "      --topology-required",
        "      --type",
    };
    // docker's own are hidden in newer versions, or have no effect.
    const auto without_hidden = [](std::vector<std::string> flags) {
        std::erase_if(flags, [](const std::string& flag) {
            return flag.find("--help") != std::string::npos ||
                   flag.find("--disable-content-trust") != std::string::npos ||
                   flag.find("--kernel-memory") != std::string::npos ||
                   // Of Windows and of experiments: docker hides them once it saw a daemon.
                   flag.find("--cpu-count") != std::string::npos ||
                   flag.find("--cpu-percent") != std::string::npos ||
                   flag.find("--io-max") != std::string::npos ||
                   flag.find("--checkpoint") != std::string::npos ||
                   // Of swarm's volumes, shown only when the daemon is a manager.
                   kClusterVolume.contains(flag.substr(0, flag.find(' ', 6))) ||
                   // Repeatable since version 29.
                   flag.find("--platform") != std::string::npos;
        });
        return flags;
    };
    static const std::set<std::string_view> kOwn = {"container revisions", "container rollback",
                                                    "volume rename"};
    for (const Command& command : all_commands()) {
        const std::string path(command.path);
        if (kOwn.contains(command.path)) {
            continue;
        }
        const std::string theirs = output_of("docker " + path + " --help 2>/dev/null");
        const auto [first, second, nested] =
            std::tuple(path.substr(0, path.find(' ')), path.substr(path.find(' ') + 1),
                       path.find(' ') != std::string::npos);
        const Words words = nested ? Words{first, second} : Words{path};
        const std::string ours = command_help("docker", find_command(words), 79);
        EXPECT_EQ(without_hidden(without_own(flags_of(ours), command)),
                  without_hidden(flags_of(theirs)))
            << path;
        EXPECT_EQ(ours.substr(0, ours.find('\n')), theirs.substr(0, theirs.find('\n')));
    }
}

TEST(Program, PrintsNamesThatWentWellAndThenErrors) {
    FakeDaemon daemon;
    daemon.on("DELETE /containers/a", 204, "");
    daemon.on("DELETE /containers/b", 404, R"({"message":"No such container: b"})");
    daemon.on("DELETE /containers/c", 204, "");
    daemon.on("GET /_ping", 200, "OK");
    const Printed printed = run(daemon, {"rm", "-fv", "a", "b", "c"});
    EXPECT_EQ(printed.status, 1);
    EXPECT_EQ(printed.out, "a\nc\n");
    EXPECT_EQ(daemon.log()[0], "GET /_ping");
    EXPECT_EQ(printed.err, "Error response from daemon: No such container: b\n");
}

TEST(Program, EncodesNames) {
    FakeDaemon daemon;
    daemon.on("POST /containers/a%2Fb%3Fc/stop", 304, "");
    const Printed printed = run(daemon, {"stop", "-t", "3", "a/b?c"});
    EXPECT_EQ(printed.status, 0) << printed.err;
    EXPECT_EQ(daemon.log(), Words{"POST /containers/a%2Fb%3Fc/stop?t=3"});
}

TEST(Program, TakesAnOlderVersionThatTheDaemonNames) {
    FakeDaemon daemon;
    Words versions;
    daemon.on("GET /containers/json", [&](const FakeRequest& request, FakeConnection& connection) {
        versions.push_back(request.version);
        if (request.version == "1.41") {
            connection.reply(200, "[]");
        } else {
            connection.reply(
                400,
                R"({"message":"client version 1.51 is too new. Maximum supported API version is 1.41"})");
        }
    });
    const Printed printed = run(daemon, {"ps", "-q"});
    EXPECT_EQ(printed.status, 0) << printed.err;
    EXPECT_EQ(versions, (Words{"1.51", "1.41"}));
}

TEST(Program, ListsContainers) {
    FakeDaemon daemon;
    daemon.on("GET /containers/json", 200,
              R"([{"Id":"0123456789abcdef","Names":["/web"],"Image":"img","Command":"sh"}])");
    const Printed printed =
        run(daemon, {"ps", "-a", "-n", "3", "-f", "label=a=b", "--format", "{{.ID}} {{.Names}}"});
    EXPECT_EQ(printed.out, "0123456789ab web\n");
    EXPECT_EQ(daemon.log(),
              Words{"GET /containers/json?all=1&limit=3&filters=%7B%22label%22%3A%7B%22a%3Db%22%3A"
                    "true%7D%7D"});
}

TEST(Program, InspectsWhateverHasTheName) {
    FakeDaemon daemon;
    daemon.on("GET /containers/x/json", 404, R"({"message":"No such container: x"})");
    daemon.on("GET /images/x/json", 200, R"({"Id":"sha256:1","RepoTags":["x:1"]})");
    EXPECT_EQ(run(daemon, {"inspect", "x"}).out,
              "[\n    {\n        \"Id\": \"sha256:1\",\n        \"RepoTags\": [\n            "
              "\"x:1\"\n        ]\n    }\n]\n");
    const Printed missing = run_alone({"inspect", "nosuch"});
    EXPECT_EQ(missing.status, 1);
    EXPECT_EQ(missing.out, "[]\n");
    EXPECT_EQ(missing.err, "Error: No such object: nosuch\n");
}

TEST(Program, LoadsAnArchiveFromItsInput) {
    FakeDaemon daemon;
    std::string body;
    daemon.on("POST /images/load", [&](const FakeRequest& request, FakeConnection& connection) {
        body = request.body;
        connection.reply(200, "{\"stream\":\"Loaded image: x:1\\n\"}\r\n");
    });
    FakeUser user(daemon, {"load"});
    user.type("archive");
    user.close_input();
    EXPECT_EQ(user.finish(), 0);
    EXPECT_EQ(user.out(), "Loaded image: x:1\n");
    EXPECT_EQ(body, "7\r\narchive\r\n0\r\n\r\n");
}

TEST(Program, ExitsWithTheNumberOfTheSignal) {
    // ORDER: the daemon's threads end before what they wait for does.
    Event asked;
    Event done;
    FakeDaemon daemon;
    daemon.on("GET /events", [&](const FakeRequest&, FakeConnection& connection) {
        connection.begin_chunked();
        asked.raise();
        EXPECT_TRUE(done.wait());
    });
    FakeUser user(daemon, {"events"});
    EXPECT_TRUE(asked.wait());
    ::kill(user.pid(), SIGINT);
    EXPECT_EQ(user.finish(), 130);
    done.raise();
}

TEST(Program, LeavesNothingOfABrokenDownload) {
    Event sent;
    Event done;
    FakeDaemon daemon;
    daemon.on("GET /images/get", [&](const FakeRequest&, FakeConnection& connection) {
        connection.begin_chunked();
        connection.chunk("part");
        sent.raise();
        EXPECT_TRUE(done.wait());
    });
    std::string directory = "/tmp/gantry-cli-save-XXXXXX";
    ASSERT_NE(::mkdtemp(directory.data()), nullptr);
    FakeUser user(daemon, {"save", "-o", directory + "/x.tar", "img"});
    EXPECT_TRUE(sent.wait());
    ::kill(user.pid(), SIGTERM);
    EXPECT_EQ(user.finish(), 143);
    done.raise();
    EXPECT_EQ(::rmdir(directory.c_str()), 0) << "something is left in " << directory;
}

TEST(Program, SaysThatTheDaemonIsNotThere) {
    ::setenv("DOCKER_HOST", "unix:///nonexistent/s", 1);
    testing::internal::CaptureStderr();
    const Words words = {"docker", "version", "-f", "{{.Server}}"};
    testing::internal::CaptureStdout();
    EXPECT_EQ(run_program(words), 1);
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "<nil>\n");
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "Cannot connect to the Docker daemon at unix:///nonexistent/s. Is the docker daemon "
              "running?\n");
    ::unsetenv("DOCKER_HOST");
}

}  // namespace
}  // namespace gantry::cli
