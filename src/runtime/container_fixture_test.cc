#include "runtime/container_fixture.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "sys/files.h"

namespace gantry::runtime {

void ContainerFixture::SetUp() {
    if (geteuid() != 0) {
        GTEST_SKIP() << "needs root";
    }
    if (access("/bin/busybox", X_OK) != 0) {
        GTEST_SKIP() << "needs /bin/busybox";
    }
    char name[] = "/tmp/gantry-runtime-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    dir_ = name;
    for (const char* path : {"", "/bin", "/etc", "/tmp", "/secret"}) {
        ASSERT_EQ(mkdir((root() + path).c_str(), 0755), 0) << path;
    }
    std::ofstream(root() + "/bin/busybox", std::ios::binary)
        << std::ifstream("/bin/busybox", std::ios::binary).rdbuf();
    ASSERT_EQ(chmod((root() + "/bin/busybox").c_str(), 0755), 0);
    for (const char* applet : {"sh",   "cat",  "echo",     "ls",       "sleep", "true",  "stty",
                               "head", "grep", "readlink", "mount",    "id",    "kill",  "seq",
                               "yes",  "dd",   "awk",      "hostname", "tty",   "test",  "od",
                               "stat", "tr",   "wc",       "printf",   "mkdir", "uname", "touch"}) {
        ASSERT_EQ(symlink("busybox", (root() + "/bin/" + applet).c_str()), 0);
    }
    auto launcher = Launcher::open(GANTRY_SHIM_PATH);
    ASSERT_TRUE(launcher) << launcher.error().text();
    launcher_ = std::make_unique<Launcher>(std::move(*launcher));
}

void ContainerFixture::TearDown() {
    if (!dir_.empty()) {
        const auto removed = sys::remove_tree(AT_FDCWD, dir_.c_str());
        EXPECT_TRUE(removed) << removed.error().text();
    }
}

spec::oci::Config ContainerFixture::shell(const std::string& command, bool terminal) const {
    ConfigOptions choices;
    choices.terminal = terminal;
    auto config = default_config(choices);
    EXPECT_TRUE(config) << config.error().text();
    config->root.path = root();
    config->process.args = {"/bin/sh", "-c", command};
    config->process.env = {"PATH=/bin:/usr/bin"};
    return *config;
}

LaunchOptions ContainerFixture::options() {
    LaunchOptions options;
    options.id = ContainerId(fmt::format("{:064x}", ++next_));
    options.shim_dir = fmt::format("{}/shim{}", dir_, next_);
    options.container_dir = fmt::format("{}/container{}", dir_, next_);
    EXPECT_EQ(mkdir(options.container_dir.c_str(), 0700), 0);
    options.log.format = LogOptions::Format::kJsonFile;
    options.log.path = options.container_dir + "/json.log";
    options.exit_record = Durability::kNone;
    return options;
}

std::unique_ptr<ShimHandle> ContainerFixture::launch(const spec::oci::Config& config,
                                                     const LaunchOptions& options) {
    auto shim = launcher_->launch(config, options);
    EXPECT_TRUE(shim) << shim.error().text();
    return shim ? std::make_unique<ShimHandle>(std::move(*shim)) : nullptr;
}

Event ContainerFixture::run(const spec::oci::Config& config, const LaunchOptions& options) {
    Event event;
    const auto shim = launch(config, options);
    if (shim == nullptr) {
        return event;
    }
    const auto started = shim->start();
    EXPECT_TRUE(started) << started.error().text();
    event = wait_event(*shim, Event::Type::kExited);
    EXPECT_TRUE(shim->release());
    EXPECT_EQ(wait_event(*shim, Event::Type::kGone).type, Event::Type::kGone);
    EXPECT_TRUE(remove_shim_dir(options.shim_dir));
    return event;
}

Event ContainerFixture::run(const std::string& command) {
    return run(shell(command), options());
}

Event ContainerFixture::wait_event(ShimHandle& shim) {
    pollfd waiting = {shim.fd(), POLLIN, 0};
    if (poll(&waiting, 1, 20000) != 1) {
        ADD_FAILURE() << "no event";
        return {};
    }
    const auto event = shim.receive();
    EXPECT_TRUE(event && *event);
    return event && *event ? **event : Event();
}

Event ContainerFixture::wait_event(ShimHandle& shim, Event::Type type) {
    while (true) {
        const Event event = wait_event(shim);
        if (event.type == type || event.type == Event::Type::kGone) {
            EXPECT_EQ(static_cast<int>(event.type), static_cast<int>(type));
            return event;
        }
    }
}

std::string ContainerFixture::read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string ContainerFixture::raw_log(const std::string& suffix) const {
    return read_file(fmt::format("{}/container{}/json.log{}", dir_, next_, suffix));
}

std::string ContainerFixture::log_text() const {
    std::istringstream lines(raw_log());
    std::string text;
    for (std::string line; std::getline(lines, line);) {
        const size_t start = line.find("{\"log\":\"") + 8;
        std::string part = line.substr(start, line.find("\",\"stream\"") - start);
        for (const auto& [escape, plain] :
             {std::pair{"\\n", "\n"}, {"\\r", "\r"}, {"\\\"", "\""}, {"\\u0009", "\t"}}) {
            for (size_t at = 0; (at = part.find(escape, at)) != std::string::npos; ++at) {
                part.replace(at, std::strlen(escape), plain);
            }
        }
        text += part;
    }
    return text;
}

std::string read_until(int fd, const std::function<bool(const std::string&)>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::string text;
    while (!done(text)) {
        pollfd waiting = {fd, POLLIN, 0};
        if (std::chrono::steady_clock::now() > deadline || poll(&waiting, 1, 20000) != 1) {
            ADD_FAILURE() << "timed out; got: " << text.substr(0, 2000);
            return text;
        }
        char buffer[65536];
        const ssize_t size = read(fd, buffer, sizeof buffer);
        if (size <= 0) {
            return text;
        }
        text.append(buffer, static_cast<size_t>(size));
    }
    return text;
}

std::string read_to_end(int fd) {
    return read_until(fd, [](const std::string&) { return false; });
}

}  // namespace gantry::runtime
