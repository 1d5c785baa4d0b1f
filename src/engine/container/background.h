#pragma once

#include <functional>
#include <memory>

#include "base/mutex.h"
#include "io/loop.h"
#include "io/worker_pool.h"

namespace gantry::engine {

/// The work that the container services do on their own account: exits, cleanup, restarts. It runs
/// on the daemon's worker pool; close() waits for it. Thread-safe; run() may be called on the
/// loop's thread, it never blocks and never loses a task before close().
class Background {
public:
    Background(io::WorkerPool& workers, io::Loop& loop);
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;
    /// close().
    ~Background();

    void run(std::function<void()> task);

    /// Runs LAST on the loop's thread, behind what was posted before, and waits for it; a second at
    /// most, as the loop's callbacks are short. Not on that thread.
    void flush_loop(std::function<void()> last);

    /// Takes no more tasks and waits for those that run or are queued.
    void close();

private:
    struct Gate {
        Mutex mutex;
        Condition changed;
        int inside GT_GUARDED_BY(mutex) = 0;
        bool closed GT_GUARDED_BY(mutex) = false;
    };
    /// One task's presence in the gate.
    class Pass;

    void submit(std::shared_ptr<Pass> pass, std::function<void()> task);

    io::WorkerPool& workers_;
    io::Loop& loop_;
    std::shared_ptr<Gate> gate_;
};

}  // namespace gantry::engine
