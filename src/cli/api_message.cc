#include "cli/api_message.h"

#include <fmt/core.h>

#include "base/text.h"
#include "spec/api/system.h"
#include "spec/json.h"

namespace gantry::cli {

std::string api_message(const io::ClientResponse& head, std::string_view body) {
    if (head.headers.get("Content-Type").starts_with("application/json")) {
        if (auto response = spec::parse_json<spec::ErrorResponse>(body);
            response && !response->message.empty()) {
            return response->message;
        }
    }
    if (const std::string_view text = trim(body); !text.empty()) {
        return std::string(text);
    }
    return fmt::format("request returned {} {}", head.status, head.reason);
}

}  // namespace gantry::cli
