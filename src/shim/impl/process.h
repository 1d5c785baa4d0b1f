#pragma once

#include <cstdint>

#include "shim/impl/plan_view.h"
#include "shim/impl/stdio.h"

namespace gantry::shim {

/// A plan that is mapped for as long as the object lives.
class MappedPlan {
public:
    MappedPlan() = default;
    MappedPlan(const MappedPlan&) = delete;
    MappedPlan& operator=(const MappedPlan&) = delete;
    ~MappedPlan() { unmap(); }

    /// False for what is no plan, or could change under us. Does not own FD.
    bool map(int fd);
    void unmap();
    const PlanView& view() const { return view_; }

private:
    void* memory_ = nullptr;
    uint64_t size_ = 0;
    PlanView view_;
};

/// The container's first process (number 0) or an exec.
///
///     setting up --kReady--> waiting --kStart--> starting --end of file--> running --> ended
///                                                                        --> finished
///
/// An exec never waits. From any of the first three it can fail. "Ended" is the kernel's word,
/// "finished" ours: the output is complete and the exit is recorded.
struct Process {
    uint32_t number = 0;
    int32_t pid = -1;
    int pidfd = -1;
    /// Our end of the pair to the child that sets itself up; -1 once the program runs.
    Watch sync;
    MappedPlan plan;
    Stdio stdio;
    /// The daemon's private channel for the request that waits for this process; -1 for none.
    int answer_fd = -1;

    bool entered = false;  // exec: the second process exists
    bool running = false;
    bool ended = false;
    bool finished = false;
    bool released = false;
    bool exit_told = false;
    bool oom_killed = false;
    int32_t exit_code = 0;
    int64_t exit_time = 0;
    /// Until then the output is drained, or the daemon may take its time (monotonic ms).
    int64_t deadline = kNever;

    Process* next = nullptr;
};

}  // namespace gantry::shim
