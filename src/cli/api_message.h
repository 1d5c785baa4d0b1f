#pragma once

#include <string>
#include <string_view>

#include "io/client.h"

namespace gantry::cli {

/// The daemon's message in the answer to a failed call: the "message" of its JSON, or the text of
/// an answer that is none (attach answers in plain text, behaviours C5).
std::string api_message(const io::ClientResponse& head, std::string_view body);

}  // namespace gantry::cli
