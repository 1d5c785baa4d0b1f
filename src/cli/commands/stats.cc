#include "spec/api/stats.h"

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "base/text.h"
#include "cli/commands/handlers.h"
#include "cli/session.h"
#include "cli/table/stats_rows.h"
#include "spec/api/container.h"
#include "spec/json.h"

namespace gantry::cli {
namespace {

using Frame = std::vector<spec::ContainerStats>;

constexpr int kRoundMilliseconds = 1000;
constexpr size_t kLineLimit = 64 << 20;

/// What the user wants to see.
struct Wanted {
    std::vector<std::string> containers;
    bool stopped = false;
    bool stream = true;
};

/// Where frames come from: the state of all containers at one moment, one after the other.
class FrameSource {
public:
    virtual ~FrameSource() = default;
    /// Empty at the end.
    virtual Result<std::optional<Frame>> next() = 0;
};

/// Gantry's own stream of all containers, one array a line.
class GantryFrames : public FrameSource {
public:
    explicit GantryFrames(ApiStream stream) : stream_(std::move(stream)) {}

    static Result<ApiStream> open(Session& session, const Wanted& wanted) {
        ApiRequest request{.path = "/containers/stats"};
        for (const std::string& name : wanted.containers) {
            request.query.add("container", name);
        }
        request.query.add("all", wanted.stopped ? "1" : "0");
        request.query.add("stream", wanted.stream ? "1" : "0");
        return session.api().stream(request);
    }

    Result<std::optional<Frame>> next() override {
        while (true) {
            const size_t end = text_.find('\n');
            if (end != std::string::npos) {
                auto frame = spec::parse_json<Frame>(std::string_view(text_).substr(0, end));
                text_.erase(0, end + 1);
                if (!frame) {
                    return Failure(std::move(frame).error());
                }
                return std::optional(std::move(*frame));
            }
            std::array<char, 64 * 1024> buffer;
            GT_TRY_VAR(got, stream_.connection.read(buffer));
            if (got == 0) {
                return std::optional<Frame>();
            }
            text_.append(buffer.data(), got);
            if (text_.size() > kLineLimit) {
                return fail(Kind::kInternal, "the daemon's answer is too long");
            }
        }
    }

private:
    ApiStream stream_;
    std::string text_;
};

/// Any daemon: each second one sample of each container, and the difference is ours to keep.
class PolledFrames : public FrameSource {
public:
    PolledFrames(Session& session, Wanted wanted) : session_(session), wanted_(std::move(wanted)) {}

    Result<std::optional<Frame>> next() override {
        const bool last = !wanted_.stream && rounds_ == 2;
        if (last) {
            return std::optional<Frame>();
        }
        if (rounds_ > 0) {
            (void)::poll(nullptr, 0, kRoundMilliseconds);
        }
        if (!wanted_.stream && rounds_ == 0) {
            GT_TRY(round());  // only what the next one is compared with
            (void)::poll(nullptr, 0, kRoundMilliseconds);
        }
        GT_TRY_VAR(frame, round());
        rounds_ = wanted_.stream ? 1 : 2;
        return std::optional(std::move(frame));
    }

private:
    Result<std::vector<std::string>> names() {
        if (!wanted_.containers.empty()) {
            return wanted_.containers;
        }
        ApiRequest request{.path = "/containers/json"};
        request.query.add("all", wanted_.stopped ? "1" : "0");
        GT_TRY_VAR(reply, session_.api().call(request));
        GT_TRY_VAR(containers, spec::parse_json<std::vector<spec::ContainerSummary>>(reply.body));
        std::vector<std::string> ids;
        for (const spec::ContainerSummary& container : containers) {
            ids.push_back(container.id);
        }
        return ids;
    }

