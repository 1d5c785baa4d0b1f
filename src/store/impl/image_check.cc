#include "store/impl/image_check.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "spec/port.h"
#include "spec/signal.h"

namespace gantry::store {
namespace {

constexpr size_t kMaxEnvBytes = size_t{1} << 20;
constexpr size_t kMaxLabelBytes = size_t{1} << 20;
constexpr size_t kMaxArgBytes = size_t{1} << 20;
constexpr size_t kMaxPorts = 1024;
constexpr size_t kMaxVolumes = 1024;
constexpr size_t kMaxUserBytes = 256;
constexpr size_t kMaxPathBytes = 4096;
constexpr int64_t kMaxId = 2147483647;
constexpr int64_t kShortestCheck = 1'000'000;  // 1 ms: Docker's minimum for a health check

Failure refuse(std::string_view what) {
    return fail(Kind::kInvalid, fmt::format("invalid image config: {}", what));
}

bool has_nul(std::string_view text) {
    return text.find('\0') != text.npos;
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// One side of "user:group". A number is an id and never looked up as a name, so it must be one.
Result<> check_id(std::string_view text) {
    const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) {
        return {};
    }
    const auto id = parse_int(text);
    if (!id || *id < 0 || *id > kMaxId) {
        return refuse(fmt::format("user {:?}: uids and gids must be in range 0-{}", text, kMaxId));
    }
    return {};
}

Result<> check_user(const std::string& user) {
    if (user.size() > kMaxUserBytes || has_control(user)) {
        return refuse("unusable user name");
    }
    const Cut parts = cut(user, ':');
    GT_TRY(check_id(parts.before));
    return check_id(parts.after);
}

Result<> check_env(std::vector<std::string>& env) {
    size_t bytes = 0;
    for (const std::string& variable : env) {
        bytes += variable.size();
        if (has_nul(variable) || variable.starts_with('=')) {
            return refuse(
                fmt::format("invalid environment variable: {:?}", variable.substr(0, 64)));
        }
    }
    if (bytes > kMaxEnvBytes) {
        return refuse(fmt::format("environment larger than {} bytes", kMaxEnvBytes));
    }
    std::erase_if(env, [](const std::string& v) { return v.find('=') == v.npos; });
    return {};
}

Result<> check_arguments(const std::vector<std::string>& arguments) {
    size_t bytes = 0;
    for (const std::string& argument : arguments) {
        bytes += argument.size() + sizeof(char*);
        if (has_nul(argument)) {
            return refuse("NUL byte in an argument");
        }
    }
    if (bytes > kMaxArgBytes) {
        return refuse(fmt::format("arguments larger than {} bytes", kMaxArgBytes));
    }
    return {};
}

void clean_ports(spec::StringSet& ports) {
    spec::StringSet clean;
    for (const std::string& text : ports) {
        const auto range = spec::parse_expose(text);
        if (!range || clean.size() + range->size() > kMaxPorts) {
            continue;
        }
        for (const spec::Port& port : *range) {
            if (port.number != 0) {
                clean.insert(port.str());
            }
        }
    }
    ports = std::move(clean);
}

Result<> check_volumes(const spec::StringSet& volumes) {
    if (volumes.size() > kMaxVolumes) {
        return refuse(fmt::format("more than {} volumes", kMaxVolumes));
    }
    for (const std::string& path : volumes) {
        bool names_something = false;
        bool escapes = !path.starts_with('/') || path.size() > kMaxPathBytes || has_nul(path);
        for (const std::string_view part : split(path, '/')) {
            escapes = escapes || part == "..";
            names_something = names_something || (!part.empty() && part != ".");
        }
        if (escapes || !names_something) {
            return refuse(fmt::format("invalid volume: {:?}", path.substr(0, 64)));
        }
    }
    return {};
}

Result<> check_labels(const spec::StringMap& labels) {
    size_t bytes = 0;
    for (const auto& [key, value] : labels) {
        bytes += key.size() + value.size();
    }
    if (bytes > kMaxLabelBytes) {
        return refuse(fmt::format("labels larger than {} bytes", kMaxLabelBytes));
    }
    return {};
}

bool is_bad_interval(int64_t nanoseconds) {
    return nanoseconds < 0 || (nanoseconds > 0 && nanoseconds < kShortestCheck);
}

void clean_health_check(std::optional<spec::HealthConfig>& check) {
    if (check && (is_bad_interval(check->interval) || is_bad_interval(check->timeout) ||
                  is_bad_interval(check->start_period) || is_bad_interval(check->start_interval) ||
                  check->retries < 0)) {
        check.reset();
    }
}

}  // namespace

Result<> check_image_config(spec::oci::ImageConfig& image) {
    if (!image.os.empty() && image.os != "linux") {
        return fail(
            Kind::kInvalid,
            fmt::format("image operating system {:?} cannot be used on this platform", image.os));
    }
    spec::ContainerConfig& config = image.config;
    GT_TRY(check_user(config.user));
    GT_TRY(check_env(config.env));
    GT_TRY(check_arguments(config.cmd));
    if (config.entrypoint) {
        GT_TRY(check_arguments(*config.entrypoint));
    }
    if (config.healthcheck) {
        GT_TRY(check_arguments(config.healthcheck->test));
    }
    GT_TRY(check_arguments(config.shell));
    GT_TRY(check_volumes(config.volumes));
    GT_TRY(check_labels(config.labels));
    if (has_nul(config.working_dir) || config.working_dir.size() > kMaxPathBytes) {
        return refuse("unusable working directory");
    }
    clean_ports(config.exposed_ports);
    clean_health_check(config.healthcheck);
    if (!config.stop_signal.empty() && !spec::parse_signal(config.stop_signal)) {
        config.stop_signal.clear();
    }
    if (config.stop_timeout && *config.stop_timeout < -1) {
        config.stop_timeout.reset();
    }
    return {};
}

}  // namespace gantry::store
