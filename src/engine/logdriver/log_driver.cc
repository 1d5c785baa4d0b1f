#include "engine/logdriver/log_driver.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "engine/logdriver/log_values.h"
#include "spec/units.h"
#include "spec/value.h"

namespace gantry::engine {

namespace {

constexpr size_t kMaxAttributes = 32768;
constexpr int64_t kDefaultBuffer = 1'000'000;
constexpr int64_t kMaxBuffer = int64_t{1} << 30;

/// Options of every driver.
constexpr std::array<std::string_view, 6> kCommonOptions = {"mode",           "max-buffer-size",
                                                            "cache-disabled", "cache-max-size",
                                                            "cache-max-file", "cache-compress"};

Result<> check_json_file(const LogOptionMap& options) {
    GT_TRY(check_attribute_options(options));
    GT_TRY(json_file_options(options));
    return {};
}

Result<LogFileOptions> local_file(const LogOptionMap& options) {
    return local_file_options(options, "");
}

Result<> check_local(const LogOptionMap& options) {
    GT_TRY(local_file(options));
    return {};
}

Result<LogFileOptions> no_file(const LogOptionMap&) {
    return LogFileOptions{};
}

const std::vector<LogDriver>& drivers() {
    static const std::vector<LogDriver> kDrivers = {
        {.name = "journald",
         .options = {"labels", "labels-regex", "env", "env-regex", "tag"},
         .check = check_journald,
         .connect = connect_journald},
        {.name = "json-file",
         .options = {"max-file", "max-size", "compress", "labels", "labels-regex", "env",
                     "env-regex", "tag"},
         .check = check_json_file,
         .file = json_file_options},
        {.name = "local",
         .options = {"max-file", "max-size", "compress"},
         .check = check_local,
         .file = local_file},
        {.name = "none", .file = no_file},
        {.name = "syslog",
         .options = {"env", "env-regex", "labels", "labels-regex", "syslog-address",
                     "syslog-facility", "syslog-tls-ca-cert", "syslog-tls-cert", "syslog-tls-key",
                     "syslog-tls-skip-verify", "tag", "syslog-format"},
         .check = check_syslog,
         .connect = connect_syslog},
    };
    return kDrivers;
}

const LogDriver* find_driver(std::string_view name) {
    const auto found = std::ranges::find(drivers(), name, &LogDriver::name);
    return found == drivers().end() ? nullptr : &*found;
}

/// As Docker calls it in errors.
std::string text_name(const LogDriver& driver) {
    return driver.name == "local" ? "log driver local" : fmt::format("{} log driver", driver.name);
}

Result<bool> cache_is_on(const LogOptionMap& options) {
    const std::string* const disabled = find_option(options, "cache-disabled");
    if (disabled == nullptr || disabled->empty()) {
        return true;
    }
    const auto off = parse_go_bool(*disabled);
    if (!off) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid value for option cache-disabled: {}", *disabled));
    }
    return !*off;
}

/// 0: the container waits for a slow peer.
Result<int64_t> buffer_size(const LogOptionMap& options) {
    const std::string* const mode = find_option(options, "mode");
    const bool waits = mode == nullptr || mode->empty() || *mode == "blocking";
    if (!waits && *mode != "non-blocking") {
        return fail(Kind::kInvalid, fmt::format("logger: logging mode not supported: {}", *mode));
    }
    const std::string* const size = find_option(options, "max-buffer-size");
    if (size == nullptr) {
        return waits ? 0 : kDefaultBuffer;
    }
    if (waits) {
        return fail(Kind::kInvalid,
                    "logger: max-buffer-size option is only supported with 'mode=non-blocking'");
    }
    const auto bytes = spec::parse_ram(*size);
    if (!bytes || *bytes <= 0 || *bytes > kMaxBuffer) {
        return fail(Kind::kInvalid,
                    fmt::format("error parsing option max-buffer-size: invalid size: '{}'", *size));
    }
    return *bytes;
}

/// The file that DRIVER leaves in the container's directory.
Result<LogFileOptions> file_of(const LogDriver& driver, const LogOptionMap& options) {
    if (driver.file != nullptr) {
        return driver.file(options);
    }
    GT_TRY_VAR(cached, cache_is_on(options));
    return cached ? local_file_options(options, "cache-") : LogFileOptions{};
}

LogStore store_in(const LogDriver& driver, LogFileOptions file, const std::string& container_dir,
                  const ContainerId& id) {
    using Format = runtime::LogOptions::Format;
    if (file.format == Format::kNone) {
        return {};
    }
    // COMPAT: programs that collect logs know json-file's path.
    const std::string name = file.format == Format::kJsonFile ? id.str() + "-json.log"
                             : driver.file == nullptr         ? "container-cached.log"
                                                              : "container.log";
    return {container_dir + "/" + name, file};
}

/// json-file's "attrs": the attributes, and the tag if there is one.
Result<std::string> json_attributes(const LogSubject& subject) {
    GT_TRY_VAR(attributes, log_attributes(subject));
    GT_TRY_VAR(tag, log_tag(subject, ""));
    if (!tag.empty()) {
        attributes["tag"] = tag;
    }
    if (attributes.empty()) {
        return std::string();
    }
    spec::Value object{spec::Value::Object()};
    for (const auto& [name, value] : attributes) {
        object.set(name, spec::Value(value));
    }
    std::string text = object.serialize();
    if (text.size() > kMaxAttributes) {
        return fail(Kind::kInvalid, "the attributes of the log have more than 32 KiB");
    }
    return text;
}

Result<OpenedLog> open_driver(const LogDriver& driver, const LogSubject& subject,
                              const std::string& container_dir) {
    const LogOptionMap& options = subject.record.host.log_config.config;
    GT_TRY_VAR(file, file_of(driver, options));
    const LogStore store = store_in(driver, file, container_dir, subject.record.id);
    OpenedLog log;
    log.options.format = file.format;
    log.options.path = store.path;
    log.options.max_size = file.max_size;
    log.options.max_files = file.max_files;
    if (file.format == runtime::LogOptions::Format::kJsonFile) {
        GT_TRY_VAR(attributes, json_attributes(subject));
        log.options.attrs = attributes;
    }
    if (driver.connect != nullptr) {
        GT_TRY_VAR(buffer, buffer_size(options));
        log.options.peer_buffer = static_cast<uint32_t>(buffer);
        GT_TRY(driver.connect(subject, log));
        log.options.peer_fd = log.peer.get();
    }
    return log;
}

}  // namespace

