#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "spec/value.h"

namespace gantry::spec {

struct ProgressDetail {
    int64_t current = 0;
    int64_t total = 0;
    int64_t start = 0;
    bool hide_counts = false;
    std::string units;
};

struct ProgressError {
    int64_t code = 0;
    std::string message;
};

/// One message of the streams of pull, push, load, import and build. On the wire each is one line
/// ended by CR LF. `error` repeats error_detail.message for old clients.
struct ProgressMessage {
    std::string stream;
    std::string status;
    std::optional<ProgressDetail> progress_detail;
    /// The bar as old daemons drew it.
    std::string progress;
    std::string id;
    std::optional<ProgressError> error_detail;
    std::string error;
    std::optional<Value> aux;
};

}  // namespace gantry::spec
