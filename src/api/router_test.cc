#include "api/router.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstddef>

#include "engine/event/event_bus.h"
#include "io/client.h"
#include "io/listener.h"
#include "io/loop.h"
#include "io/server.h"

namespace gantry::api {
namespace {

/// A service that the routes under test must not touch. SAFETY: only its address is taken; a route
/// that does touch it dies on the sanitizers or on the zeros.
template <class T>
T& untouched() {
    alignas(64) static std::byte storage[4096]{};
    return reinterpret_cast<T&>(storage);
}

/// A Router behind a real server, with a real event bus and nothing behind the other routes.
class RouterTest : public ::testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/gantry-api-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        directory_ = name;
        loop_ = std::move(*io::Loop::start());
        router_ = std::make_unique<Router>(
            Services{untouched<engine::ContainerService>(), untouched<engine::ExecService>(),
                     untouched<engine::FileService>(), untouched<engine::ImageService>(),
                     untouched<engine::LogService>(), untouched<engine::StatsService>(),
                     untouched<engine::SystemService>(), untouched<engine::VolumeService>(),
                     events_, untouched<net::Networks>(), *loop_});
        server_ = std::make_unique<io::Server>(
            *loop_, io::ServerOptions{},
            [this](io::Request& request, io::Responder& out) { router_->handle(request, out); });
        std::vector<io::Listener> listeners;
        listeners.push_back(std::move(*io::listen_unix({directory_ + "/s", 0600, {}})));
        ASSERT_TRUE(server_->start(std::move(listeners)));
    }

    void TearDown() override {
        // The loop does not run what streams that end at this moment have posted to it.
        EXPECT_TRUE(all_left());
        server_.reset();
        loop_.reset();
        ::rmdir(directory_.c_str());
    }

    struct Answer {
        io::ClientResponse head;
        std::string body;
    };

    io::ClientConnection connect() {
        return std::move(
            *io::ClientConnection::connect({directory_ + "/s", "", 0}, std::chrono::seconds(10)));
    }

