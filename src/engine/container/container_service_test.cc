#include "engine/container/container_service.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/event/event_bus.h"
#include "engine/exec/exec_service.h"
#include "io/loop.h"
#include "io/worker_pool.h"
#include "net/network_world_test.h"
#include "net/networks.h"
#include "spec/api/container.h"
#include "spec/api/exec.h"
#include "store/database.h"
#include "store/image_fake.h"
#include "store/snapshots.h"
#include "sys/cgroup.h"
#include "sys/files.h"
#include "sys/process.h"
#include "volume/volumes.h"

namespace gantry::engine {
namespace {

using std::chrono::seconds;

/// A daemon's services on a data-root and an exec-root in a temporary directory. Dropping one and
/// making another on the same roots is what the death of a daemon looks like to its containers.
class TestDaemon {
public:
    explicit TestDaemon(const std::string& root) : root_(root) {
        open(store::Database::open(root + "/gantry.db"), database_);
        open(store::ImageStore::open(*database_, root), images_);
        open(store::Snapshots::open(*database_, *images_, root), snapshots_);
        open(volume::Volumes::open(*database_, images_->trash(), root), volumes_);
        open(net::Networks::open({}), networks_);
        open(io::Loop::start(), loop_);
        open(ContainerService::open({*database_, *images_, *snapshots_, *volumes_, *networks_,
                                     *loop_, workers_, events_},
                                    settings()),
             containers_);
        execs_ = std::make_unique<ExecService>(*containers_);
    }

    ContainerService& containers() { return *containers_; }
    ExecService& execs() { return *execs_; }
    store::ImageStore& images() { return *images_; }

    std::string create(std::vector<std::string> command, spec::HostConfig host = {},
                       const std::string& name = "") {
        spec::ContainerCreateRequest request;
        request.config.image = "busybox";
        request.config.cmd = std::move(command);
        request.host_config = std::move(host);
        const auto created = containers().create(request, {.name = name, .platform = ""});
        EXPECT_TRUE(created) << created.error().text();
        return created ? created->id : "";
    }

    spec::ContainerState state(const std::string& id) {
        const auto inspect = containers().inspect(id, SizeInfo::kSkip);
        EXPECT_TRUE(inspect) << inspect.error().text();
        return inspect ? inspect->state : spec::ContainerState{};
    }

    static std::string parent() { return fmt::format("gantry-test-{}", getpid()); }

private:
    template <class T>
    void open(Result<std::unique_ptr<T>> opened, std::unique_ptr<T>& place) {
        if (!opened) {
            ADD_FAILURE() << opened.error().text();
            std::abort();
        }
        place = std::move(*opened);
    }

    ContainerSettings settings() const {
        ContainerSettings settings;
        settings.data_root = root_;
        settings.exec_root = root_ + "/run";
        settings.shim_path = GANTRY_SHIM_PATH;
        settings.cgroup_parent = parent();
        return settings;
    }

    const std::string root_;
    std::unique_ptr<store::Database> database_;
    std::unique_ptr<store::ImageStore> images_;
    std::unique_ptr<store::Snapshots> snapshots_;
    std::unique_ptr<volume::Volumes> volumes_;
    std::unique_ptr<net::Networks> networks_;
    std::unique_ptr<io::Loop> loop_;
    io::WorkerPool workers_{4, 256};
    EventBus events_;
    std::unique_ptr<ContainerService> containers_;
    std::unique_ptr<ExecService> execs_;
};

/// The result of one wait, taken by the test's thread.
class Waiter {
public:
    Waiter(TestDaemon& daemon, const std::string& id, WaitCondition condition) {
        auto handle = daemon.containers().subscribe_wait(
            id, condition, [shared = shared_](const WaitResult& result) {
                const std::lock_guard lock(shared->mutex);
                shared->code = result.exit_code;
                shared->changed.notify_all();
            });
        EXPECT_TRUE(handle) << handle.error().text();
        if (handle) {
            handle_ = std::move(*handle);
        }
    }

