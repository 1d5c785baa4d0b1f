#include "cli/copy/copy_progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include "cli/stream/terminal.h"
#include "spec/units.h"

namespace gantry::cli {
namespace {

constexpr std::chrono::milliseconds kInterval(75);

// Of the terminal: keep the cursor's place, go back to it and clear the line.
constexpr std::string_view kKeepPlace = "\x1b[s";
constexpr std::string_view kBackToPlace = "\x1b[u\x1b[2K";

std::string size_text(uint64_t bytes) {
    return spec::human_size(static_cast<double>(bytes), 3);
}

}  // namespace

CopyProgress::CopyProgress(Session& session, Direction direction, bool quiet)
    : session_(session),
      header_(direction == Direction::kToContainer ? "Copying to container - "
                                                   : "Copying from container - "),
      quiet_(quiet),
      live_(!quiet && is_terminal(STDERR_FILENO)) {
    if (live_) {
        session_.err(kKeepPlace);
        show(size_text(0));
    }
}

void CopyProgress::show(std::string_view size) {
    session_.err(fmt::format("{}{}{}", kBackToPlace, header_, size));
    shown_ = std::chrono::steady_clock::now();
}

void CopyProgress::add(size_t bytes) {
    bytes_ += bytes;
    if (live_ && std::chrono::steady_clock::now() - shown_ >= kInterval) {
        show(size_text(bytes_));
    }
}

void CopyProgress::finish(std::string_view destination) {
    if (live_) {
        session_.err(kBackToPlace);
    }
    if (!quiet_) {
        session_.err(fmt::format("Successfully copied {} to {}\n", size_text(bytes_), destination));
    }
}

}  // namespace gantry::cli
