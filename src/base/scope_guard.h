#pragma once

#include <utility>

namespace gantry {

/// Runs an undo step at the end of the scope unless the work was committed first. The step must not
/// throw.
template <class F>
class [[nodiscard]] ScopeGuard {
public:
    explicit ScopeGuard(F undo) : undo_(std::move(undo)) {}
    ScopeGuard(const ScopeGuard&) = delete;
    ScopeGuard& operator=(const ScopeGuard&) = delete;
    ~ScopeGuard() {
        if (armed_) {
            undo_();
        }
    }

    /// The work is done: what it made stays.
    void commit() { armed_ = false; }

private:
    F undo_;
    bool armed_ = true;
};

}  // namespace gantry
