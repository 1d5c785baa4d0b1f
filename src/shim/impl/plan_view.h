#pragma once

#include <cstdint>
#include <string_view>

#include "shim/plan.h"

namespace gantry::shim {

/// A mapped plan whose bounds were checked once: no step or text points outside. Does not own the
/// memory.
class PlanView {
public:
    PlanView() = default;

    /// Checks SIZE bytes at DATA. Leaves the view empty if they are no plan.
    static PlanView check(const void* data, uint64_t size);

    explicit operator bool() const { return header_ != nullptr; }
    const PlanHeader& header() const { return *header_; }
    const Step& step(uint32_t index) const { return steps_[index]; }

    /// Zero-terminated.
    const char* text(const Text& text) const { return pool_ + text.offset; }
    std::string_view view(const Text& text) const { return {pool_ + text.offset, text.size}; }

private:
    bool holds(const Text& text) const;

    const PlanHeader* header_ = nullptr;
    const Step* steps_ = nullptr;
    const char* pool_ = nullptr;
};

}  // namespace gantry::shim
