#include "spec/api/progress.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(ProgressDetail, "Progress",
        .field("current", &ProgressDetail::current, Rule::kOmit)
            .field("total", &ProgressDetail::total, Rule::kOmit)
            .field("start", &ProgressDetail::start, Rule::kOmit)
            .field("hidecounts", &ProgressDetail::hide_counts, Rule::kOmit)
            .field("units", &ProgressDetail::units, Rule::kOmit))

GT_JSON(ProgressError, "Error",
        .field("code", &ProgressError::code, Rule::kOmit).field("message", &ProgressError::message))

GT_JSON(ProgressMessage, "Message",
        .field("stream", &ProgressMessage::stream, Rule::kOmit)
            .field("status", &ProgressMessage::status, Rule::kOmit)
            .field("progressDetail", &ProgressMessage::progress_detail, Rule::kOmit)
            .field("progress", &ProgressMessage::progress, Rule::kOmit)
            .field("id", &ProgressMessage::id, Rule::kOmit)
            .field("errorDetail", &ProgressMessage::error_detail, Rule::kOmit)
            .field("error", &ProgressMessage::error, Rule::kOmit)
            .field("aux", &ProgressMessage::aux, Rule::kOmit))

}  // namespace gantry::spec::impl
