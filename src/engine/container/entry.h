#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "engine/container/lifecycle.h"
#include "engine/container/run.h"
#include "engine/container/wait_list.h"
#include "runtime/shim_handle.h"

namespace gantry::engine {

using Deadline = std::chrono::steady_clock::time_point;

/// A client that attached before the container was started.
struct PendingAttach {
    UniqueFd socket;
    runtime::AttachOptions options;
};

/// One container in memory.
///
/// Readers take snapshot(). Whoever changes the container holds its Operation, of which there is
/// one at a time; it may block for as long as the kernel needs, and no reader ever waits for it.
/// INVARIANT: mutex_ is never held over anything that blocks or calls out.
class ContainerEntry : public std::enable_shared_from_this<ContainerEntry> {
public:
    /// The right to change one container.
    class Operation {
    public:
        Operation(Operation&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
        Operation& operator=(Operation&&) = delete;
        ~Operation();

    private:
        friend class ContainerEntry;
        explicit Operation(ContainerEntry* entry) : entry_(entry) {}
        ContainerEntry* entry_;
    };

    ContainerEntry(ContainerId id, SnapshotPtr snapshot)
        : id_(std::move(id)), snapshot_(std::move(snapshot)) {}

    const ContainerId& id() const { return id_; }
    SnapshotPtr snapshot() const GT_EXCLUDES(mutex_);

    /// Waits until no other operation holds the container.
    Operation begin() GT_EXCLUDES(mutex_);

    /// Makes SNAPSHOT the container's present and wakes who waits for a change. The change is in
    /// the database already.
    void publish(const Operation& operation, SnapshotPtr snapshot) GT_EXCLUDES(mutex_);

    /// The present run, or one that ended and is not cleaned up yet.
    std::shared_ptr<ContainerRun> run() const GT_EXCLUDES(mutex_);
    void set_run(const Operation& operation, std::shared_ptr<ContainerRun> run) GT_EXCLUDES(mutex_);
    std::shared_ptr<ContainerRun> take_run(const Operation& operation) GT_EXCLUDES(mutex_);

    /// Blocks until RUN is not the living one any more. False at the deadline.
    bool wait_ended(const std::shared_ptr<ContainerRun>& run, Deadline deadline)
        GT_EXCLUDES(mutex_);

    /// Adds a wait, or returns false when the condition is met already.
    bool add_wait(WaitCondition condition, std::shared_ptr<WaitHandle::State> wait)
        GT_EXCLUDES(mutex_);
    WaitList::Ready take_exited_waits() GT_EXCLUDES(mutex_);
    WaitList::Ready take_next_exit_waits() GT_EXCLUDES(mutex_);
    WaitList::Ready take_removed_waits() GT_EXCLUDES(mutex_);
    /// No wait can be added any more: the container is gone.
    WaitList::Ready close_waits() GT_EXCLUDES(mutex_);

    /// Says that a client was promised a place with queue_attach(). A start waits for it, within
    /// reason, until the promise is dropped: what the process writes first is the client's too
    /// (C6).
    std::shared_ptr<void> announce_attach() GT_EXCLUDES(mutex_);
    /// Keeps a client for the next start. Gives it back when the container was started meanwhile.
    Result<> queue_attach(PendingAttach& attach) GT_EXCLUDES(mutex_);
    /// For start: what was queued, after all who are announced have come or two seconds have
    /// passed. From now on queue_attach() refuses until reopen_attaches().
    std::vector<PendingAttach> take_attaches() GT_EXCLUDES(mutex_);
    /// A start that failed: the container waits for another.
    void reopen_attaches() GT_EXCLUDES(mutex_);

    /// One removal at a time. False when there is one.
    bool claim_removal() GT_EXCLUDES(mutex_);
    void give_up_removal() GT_EXCLUDES(mutex_);
    bool removal_claimed() const GT_EXCLUDES(mutex_);

    /// A restart by a user is under way: the end of the run is no reason for AutoRemove.
    void set_user_restart(bool on) GT_EXCLUDES(mutex_);
    bool user_restart() const GT_EXCLUDES(mutex_);

    /// The timer of a restart policy; replaced or reset by whoever changes its reason.
    void set_restart_timer(const Operation& operation, io::LoopHandle timer) GT_EXCLUDES(mutex_);
    io::LoopHandle take_restart_timer(const Operation& operation) GT_EXCLUDES(mutex_);

    /// For the restart policy's back-off; 0 after a start by a user.
    int restarts_in_a_row() const GT_EXCLUDES(mutex_);
    void set_restarts_in_a_row(const Operation& operation, int count) GT_EXCLUDES(mutex_);

    void add_exec(const ExecId& id) GT_EXCLUDES(mutex_);
    void remove_exec(const ExecId& id) GT_EXCLUDES(mutex_);
    std::vector<ExecId> execs() const GT_EXCLUDES(mutex_);

private:
    void end(const Operation& operation) GT_EXCLUDES(mutex_);

    const ContainerId id_;
    mutable Mutex mutex_;
    Condition changed_;
    SnapshotPtr snapshot_ GT_GUARDED_BY(mutex_);
    std::shared_ptr<ContainerRun> run_ GT_GUARDED_BY(mutex_);
    WaitList waits_ GT_GUARDED_BY(mutex_);
    std::vector<PendingAttach> attaches_ GT_GUARDED_BY(mutex_);
    size_t announced_ GT_GUARDED_BY(mutex_) = 0;
    std::vector<ExecId> execs_ GT_GUARDED_BY(mutex_);
    io::LoopHandle restart_timer_ GT_GUARDED_BY(mutex_);
    int restarts_in_a_row_ GT_GUARDED_BY(mutex_) = 0;
    bool busy_ GT_GUARDED_BY(mutex_) = false;
    bool starting_ GT_GUARDED_BY(mutex_) = false;
    bool removal_claimed_ GT_GUARDED_BY(mutex_) = false;
    bool gone_ GT_GUARDED_BY(mutex_) = false;
    bool user_restart_ GT_GUARDED_BY(mutex_) = false;
};

using EntryPtr = std::shared_ptr<ContainerEntry>;

}  // namespace gantry::engine
