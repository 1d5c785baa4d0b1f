#pragma once

#include <atomic>
#include <utility>

#include "base/error.h"

namespace gantry::engine {

/// A dry run only tells what a prune would remove.
enum class PruneMode { kRemove, kDryRun };

/// Lets one prune of a kind of object run at a time (F18). Thread-safe.
class PruneGate {
public:
    class [[nodiscard]] Pass {
    public:
        explicit Pass(std::atomic_flag* busy) : busy_(busy) {}
        Pass(Pass&& other) noexcept : busy_(std::exchange(other.busy_, nullptr)) {}
        Pass& operator=(Pass&&) = delete;
        ~Pass() {
            if (busy_ != nullptr) {
                busy_->clear();
            }
        }

    private:
        std::atomic_flag* busy_;
    };

    /// kConflict while another has a pass.
    Result<Pass> enter() {
        if (busy_.test_and_set()) {
            return fail(Kind::kConflict, "a prune operation is already running");
        }
        return Pass(&busy_);
    }

private:
    std::atomic_flag busy_;
};

}  // namespace gantry::engine