    /// -1 if nothing came within ten seconds.
    int code() {
        std::unique_lock lock(shared_->mutex);
        shared_->changed.wait_for(lock, seconds(10), [this] { return shared_->code.has_value(); });
        return shared_->code.value_or(-1);
    }

private:
    struct Shared {
        std::mutex mutex;
        std::condition_variable changed;
        std::optional<int> code;
    };
    std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
    WaitHandle handle_;
};

class ContainerServiceTest : public testing::Test {
protected:
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "needs root: namespaces, mounts, cgroups";
        }
        if (!std::filesystem::exists("/bin/busybox")) {
            GTEST_SKIP() << "needs /bin/busybox, statically linked";
        }
        ASSERT_NE(mkdtemp(root_.data()), nullptr);
    }
    void TearDown() override { std::filesystem::remove_all(root_); }

    /// Runs BODY with a daemon that has the image, in a network namespace of its own. BODY may
    /// replace the daemon. Nothing may be left afterwards.
    void run(const std::function<void(std::unique_ptr<TestDaemon>&)>& body) {
        net::NetworkWorld::run([&](net::NetworkWorld&) {
            auto daemon = std::make_unique<TestDaemon>(root_);
            load_image(*daemon);
            body(daemon);
            for (const ContainerFacts& facts : daemon->containers().all()) {
                EXPECT_TRUE(daemon->containers().remove(facts.id.str(), {.force = true}));
            }
            daemon.reset();
        });
        const auto groups = sys::Cgroups::probe();
        ASSERT_TRUE(groups);
        EXPECT_TRUE(groups->list(TestDaemon::parent())->empty());
        EXPECT_TRUE(groups->at("/", TestDaemon::parent()).remove(seconds(2)));
        EXPECT_TRUE(std::filesystem::is_empty(root_ + "/containers"));
        EXPECT_TRUE(std::filesystem::is_empty(root_ + "/run/shims"));
    }

    std::unique_ptr<TestDaemon> again() { return std::make_unique<TestDaemon>(root_); }
    const std::string& root() const { return root_; }

private:
    static void load_image(TestDaemon& daemon) {
        const auto busybox = sys::read_file("/bin/busybox", 16 << 20);
        ASSERT_TRUE(busybox);
        const std::string layer =
            store::TarFake()
                .directory("bin")
                .add({.name = "bin/busybox", .content = *busybox, .mode = 0755})
                .symlink("bin/sh", "busybox")
                .symlink("bin/sleep", "busybox")
                .symlink("bin/true", "busybox")
                .symlink("bin/cat", "busybox")
                .directory("etc")
                .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
                .str();
        const auto brought = store::bring_in(
            daemon.images(), {.layers = {layer}, .names = {"docker.io/library/busybox:latest"}});
        ASSERT_TRUE(brought) << brought.error().text();
    }

    std::string root_ = testing::TempDir() + "/gantry_engine_XXXXXX";
};

TEST_F(ContainerServiceTest, RunsAndTellsTheExitCode) {
    run([](std::unique_ptr<TestDaemon>& daemon) {
        const std::string id = daemon->create({"sh", "-c", "exit 7"}, {}, "web");
        EXPECT_EQ(daemon->state(id).status, "created");
        Waiter waiter(*daemon, "web", WaitCondition::kNextExit);
        ASSERT_TRUE(daemon->containers().start("/web"));
        EXPECT_EQ(waiter.code(), 7);
        const spec::ContainerState state = daemon->state(id);
        EXPECT_EQ(state.status, "exited");
        EXPECT_EQ(state.exit_code, 7);
        EXPECT_LT(state.started_at, state.finished_at);
        EXPECT_EQ(Waiter(*daemon, id, WaitCondition::kNotRunning).code(), 7);
        ASSERT_TRUE(daemon->containers().remove(id, {}));
        EXPECT_EQ(daemon->containers().find(id).error().kind(), Kind::kNotFound);
    });
}

TEST_F(ContainerServiceTest, StartFailuresKeepTheContainerAsItWas) {
    run([](std::unique_ptr<TestDaemon>& daemon) {
        const std::string id = daemon->create({"nosuch"});
        const auto started = daemon->containers().start(id);
        ASSERT_FALSE(started);
        EXPECT_NE(started.error().text().find("executable file not found in $PATH"),
                  std::string::npos);
        const spec::ContainerState state = daemon->state(id);
        EXPECT_EQ(state.status, "created");
        EXPECT_EQ(state.exit_code, 127);
        EXPECT_EQ(state.error, started.error().text());
    });
}

