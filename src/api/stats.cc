#include "spec/api/stats.h"

#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "api/query_values.h"
#include "api/route.h"
#include "base/mutex.h"
#include "engine/stats/stats_service.h"

namespace gantry::api {
namespace {

/// How a feed writes what it gets.
enum class Form {
    kObject,  // one container: an object a line
    kArray,   // several: an array a line, complete each time
};
enum class Length { kStream, kSecond };

/// One client that watches. It is subscribed before it is parked, so that a container that is not
/// there is an answer of its own; what comes in between is kept.
///
/// Its outlet's on_closed callback owns it. Locks are taken in the order service, feed, outlet.
class StatsFeed {
public:
    StatsFeed(Form form, Length length) : form_(form), length_(length) {}

    Result<> subscribe(engine::StatsService& service, engine::StatsSelection selection) {
        GT_TRY_VAR(subscription,
                   service.watch(std::move(selection),
                                 [this](std::span<const spec::ContainerStats> samples) {
                                     return take(samples);
                                 }));
        subscription_ = std::move(subscription);
        return {};
    }

    void set_outlet(std::shared_ptr<io::Outlet> outlet) {
        const MutexLock lock(mutex_);
        outlet_ = std::move(outlet);
        if (!early_.empty()) {
            (void)outlet_->push(early_);  // A closed outlet tells its owner.
            early_.clear();
        }
        if (ended_) {
            outlet_->finish();
        }
    }

    /// No sample arrives any more. Not under a lock that sampling takes.
    void unsubscribe() { subscription_.reset(); }

private:
    static constexpr size_t kEarlyLimit = 1 << 20;

    bool take(std::span<const spec::ContainerStats> samples) {
        const MutexLock lock(mutex_);
        ++count_;
        // The only container of the stream was removed.
        const bool over = form_ == Form::kObject && samples.empty();
        if (!over && (length_ == Length::kStream || count_ == 2)) {
            write(text_of(samples));
        }
        ended_ = ended_ || over || (length_ == Length::kSecond && count_ == 2);
        if (ended_ && outlet_) {
            outlet_->finish();
        }
        return !ended_ && early_.size() <= kEarlyLimit && (!outlet_ || !outlet_->closed());
    }

    std::string text_of(std::span<const spec::ContainerStats> samples) const {
        if (form_ == Form::kObject) {
            return spec::to_json(samples.front()) + "\n";
        }
        return spec::to_json(std::vector<spec::ContainerStats>(samples.begin(), samples.end())) +
               "\n";
    }

    void write(const std::string& text) GT_REQUIRES(mutex_) {
        if (outlet_) {
            (void)outlet_->push(text);
        } else {
            early_ += text;
        }
    }

    const Form form_;
    const Length length_;
    Mutex mutex_;
    std::shared_ptr<io::Outlet> outlet_ GT_GUARDED_BY(mutex_);
    std::string early_ GT_GUARDED_BY(mutex_);
    int count_ GT_GUARDED_BY(mutex_) = 0;
    bool ended_ GT_GUARDED_BY(mutex_) = false;
    // INVARIANT: the last member, so that the sink ends before what it uses.
    engine::StatsService::Subscription subscription_;
};

Result<> park_feed(Call& call, engine::StatsSelection selection, Form form, Length length) {
    const auto feed = std::make_shared<StatsFeed>(form, length);
    GT_TRY(feed->subscribe(call.services.stats, std::move(selection)));
    // Room for many seconds of a client that sleeps.
    GT_TRY_VAR(outlet, call.responder.park(answer_head(200, kJson), {.queue_limit = 1 << 20}));
    outlet->on_closed([feed] { feed->unsubscribe(); });
    feed->set_outlet(outlet);
    return {};
}

Result<> stats(Call& call) {
    const bool stream = bool_value(call.query, "stream", true);
    const bool one_shot = call.version >= ApiVersion{1, 41} && bool_value(call.query, "one-shot");
    if (stream && one_shot) {
        return fail(Kind::kInvalid, "cannot have stream=true and one-shot=true");
    }
    GT_TRY_VAR(running, call.services.stats.is_running(call.name));
    if (!stream && (one_shot || !running)) {
        GT_TRY_VAR(sample, call.services.stats.sample(call.name));
        return call.send_json(200, spec::to_json(sample));
    }
    return park_feed(call, {.refs = {call.name}, .stopped = true}, Form::kObject,
                     stream ? Length::kStream : Length::kSecond);
}

/// Gantry's own: several containers on one connection, for clients that show them together.
Result<> stats_of_many(Call& call) {
    engine::StatsSelection selection;
    selection.refs = call.query.all("container");
    selection.stopped = bool_value(call.query, "all");
    return park_feed(call, std::move(selection), Form::kArray,
                     bool_value(call.query, "stream", true) ? Length::kStream : Length::kSecond);
}

constexpr std::array kRoutes{
    Route{"GET", "/containers/stats", stats_of_many},
    Route{"GET", "/containers/{}/stats", stats},
};

}  // namespace

std::span<const Route> stats_routes() {
    return kRoutes;
}

}  // namespace gantry::api
