#pragma once

#include <algorithm>
#include <cstdint>

namespace gantry::sys {

/// v2's weights are 1..10000. The kernel's own proportion between v1's shares and them is only a
/// default; this is the conversion that runc and crun use.
constexpr uint64_t weight_of_shares(uint64_t shares) {
    const uint64_t bounded = std::clamp<uint64_t>(shares, 2, 262144);
    return 1 + (bounded - 2) * 9999 / 262142;
}

/// The same for v1's blkio weight.
constexpr uint64_t weight_of_blkio(uint64_t weight) {
    return 1 + (std::clamp<uint64_t>(weight, 10, 1000) - 10) * 9999 / 990;
}

}  // namespace gantry::sys
