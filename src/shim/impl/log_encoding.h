#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shim/impl/plan_view.h"

namespace gantry::shim {

/// One record on its way to journald or syslog.
struct LogMessage {
    int stream = 0;
    /// Without the newline.
    std::string_view text;
    /// The line ends with this record.
    bool ends = true;
    int64_t time = 0;  // nanoseconds since 1970
    /// Counts the records of this run, which EPOCH stands for.
    uint64_t ordinal = 0;
    uint64_t epoch = 0;
    /// Of a line that was cut: which one, and the number of the part from 1 on; else 0.
    uint64_t partial_id = 0;
    uint32_t partial_ordinal = 0;
};

/// The plan's texts for a peer (head, tag) have at most so many bytes in all.
inline constexpr size_t kMaxPeerTexts = 32768;
inline constexpr size_t kMaxMessage = 16384 + kMaxPeerTexts + 1024;

/// Writes MESSAGE in the form that PLAN's peer wants to OUT (kMaxMessage bytes); returns the size.
/// A stream socket's messages end in a newline, as the others do (srslog's framing).
size_t encode_message(char* out, const PlanView& plan, const LogMessage& message);

}  // namespace gantry::shim
