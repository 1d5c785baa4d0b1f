#include "engine/container/background.h"

#include <chrono>

namespace gantry::engine {

namespace {

/// How long a task waits for a place in a full queue before it asks again.
constexpr std::chrono::milliseconds kFullQueueDelay(20);
constexpr std::chrono::milliseconds kFlushPatience(1000);

}  // namespace

/// Held by the task's closures: whichever way they end, also dropped unrun by a pool or a loop that
/// stops, the gate hears of it.
class Background::Pass {
public:
    explicit Pass(std::shared_ptr<Gate> gate) : gate_(std::move(gate)) {}
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() {
        MutexLock lock(gate_->mutex);
        --gate_->inside;
        gate_->changed.notify_all();
    }

private:
    std::shared_ptr<Gate> gate_;
};

Background::Background(io::WorkerPool& workers, io::Loop& loop)
    : workers_(workers), loop_(loop), gate_(std::make_shared<Gate>()) {}

Background::~Background() {
    close();
}

void Background::run(std::function<void()> task) {
    {
        MutexLock lock(gate_->mutex);
        if (gate_->closed) {
            return;
        }
        ++gate_->inside;
    }
    submit(std::make_shared<Pass>(gate_), std::move(task));
}

void Background::submit(std::shared_ptr<Pass> pass, std::function<void()> task) {
    if (workers_.submit([pass, task] { task(); })) {
        return;
    }
    // The handle lives in its own callback: a timer that has fired lets go of both.
    auto timer = std::make_shared<io::LoopHandle>();
    *timer = loop_.after(kFullQueueDelay,
                         [this, pass = std::move(pass), task = std::move(task), timer]() mutable {
                             submit(std::move(pass), std::move(task));
                             timer.reset();
                         });
}

void Background::flush_loop(std::function<void()> last) {
    struct Done {
        Mutex mutex;
        Condition changed;
        bool set GT_GUARDED_BY(mutex) = false;
    };
    const auto done = std::make_shared<Done>();
    loop_.post([done, last = std::move(last)] {
        last();
        const MutexLock lock(done->mutex);
        done->set = true;
        done->changed.notify_all();
    });
    const auto deadline = std::chrono::steady_clock::now() + kFlushPatience;
    MutexLock lock(done->mutex);
    while (!done->set && done->changed.wait_until(done->mutex, deadline)) {
    }
}

void Background::close() {
    MutexLock lock(gate_->mutex);
    gate_->closed = true;
    while (gate_->inside > 0) {
        gate_->changed.wait(gate_->mutex);
    }
}

}  // namespace gantry::engine