std::vector<std::string> log_driver_names() {
    std::vector<std::string> names;
    for (const LogDriver& driver : drivers()) {
        if (driver.name != "none") {
            names.emplace_back(driver.name);
        }
    }
    return names;
}

void merge_log_defaults(spec::LogConfig& log, const spec::LogConfig& defaults) {
    const std::string& type = defaults.type.empty() ? "json-file" : defaults.type;
    if (log.type.empty()) {
        log.type = type;
    }
    for (const auto& [name, value] : defaults.config) {
        // COMPAT: options of the default driver are for containers that use it; those of the cache
        // for all.
        if (log.type == type || (name.starts_with("cache-") && log.type != "none")) {
            log.config.emplace(name, value);
        }
    }
}

Result<> check_log_config(const spec::LogConfig& log) {
    const LogDriver* const driver = find_driver(log.type.empty() ? "json-file" : log.type);
    if (driver == nullptr) {
        return fail(Kind::kInvalid, fmt::format("logger: no log driver named '{}' is registered",
                                                log.type.substr(0, 64)));
    }
    if (driver->name == "none") {
        // COMPAT: options of any driver may stand beside it; there is nothing that they could
        // concern.
        return {};
    }
    for (const auto& [name, value] : log.config) {
        const bool known = std::ranges::find(driver->options, name) != driver->options.end() ||
                           std::ranges::find(kCommonOptions, name) != kCommonOptions.end();
        if (!known) {
            return fail(Kind::kInvalid, fmt::format("unknown log opt '{}' for {}",
                                                    name.substr(0, 64), text_name(*driver)));
        }
        if (value.find('\0') != std::string::npos) {
            return fail(Kind::kInvalid,
                        fmt::format("invalid value for log opt '{}': it holds a NUL byte", name));
        }
    }
    GT_TRY(buffer_size(log.config));
    GT_TRY(cache_is_on(log.config));
    GT_TRY(local_file_options(log.config, "cache-"));
    return driver->check == nullptr ? Result<>() : driver->check(log.config);
}

LogStore log_store(const spec::LogConfig& log, const std::string& container_dir,
                   const ContainerId& id) {
    const LogDriver* const driver = find_driver(log.type);
    const auto file = driver == nullptr ? LogFileOptions() : file_of(*driver, log.config);
    return file ? store_in(*driver, *file, container_dir, id) : LogStore();
}

Result<OpenedLog> open_log(const LogSubject& subject, const std::string& container_dir) {
    const std::string& type = subject.record.host.log_config.type;
    const LogDriver* const driver = find_driver(type);
    auto log = driver == nullptr
                   ? Result<OpenedLog>(
                         fail(Kind::kInvalid,
                              fmt::format("logger: no log driver named '{}' is registered", type)))
                   : open_driver(*driver, subject, container_dir);
    if (!log) {
        return Failure(std::move(log).error().in("failed to initialize logging driver"));
    }
    return log;
}

}  // namespace gantry::engine