    Result<Frame> round() {
        GT_TRY_VAR(wanted, names());
        Frame frame;
        for (const std::string& name : wanted) {
            ApiRequest request{.path = container_path(name, "stats")};
            request.query.add("stream", "0");
            request.query.add("one-shot", "1");
            auto reply = session_.api().call(request);
            if (!reply) {
                const bool gone = reply.error().kind() == Kind::kNotFound;
                if (gone && wanted_.containers.empty()) {
                    continue;  // since the list was made
                }
                return Failure(std::move(reply).error());
            }
            GT_TRY_VAR(stats, spec::parse_json<spec::ContainerStats>(reply->body));
            if (stats.id.empty()) {
                // COMPAT: dockerd leaves both out of a single sample.
                GT_TRY(identify(name, stats));
            }
            if (const auto before = before_.find(name); before != before_.end()) {
                stats.precpu = before->second.cpu;
            }
            before_[name] = stats;
            frame.push_back(std::move(stats));
        }
        return frame;
    }

    Result<> identify(const std::string& name, spec::ContainerStats& stats) {
        auto known = identities_.find(name);
        if (known == identities_.end()) {
            GT_TRY_VAR(reply, session_.api().call({.path = container_path(name, "json")}));
            GT_TRY_VAR(container, spec::parse_json<spec::ContainerInspect>(reply.body));
            known = identities_.emplace(name, std::pair(container.id, container.name)).first;
        }
        std::tie(stats.id, stats.name) = known->second;
        return {};
    }

    Session& session_;
    Wanted wanted_;
    int rounds_ = 0;
    std::map<std::string, spec::ContainerStats> before_;
    std::map<std::string, std::pair<std::string, std::string>> identities_;
};

Result<std::unique_ptr<FrameSource>> open_source(Session& session, const Wanted& wanted) {
    auto stream = GantryFrames::open(session, wanted);
    if (stream) {
        return std::make_unique<GantryFrames>(std::move(*stream));
    }
    // Another daemon does not know the path at all.
    if (stream.error().text().find("page not found") != std::string::npos) {
        return std::make_unique<PolledFrames>(session, wanted);
    }
    return Failure(std::move(stream).error());
}

Result<std::string> frame_text(const Frame& frame, const Wanted& wanted, std::string_view format,
                               Truncate truncate) {
    std::vector<Row> rows;
    for (size_t i = 0; i < frame.size(); ++i) {
        const bool named = wanted.containers.size() == frame.size();
        rows.push_back(stats_row(frame[i], named ? wanted.containers[i] : frame[i].id, truncate));
    }
    return format_list(kStatsLayout, format, std::move(rows));
}

/// The frame over the last one: from the top, each line and then the rest of the screen cleared.
std::string over_the_screen(std::string_view text) {
    std::string out = "\033[H";
    for (const std::string_view line : split(text, '\n')) {
        out += fmt::format("{} \033[K\n", line);
    }
    return out + "\033[J";
}

Result<> show(Session& session, const ParsedArgs& args) {
    const Wanted wanted{.containers = args.arguments,
                        .stopped = args.flags.on("all") || !args.arguments.empty(),
                        .stream = !args.flags.on("no-stream")};
    const std::string format =
        args.flags.changed("format") ? args.flags.text("format") : session.config().stats_format;
    const Truncate truncate = args.flags.on("no-trunc") ? Truncate::kNo : Truncate::kYes;
    // A template that is wrong is told before anything is asked.
    GT_TRY(frame_text({}, wanted, format, truncate));
    GT_TRY_VAR(source, open_source(session, wanted));
    while (true) {
        GT_TRY_VAR(frame, source->next());
        const bool over = !frame || (frame->empty() && !wanted.containers.empty());
        if (over) {
            return {};
        }
        GT_TRY_VAR(text, frame_text(*frame, wanted, format, truncate));
        session.out(wanted.stream ? over_the_screen(text) : text);
        if (!wanted.stream) {
            return {};
        }
    }
}

}  // namespace

int run_stats(Session& session, const ParsedArgs& args) {
    const auto shown = show(session, args);
    return shown ? 0 : session.fail_with(shown.error());
}

}  // namespace gantry::cli
