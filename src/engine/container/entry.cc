#include "engine/container/entry.h"

#include <poll.h>

#include <algorithm>

#include "engine/container/stuck.h"

namespace gantry::engine {

namespace {

/// A run is over when the container's state says so, or another run took its place.
bool is_over(const ContainerSnapshot& snapshot, const std::shared_ptr<ContainerRun>& present,
             const std::shared_ptr<ContainerRun>& run) {
    return present != run || !has_process(snapshot.life);
}

/// Clients that may wait for one container's start.
constexpr auto kAnnouncedPatience = std::chrono::seconds(2);
constexpr size_t kMaxPendingAttaches = 64;

bool hung_up(int socket) {
    pollfd state{.fd = socket, .events = 0, .revents = 0};
    return poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace

ContainerEntry::Operation::~Operation() {
    if (entry_ != nullptr) {
        entry_->end(*this);
    }
}

SnapshotPtr ContainerEntry::snapshot() const {
    MutexLock lock(mutex_);
    return snapshot_;
}

ContainerEntry::Operation ContainerEntry::begin() {
    MutexLock lock(mutex_);
    while (busy_) {
        changed_.wait(mutex_);
    }
    busy_ = true;
    return Operation(this);
}

void ContainerEntry::end(const Operation&) {
    MutexLock lock(mutex_);
    busy_ = false;
    changed_.notify_all();
}

void ContainerEntry::publish(const Operation&, SnapshotPtr snapshot) {
    MutexLock lock(mutex_);
    snapshot_.swap(snapshot);
    changed_.notify_all();
}

std::shared_ptr<ContainerRun> ContainerEntry::run() const {
    MutexLock lock(mutex_);
    return run_;
}

void ContainerEntry::set_run(const Operation&, std::shared_ptr<ContainerRun> run) {
    MutexLock lock(mutex_);
    run_.swap(run);
    changed_.notify_all();
}

std::shared_ptr<ContainerRun> ContainerEntry::take_run(const Operation&) {
    MutexLock lock(mutex_);
    changed_.notify_all();
    return std::move(run_);
}

bool ContainerEntry::wait_ended(const std::shared_ptr<ContainerRun>& run, Deadline deadline) {
    MutexLock lock(mutex_);
    while (!is_over(*snapshot_, run_, run)) {
        if (!changed_.wait_until(mutex_, deadline)) {
            return is_over(*snapshot_, run_, run);
        }
    }
    return true;
}

bool ContainerEntry::add_wait(WaitCondition condition, std::shared_ptr<WaitHandle::State> wait) {
    MutexLock lock(mutex_);
    if (gone_ || (condition == WaitCondition::kNotRunning && !snapshot_->life.running())) {
        return false;
    }
    waits_.add(condition, std::move(wait));
    return true;
}

WaitList::Ready ContainerEntry::take_exited_waits() {
    MutexLock lock(mutex_);
    return waits_.take_exited();
}

WaitList::Ready ContainerEntry::take_next_exit_waits() {
    MutexLock lock(mutex_);
    return waits_.take_next_exit();
}

WaitList::Ready ContainerEntry::take_removed_waits() {
    MutexLock lock(mutex_);
    return waits_.take_removed();
}

WaitList::Ready ContainerEntry::close_waits() {
    MutexLock lock(mutex_);
    gone_ = true;
    return waits_.take_all();
}

std::shared_ptr<void> ContainerEntry::announce_attach() {
    {
        MutexLock lock(mutex_);
        ++announced_;
    }
    return {this, [self = shared_from_this()](void*) {
                MutexLock lock(self->mutex_);
                --self->announced_;
                self->changed_.notify_all();
            }};
}

Result<> ContainerEntry::queue_attach(PendingAttach& attach) {
    MutexLock lock(mutex_);
    if (starting_ || gone_ || snapshot_->life.running()) {
        return fail(Kind::kConflict, "the container was started");
    }
    std::erase_if(attaches_, [](const PendingAttach& old) { return hung_up(old.socket.get()); });
    if (attaches_.size() >= kMaxPendingAttaches) {
        return fail(Kind::kUnavailable, "too many clients wait for the start of the container");
    }
    attaches_.push_back(std::move(attach));
    return {};
}

std::vector<PendingAttach> ContainerEntry::take_attaches() {
    const Deadline deadline = std::chrono::steady_clock::now() + kAnnouncedPatience;
    MutexLock lock(mutex_);
    while (announced_ > 0 && changed_.wait_until(mutex_, deadline)) {
    }
    starting_ = true;
    return std::exchange(attaches_, {});
}

void ContainerEntry::reopen_attaches() {
    MutexLock lock(mutex_);
    starting_ = false;
}

bool ContainerEntry::claim_removal() {
    MutexLock lock(mutex_);
    if (removal_claimed_) {
        return false;
    }
    removal_claimed_ = true;
    return true;
}

void ContainerEntry::give_up_removal() {
    MutexLock lock(mutex_);
    removal_claimed_ = false;
}

bool ContainerEntry::removal_claimed() const {
    MutexLock lock(mutex_);
    return removal_claimed_;
}

void ContainerEntry::set_user_restart(bool on) {
    MutexLock lock(mutex_);
    user_restart_ = on;
}

bool ContainerEntry::user_restart() const {
    MutexLock lock(mutex_);
    return user_restart_;
}

void ContainerEntry::set_restart_timer(const Operation&, io::LoopHandle timer) {
    io::LoopHandle old;
    MutexLock lock(mutex_);
    old = std::exchange(restart_timer_, std::move(timer));
}

io::LoopHandle ContainerEntry::take_restart_timer(const Operation&) {
    MutexLock lock(mutex_);
    return std::move(restart_timer_);
}

int ContainerEntry::restarts_in_a_row() const {
    MutexLock lock(mutex_);
    return restarts_in_a_row_;
}

void ContainerEntry::set_restarts_in_a_row(const Operation&, int count) {
    MutexLock lock(mutex_);
    restarts_in_a_row_ = count;
}

void ContainerEntry::add_exec(const ExecId& id) {
    MutexLock lock(mutex_);
    execs_.push_back(id);
}

void ContainerEntry::remove_exec(const ExecId& id) {
    MutexLock lock(mutex_);
    std::erase(execs_, id);
}

std::vector<ExecId> ContainerEntry::execs() const {
    MutexLock lock(mutex_);
    return execs_;
}

}  // namespace gantry::engine
