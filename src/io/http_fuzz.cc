// The request parser under any bytes, given in one piece and cut in two: it never crashes, never
// consumes more than it was given, and reads the same both times.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "io/impl/parser.h"

namespace {

using gantry::io::MessageKind;
using gantry::io::Parser;

constexpr size_t kHeadLimit = 4096;

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

/// Everything that a server would learn, as one text. PIECE bytes arrive at a time.
std::string digest(std::string_view input, size_t piece) {
    Parser parser(MessageKind::kRequest, kHeadLimit);
    std::string held;
    std::string out;
    char body[64];
    while (!parser.message_done()) {
        const std::string_view part = input.substr(0, piece);
        input.remove_prefix(part.size());
        held += part;
        for (bool progress = true; progress && !held.empty() && !parser.message_done();) {
            size_t consumed = 0;
            size_t produced = 0;
            if (!parser.head_done()) {
                const auto used = parser.parse_head(held);
                if (!used) {
                    return "refused";
                }
                consumed = *used;
            } else {
                const auto step = parser.parse_body(held, body);
                if (!step) {
                    return "refused";
                }
                consumed = step->consumed;
                produced = step->produced;
                out.append(body, produced);
            }
            require(consumed <= held.size() && produced <= sizeof body);
            held.erase(0, consumed);
            progress = consumed > 0;
        }
        if (part.empty()) {
            return "incomplete";
        }
    }
    for (const auto& [name, value] : parser.head().headers) {
        out += name + ":" + value + "\n";
    }
    return parser.head().method + parser.head().target + out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // SAFETY: bytes are read as characters.
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::string whole = digest(input, input.size() + 1);
    const std::string pieces = digest(input, 7);
    // A message may be refused early or late, but never read in two ways.
    require(whole == pieces || whole == "refused" || pieces == "refused");
    return 0;
}
