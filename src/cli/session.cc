#include "cli/session.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

#include "spec/detach_keys.h"

namespace gantry::cli {
namespace {

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            // Nobody listens any more: there is nobody to tell.
            return;
        }
        text.remove_prefix(static_cast<size_t>(written));
    }
}

}  // namespace

Session::Session(SessionOptions options)
    : options_(std::move(options)), api_(options_.endpoint, options_.api_version) {}

const ConfigFile& Session::config() {
    if (!config_) {
        auto loaded = load_config_file(options_.config_dir);
        if (!loaded) {
            err(fmt::format("WARNING: Error loading config file: {}\n", loaded.error().text()));
        }
        config_ = loaded ? std::move(*loaded) : ConfigFile();
    }
    return *config_;
}

void Session::out(std::string_view text) {
    write_all(STDOUT_FILENO, text);
}

void Session::err(std::string_view text) {
    write_all(STDERR_FILENO, text);
}

int Session::fail_with(const Error& error, int status) {
    err(error.text() + "\n");
    return status;
}

int Session::fail_with_hint(std::string_view command, const Error& error, int status) {
    err(fmt::format("{0}: {1}\n\nRun '{0} {2} --help' for more information\n", program(),
                    error.text(), command));
    return status;
}

Result<std::string> Session::detach_keys(std::string_view keys) {
    return spec::parse_detach_keys(keys.empty() ? config().detach_keys : keys);
}

}  // namespace gantry::cli