    Answer ask(std::string method, std::string target, std::string_view body = {},
               std::string_view content_type = {}) {
        io::ClientConnection connection = connect();
        io::ClientRequest request{std::move(method), std::move(target), {}};
        if (!content_type.empty()) {
            request.headers.add("Content-Type", std::string(content_type));
        }
        auto head = connection.send(request, body);
        EXPECT_TRUE(head) << head.error().text();
        auto text = connection.read_all(100'000);
        EXPECT_TRUE(text);
        return {*head, *text};
    }

    /// No connection and no subscription is left, soon.
    bool all_left() {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (server_->connections() > 0 || events_.subscribers() > 0) {
            if (std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            ::usleep(1000);
        }
        return true;
    }

    std::string directory_;
    engine::EventBus events_;
    std::unique_ptr<io::Loop> loop_;
    std::unique_ptr<Router> router_;
    std::unique_ptr<io::Server> server_;
};

TEST_F(RouterTest, Ping) {
    for (const char* target : {"/_ping", "/v1.24/_ping", "/v1.51/_ping"}) {
        const Answer get = ask("GET", target);
        EXPECT_EQ(get.head.status, 200);
        EXPECT_EQ(get.body, "OK");
        EXPECT_EQ(get.head.headers.get("Api-Version"), "1.51");
        EXPECT_EQ(get.head.headers.get("Ostype"), "linux");
        EXPECT_EQ(get.head.headers.get("Docker-Experimental"), "false");
        EXPECT_EQ(get.head.headers.get("Swarm"), "inactive");
        EXPECT_EQ(get.head.headers.get("Builder-Version"), "1");
        EXPECT_EQ(get.head.headers.get("Pragma"), "no-cache");
    }
    const Answer head = ask("HEAD", "/_ping");
    EXPECT_EQ(head.head.status, 200);
    EXPECT_EQ(head.head.headers.get("Content-Length"), "0");
}

TEST_F(RouterTest, UnknownPathsAndMethodsAre404) {
    for (const auto& [method, target] : {std::pair("GET", "/nosuch"),
                                         {"POST", "/containers/json"},
                                         {"HEAD", "/info"},
                                         {"GET", "/v1.51"},
                                         {"GET", "/v1.99/nosuch"},
                                         {"GET", "/containers//json"},
                                         {"GET", "/containers/%zz/json"}}) {
        const Answer answer = ask(method, target);
        EXPECT_EQ(answer.head.status, 404) << target;
        if (std::string_view(method) != "HEAD") {
            EXPECT_EQ(answer.body, "{\"message\":\"page not found\"}\n") << target;
        }
    }
}

TEST_F(RouterTest, VersionsOutOfRange) {
    const Answer high = ask("GET", "/v1.99/_ping");
    EXPECT_EQ(high.head.status, 400);
    EXPECT_EQ(high.body,
              "{\"message\":\"client version 1.99 is too new. Maximum supported API version is "
              "1.51\"}\n");
    const Answer low = ask("GET", "/v1.2/_ping");
    EXPECT_EQ(low.head.status, 400);
    EXPECT_EQ(low.head.headers.get("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_TRUE(low.body.starts_with("client version 1.2 is too old."));
}

TEST_F(RouterTest, WhatIsMissingSaysSo) {
    const Answer answer = ask("GET", "/containers/web/checkpoints");
    EXPECT_EQ(answer.head.status, 501);
    EXPECT_EQ(answer.body, "{\"message\":\"Gantry does not implement checkpoints yet\"}\n");
    EXPECT_EQ(ask("POST", "/images/create?fromImage=alpine").head.status, 501);
    EXPECT_EQ(ask("POST", "/images/create?fromSrc=http://x/").head.status, 501);
    EXPECT_EQ(ask("POST", "/images/create").head.status, 400);
    EXPECT_EQ(ask("GET", "/nodes").head.status, 503);
}

TEST_F(RouterTest, RulesOfJsonBodies) {
    const auto create = [&](std::string_view body, std::string_view type) {
        const Answer answer = ask("POST", "/containers/create", body, type);
        EXPECT_EQ(answer.head.status, 400);
        return answer.body;
    };
    EXPECT_EQ(create("{}", "text/plain"),
              "{\"message\":\"unsupported Content-Type header (text/plain): must be "
              "'application/json'\"}\n");
    EXPECT_EQ(create("", "application/json"),
              "{\"message\":\"invalid JSON: got EOF while reading request body\"}\n");
    EXPECT_EQ(create("{\"Image\":", "application/json"),
              "{\"message\":\"invalid JSON: unexpected EOF\"}\n");
    EXPECT_EQ(create("{} {}", "application/json"),
              "{\"message\":\"unexpected content after JSON\"}\n");
    EXPECT_TRUE(create("{\"Tty\":\"yes\"}", "application/json")
                    .starts_with("{\"message\":\"invalid JSON: json: cannot unmarshal"));
    EXPECT_TRUE(create(std::string(9'000'000, ' '), "application/json").find("larger") !=
                std::string::npos);
}

TEST_F(RouterTest, StartRefusesABody) {
    EXPECT_EQ(ask("POST", "/containers/x/start", "{\"Binds\":[]}", "application/json").head.status,
              400);
}

TEST_F(RouterTest, BadParameters) {
    EXPECT_EQ(ask("POST", "/containers/x/resize?h=a&w=1").body,
              "{\"message\":\"strconv.Atoi: parsing \\\"a\\\": invalid syntax\"}\n");
    EXPECT_EQ(ask("GET", "/containers/json?limit=a").head.status, 400);
    EXPECT_EQ(ask("GET", "/containers/json?filters=%5B").head.status, 400);
    EXPECT_EQ(ask("GET", "/containers/json?filters=%g").head.status, 400);
    EXPECT_EQ(ask("POST", "/containers/x/wait?condition=foo").body,
              "{\"message\":\"invalid condition: \\\"foo\\\"\"}\n");
    EXPECT_EQ(ask("GET", "/events?since=10&until=1").body,
              "{\"message\":\"`since` time (10) cannot be after `until` time (1)\"}\n");
}

TEST_F(RouterTest, NoVolumesYet) {}

TEST_F(RouterTest, EventsComeAsTheyHappen) {
    io::ClientConnection connection = connect();
    const auto head =
        connection.send({"GET", "/events?filters=%7B%22type%22:[%22container%22]%7D", {}});
    ASSERT_TRUE(head);
    EXPECT_EQ(head->status, 200);
    EXPECT_EQ(head->headers.get("Content-Type"), "application/json");
    // Whoever has the head misses nothing.
    events_.publish("image", "tag", "i", {});
    events_.publish("container", "start", "c", {{"image", "bb"}});
    char buffer[4096];
    const auto count = connection.read(buffer);
    ASSERT_TRUE(count);
    const std::string_view event(buffer, *count);
    EXPECT_NE(event.find("\"Action\":\"start\""), std::string_view::npos) << event;
    EXPECT_TRUE(event.ends_with("}\n")) << event;
}

TEST_F(RouterTest, EventsOfThePastEnd) {
    events_.publish("container", "start", "c", {});
    const Answer none = ask("GET", "/events?until=1");
    EXPECT_EQ(none.head.status, 200);
    EXPECT_EQ(none.body, "");
    EXPECT_TRUE(all_left());
}

TEST_F(RouterTest, EventsEndAtTheirTime) {
    events_.publish("container", "start", "c", {});
    const auto soon = std::chrono::system_clock::now() + std::chrono::milliseconds(100);
    const auto nanos = std::chrono::nanoseconds(soon.time_since_epoch()).count();
    const std::string until = std::to_string(nanos / 1'000'000'000) + "." +
                              std::to_string(1'000'000'000 + nanos % 1'000'000'000).substr(1);
    const Answer answer = ask("GET", "/events?since=1&until=" + until);
    EXPECT_NE(answer.body.find("\"Action\":\"start\""), std::string::npos) << answer.body;
}

TEST_F(RouterTest, AGoneClientEndsItsSubscription) {
    {
        io::ClientConnection connection = connect();
        ASSERT_TRUE(connection.send({"GET", "/events", {}}));
    }
    EXPECT_TRUE(all_left());
}

}  // namespace
}  // namespace gantry::api
