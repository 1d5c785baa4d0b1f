#pragma once

#include <string>
#include <string_view>

namespace gantry::cli {

/// Watches what a user types for the keys that end an attachment. Bytes that may be their start are
/// held back until the next ones decide, so that the container never sees a part of them.
class DetachMatcher {
public:
    /// KEYS as spec::parse_detach_keys() gives them.
    explicit DetachMatcher(std::string keys) : keys_(std::move(keys)) {}

    /// Appends to PASSED what is not part of the keys. True once they are complete; what was typed
    /// behind them is dropped.
    bool feed(std::string_view typed, std::string& passed);

private:
    std::string keys_;
    size_t matched_ = 0;
};

}  // namespace gantry::cli
