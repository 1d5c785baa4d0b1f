#include "engine/container/wait.h"

#include <fmt/core.h>

#include <utility>

#include "engine/container/wait_list.h"

namespace gantry::engine {

Result<WaitCondition> parse_wait_condition(std::string_view text) {
    if (text.empty() || text == "not-running") {
        return WaitCondition::kNotRunning;
    }
    if (text == "next-exit") {
        return WaitCondition::kNextExit;
    }
    if (text == "removed") {
        return WaitCondition::kRemoved;
    }
    return fail(Kind::kInvalid, fmt::format("invalid condition: \"{}\"", text.substr(0, 64)));
}

void WaitHandle::State::fire(const WaitResult& result) {
    WaitCallback callback;
    {
        MutexLock lock(mutex_);
        if (phase_ != Phase::kOpen) {
            return;
        }
        phase_ = Phase::kFiring;
        firing_thread_ = std::this_thread::get_id();
        callback = std::move(callback_);
    }
    callback(result);
    // ORDER: what the callback captured is gone before a cancel() that waits for us returns.
    callback = nullptr;
    MutexLock lock(mutex_);
    phase_ = Phase::kDone;
    done_.notify_all();
}

void WaitHandle::State::cancel() {
    WaitCallback dropped;
    MutexLock lock(mutex_);
    if (phase_ == Phase::kOpen) {
        phase_ = Phase::kDone;
        dropped = std::move(callback_);
        return;
    }
    while (phase_ == Phase::kFiring && firing_thread_ != std::this_thread::get_id()) {
        done_.wait(mutex_);
    }
}

bool WaitHandle::State::open() {
    MutexLock lock(mutex_);
    return phase_ == Phase::kOpen;
}

WaitHandle& WaitHandle::operator=(WaitHandle&& other) noexcept {
    if (this != &other) {
        cancel();
        state_ = std::move(other.state_);
    }
    return *this;
}

void WaitHandle::cancel() {
    if (const auto state = std::move(state_)) {
        state->cancel();
    }
}

void WaitList::add(WaitCondition condition, std::shared_ptr<WaitHandle::State> wait) {
    std::erase_if(waits_, [](const Wait& old) { return !old.state->open(); });
    waits_.push_back({condition, std::move(wait)});
}

WaitList::Ready WaitList::take_exited() {
    Ready ready;
    std::erase_if(waits_, [&](Wait& wait) {
        const bool taken = wait.condition != WaitCondition::kRemoved;
        if (taken) {
            ready.push_back(std::move(wait.state));
        }
        return taken;
    });
    return ready;
}

WaitList::Ready WaitList::take_next_exit() {
    Ready ready;
    std::erase_if(waits_, [&](Wait& wait) {
        const bool taken = wait.condition == WaitCondition::kNextExit;
        if (taken) {
            ready.push_back(std::move(wait.state));
        }
        return taken;
    });
    return ready;
}

WaitList::Ready WaitList::take_removed() {
    Ready ready;
    std::erase_if(waits_, [&](Wait& wait) {
        const bool taken = wait.condition == WaitCondition::kRemoved;
        if (taken) {
            ready.push_back(std::move(wait.state));
        }
        return taken;
    });
    return ready;
}

WaitList::Ready WaitList::take_all() {
    Ready ready;
    for (Wait& wait : waits_) {
        ready.push_back(std::move(wait.state));
    }
    waits_.clear();
    return ready;
}

void fire_all(const WaitList::Ready& waits, const WaitResult& result) {
    for (const auto& wait : waits) {
        wait->fire(result);
    }
}

}  // namespace gantry::engine