TEST_F(ContainerServiceTest, AutoRemoveAnswersWhenItIsGone) {
    run([this](std::unique_ptr<TestDaemon>& daemon) {
        spec::HostConfig host;
        host.auto_remove = true;
        for (int i = 0; i < 20; ++i) {
            const std::string id = daemon->create({"sh", "-c", fmt::format("exit {}", i)}, host);
            Waiter waiter(*daemon, id, WaitCondition::kRemoved);
            ASSERT_TRUE(daemon->containers().start(id));
            EXPECT_EQ(waiter.code(), i);
            EXPECT_FALSE(daemon->containers().find(id));
            EXPECT_FALSE(std::filesystem::exists(root() + "/containers/" + id));
        }
    });
}

TEST_F(ContainerServiceTest, StopsKillsAndRestarts) {
    run([](std::unique_ptr<TestDaemon>& daemon) {
        const std::string id = daemon->create({"sleep", "1000"});
        ASSERT_TRUE(daemon->containers().start(id));
        EXPECT_EQ(daemon->containers().start(id).error().kind(), Kind::kNotModified);
        EXPECT_EQ(daemon->containers().remove(id, {}).error().kind(), Kind::kConflict);
        ASSERT_TRUE(daemon->containers().restart(id, {.signal = "KILL", .timeout = 5}));
        EXPECT_EQ(daemon->state(id).status, "running");
        ASSERT_TRUE(daemon->containers().stop(id, {.signal = "", .timeout = 0}));
        EXPECT_EQ(daemon->state(id).exit_code, 137);
        EXPECT_EQ(daemon->containers().stop(id, {}).error().kind(), Kind::kNotModified);
        EXPECT_EQ(daemon->containers().kill(id, "").error().kind(), Kind::kConflict);
        EXPECT_EQ(daemon->containers().kill(id, "FOO").error().kind(), Kind::kInvalid);
    });
}

TEST_F(ContainerServiceTest, ADaemonAdoptsWhatRuns) {
    run([this](std::unique_ptr<TestDaemon>& daemon) {
        const std::string id = daemon->create({"sleep", "1000"});
        ASSERT_TRUE(daemon->containers().start(id));
        const auto before = daemon->containers().inspect(id, SizeInfo::kSkip);
        daemon.reset();
        daemon = again();
        const auto after = daemon->containers().inspect(id, SizeInfo::kSkip);
        ASSERT_TRUE(before && after);
        EXPECT_EQ(after->state.status, "running");
        EXPECT_EQ(after->state.pid, before->state.pid);
        EXPECT_EQ(after->network_settings.networks.at("bridge").ip_address,
                  before->network_settings.networks.at("bridge").ip_address);
        // Its address is not given to another.
        const std::string other = daemon->create({"sleep", "1000"});
        ASSERT_TRUE(daemon->containers().start(other));
        EXPECT_NE(daemon->containers()
                      .inspect(other, SizeInfo::kSkip)
                      ->network_settings.networks.at("bridge")
                      .ip_address,
                  after->network_settings.networks.at("bridge").ip_address);
        ASSERT_TRUE(daemon->containers().kill(id, "TERM"));
        ASSERT_TRUE(daemon->containers().kill(id, "KILL"));
        EXPECT_EQ(daemon->state(id).exit_code, 137);
    });
}

