#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/api_client.h"
#include "cli/config_file.h"
#include "cli/endpoint.h"

namespace gantry::cli {

/// What docker and gantry exit with where the container does not decide.
inline constexpr int kExitFailure = 1;
inline constexpr int kExitTemplate = 64;
inline constexpr int kExitClient = 125;

/// What the global flags and the environment say about one run of the program.
struct SessionOptions {
    /// How the program was called: "docker" or "gantry".
    std::string program = "gantry";
    Endpoint endpoint;
    /// DOCKER_API_VERSION; "" for the newest that both sides know.
    std::string api_version;
    /// Directory of config.json.
    std::string config_dir;
    bool debug = false;
};

/// One run of the program: the daemon, the user's settings, and the standard streams that commands
/// print to. One thread.
class Session {
public:
    explicit Session(SessionOptions options);

    const SessionOptions& options() const { return options_; }
    const std::string& program() const { return options_.program; }
    ApiClient& api() { return api_; }
    /// Read when first asked for; a broken file is a warning and gives defaults.
    const ConfigFile& config();

    /// Writes all of TEXT, as it is, to standard output or standard error.
    void out(std::string_view text);
    void err(std::string_view text);

    /// Prints the error on a line of its own; returns STATUS.
    int fail_with(const Error& error, int status = kExitFailure);
    /// "docker: ERROR", a blank line and the hint to --help, as run and create end.
    int fail_with_hint(std::string_view command, const Error& error, int status);

    /// The detach keys as bytes: KEYS, else those of config.json, else ctrl-p ctrl-q.
    Result<std::string> detach_keys(std::string_view keys);

private:
    SessionOptions options_;
    ApiClient api_;
    std::optional<ConfigFile> config_;
};

}  // namespace gantry::cli
