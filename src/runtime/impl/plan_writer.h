#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shim/plan.h"

namespace gantry::runtime {

/// Puts a LaunchPlan together.
class PlanWriter {
public:
    PlanWriter();

    shim::PlanHeader& header() { return header_; }

    shim::Text text(std::string_view bytes);
    /// The strings with their zero bytes, one after the other.
    shim::Text strings(std::span<const std::string> list);

    /// A new step at the end; valid until the next call.
    shim::Step& add(shim::StepKind kind);
    shim::Step& add(shim::StepKind kind, std::string_view first, std::string_view second = {},
                    std::string_view third = {});

    /// The plan's bytes. Use once.
    std::string finish();

private:
    shim::PlanHeader header_ = {};
    std::vector<shim::Step> steps_;
    std::string pool_;
};

}  // namespace gantry::runtime
