#include "cli/run/pull.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "cli/run/json_lines.h"
#include "cli/stream/terminal.h"
#include "spec/api/progress.h"
#include "spec/json.h"
#include "spec/reference.h"
#include "spec/units.h"

namespace gantry::cli {
namespace {

constexpr int kBarWidth = 50;

std::string progress_bar(const spec::ProgressDetail& detail) {
    if (detail.current <= 0 && detail.total <= 0) {
        return {};
    }
    const std::string current = spec::human_size(static_cast<double>(detail.current), 4);
    if (detail.total <= 0) {
        return fmt::format("{:>8}", current);
    }
    const auto filled = static_cast<size_t>(
        std::clamp<int64_t>(detail.current * kBarWidth / detail.total, 0, kBarWidth));
    return fmt::format("[{}>{}] {:>8}/{}", std::string(filled, '='),
                       std::string(kBarWidth - filled, ' '), current,
                       spec::human_size(static_cast<double>(detail.total), 4));
}

/// Prints messages; remembers which line of the terminal belongs to which layer.
class ProgressPrinter {
public:
    explicit ProgressPrinter(int fd) : fd_(fd), terminal_(is_terminal(fd)) {}

    Result<> print(const spec::ProgressMessage& message) {
        if (message.error_detail || !message.error.empty()) {
            return fail(Kind::kInternal,
                        message.error_detail ? message.error_detail->message : message.error);
        }
        if (!message.stream.empty()) {
            write(message.stream);
            return {};
        }
        const std::string bar =
            message.progress_detail ? progress_bar(*message.progress_detail) : std::string();
        if (!terminal_) {
            if (bar.empty()) {
                write(line_of(message, bar) + "\n");
            }
            return {};
        }
        if (message.id.empty() || (!message.progress_detail && !known(message.id))) {
            write(line_of(message, bar) + "\n");
            ids_.clear();
            return {};
        }
        rewrite(message, line_of(message, bar));
        return {};
    }

private:
    static std::string line_of(const spec::ProgressMessage& message, const std::string& bar) {
        std::string line = message.id.empty() ? "" : message.id + ": ";
        line += message.status;
        if (!bar.empty()) {
            line += " " + bar;
        }
        return line;
    }

    bool known(const std::string& id) const { return std::ranges::find(ids_, id) != ids_.end(); }

    void rewrite(const spec::ProgressMessage& message, const std::string& line) {
        if (!known(message.id)) {
            ids_.push_back(message.id);
            write(line + "\n");
            return;
        }
        const auto up = ids_.end() - std::ranges::find(ids_, message.id);
        write(fmt::format("\x1b[{0}A\x1b[2K\r{1}\r\x1b[{0}B", up, line));
    }

    void write(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t written = ::write(fd_, text.data(), text.size());
            if (written <= 0) {
                return;
            }
            text.remove_prefix(static_cast<size_t>(written));
        }
    }

    int fd_;
    bool terminal_;
    /// The layers that have lines, from the top.
    std::vector<std::string> ids_;
};

}  // namespace

Result<> print_progress(io::ClientConnection connection, int fd, bool quiet) {
    ProgressPrinter printer(fd);
    return for_each_line(std::move(connection), [&](std::string_view line) -> Result<> {
        GT_TRY_VAR(message, spec::parse_json<spec::ProgressMessage>(line));
        if (quiet && !message.error_detail && message.error.empty()) {
            return {};
        }
        return printer.print(message);
    });
}

Result<> pull_image(Session& session, std::string_view image, const PullOptions& options) {
    GT_TRY_VAR(reference, spec::parse_reference(image));
    ApiRequest request{.method = "POST", .path = "/images/create"};
    request.query.add("fromImage", reference.familiar_name());
    if (reference.digest) {
        request.query.add("tag", reference.digest->str());
    } else if (!options.all_tags) {
        request.query.add("tag", reference.with_default_tag().tag);
    }
    if (!options.platform.empty()) {
        request.query.add("platform", options.platform);
    }
    GT_TRY_VAR(stream, session.api().stream(request));
    return print_progress(std::move(stream.connection), options.fd, options.quiet);
}

}  // namespace gantry::cli