TEST_F(ContainerServiceTest, ADaemonLearnsOfExitsThatItMissed) {
    run([this](std::unique_ptr<TestDaemon>& daemon) {
        const std::string fifo = root() + "/gate";
        ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
        spec::HostConfig host;
        host.binds = {fifo + ":/gate"};
        const std::string id = daemon->create({"sh", "-c", "read x < /gate; exit 42"}, host);
        ASSERT_TRUE(daemon->containers().start(id));
        const int pid = static_cast<int>(daemon->state(id).pid);
        daemon.reset();
        const auto pidfd = sys::open_pidfd(pid);
        ASSERT_TRUE(pidfd);
        {
            const auto gate = sys::open_file(AT_FDCWD, fifo.c_str(), O_WRONLY);
            ASSERT_TRUE(gate && sys::write_all(gate->get(), "x\n"));
        }
        ASSERT_TRUE(sys::wait_gone(pidfd->get(), 10'000).value_or(false));
        daemon = again();
        EXPECT_EQ(Waiter(*daemon, id, WaitCondition::kNotRunning).code(), 42);
        EXPECT_EQ(daemon->state(id).status, "exited");
    });
}

TEST_F(ContainerServiceTest, RestartPoliciesStartAgain) {
    run([](std::unique_ptr<TestDaemon>& daemon) {
        spec::HostConfig host;
        host.restart_policy = {.name = "on-failure", .maximum_retry_count = 2};
        const std::string id = daemon->create({"sh", "-c", "exit 3"}, host);
        ASSERT_TRUE(daemon->containers().start(id));
        EXPECT_EQ(Waiter(*daemon, id, WaitCondition::kNotRunning).code(), 3);
        const auto inspect = daemon->containers().inspect(id, SizeInfo::kSkip);
        ASSERT_TRUE(inspect);
        EXPECT_EQ(inspect->state.status, "exited");
        EXPECT_EQ(inspect->restart_count, 2);
    });
}

TEST_F(ContainerServiceTest, OneOfManyStartsAndNobodyIsStuck) {
    run([](std::unique_ptr<TestDaemon>& daemon) {
        const std::string id = daemon->create({"sleep", "1000"}, {}, "shared");
        std::vector<std::thread> threads;
        std::atomic<int> unexpected = 0;
        for (int i = 0; i < 6; ++i) {
            threads.emplace_back([&, i] {
                for (int round = 0; round < 5; ++round) {
                    const auto done = i % 2 == 0 ? daemon->containers().start("shared")
                                                 : daemon->containers().stop("shared", {"", 0});
                    if (!done && done.error().kind() != Kind::kNotModified) {
                        ADD_FAILURE() << done.error().text();
                        ++unexpected;
                    }
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        EXPECT_EQ(unexpected, 0);
    });
}

TEST_F(ContainerServiceTest, AnAttachBeforeTheStartMissesNothing) {
    run([](std::unique_ptr<TestDaemon>& daemon) {
        const std::string id = daemon->create({"sh", "-c", "echo first"});
        AttachRequest request;
        request.stream = true;
        request.standard_output = true;
        auto ticket = daemon->containers().attach(id, request);
        ASSERT_TRUE(ticket) << ticket.error().text();
        int pair[2];
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        const UniqueFd mine(pair[0]);
        ticket->connect(UniqueFd(pair[1]), {});
        ASSERT_TRUE(daemon->containers().start(id));
        const auto text = sys::read_all(mine.get(), 1000);
        ASSERT_TRUE(text);
        EXPECT_EQ(*text, std::string("\1\0\0\0\0\0\0\6first\n", 14));
    });
}

TEST_F(ContainerServiceTest, ExecsTellTheirCodes) {
    run([](std::unique_ptr<TestDaemon>& daemon) {
        const std::string id = daemon->create({"sleep", "1000"});
        spec::ExecCreateRequest request;
        request.cmd = {"sh", "-c", "exit 5"};
        EXPECT_EQ(daemon->execs().create(id, request).error().kind(), Kind::kConflict);
        ASSERT_TRUE(daemon->containers().start(id));
        request.attach_stdout = true;
        const auto exec = daemon->execs().create(id, request);
        ASSERT_TRUE(exec) << exec.error().text();
        auto ticket = daemon->execs().start_attached(exec->str(), {});
        ASSERT_TRUE(ticket) << ticket.error().text();
        int pair[2];
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        const UniqueFd mine(pair[0]);
        ticket->connect(UniqueFd(pair[1]), {});
        ASSERT_TRUE(sys::read_all(mine.get(), 1000));
        const auto inspect = daemon->execs().inspect(exec->str());
        ASSERT_TRUE(inspect);
        EXPECT_FALSE(inspect->running);
        EXPECT_EQ(inspect->exit_code, 5);
        EXPECT_EQ(daemon->execs().start_detached(exec->str(), {}).error().kind(), Kind::kConflict);
        request.cmd = {"nosuch"};
        const auto missing = daemon->execs().create(id, request);
        ASSERT_TRUE(missing);
        EXPECT_EQ(daemon->execs().start_detached(missing->str(), {}).error().kind(),
                  Kind::kInvalid);
        EXPECT_EQ(daemon->execs().inspect(missing->str())->exit_code, 127);
    });
}

}  // namespace
}  // namespace gantry::engine
