#include "cli/run/json_lines.h"

#include <array>
#include <string>

#include "base/text.h"

namespace gantry::cli {
namespace {

constexpr size_t kMaxLine = 16UL << 20;

}  // namespace

Result<> for_each_line(io::ClientConnection connection,
                       const std::function<Result<>(std::string_view)>& each) {
    std::string pending;
    std::array<char, 16 * 1024> buffer = {};
    while (true) {
        GT_TRY_VAR(got, connection.read(buffer));
        pending.append(buffer.data(), got);
        std::string_view rest = pending;
        for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
            const std::string_view line = trim(rest.substr(0, end));
            rest.remove_prefix(end + 1);
            if (!line.empty()) {
                GT_TRY(each(line));
            }
        }
        pending.erase(0, pending.size() - rest.size());
        if (got == 0) {
            const std::string_view last = trim(pending);
            return last.empty() ? Result<>() : each(last);
        }
        if (pending.size() > kMaxLine) {
            return fail(Kind::kInvalid, "the daemon's message is too long");
        }
    }
}

}  // namespace gantry::cli
