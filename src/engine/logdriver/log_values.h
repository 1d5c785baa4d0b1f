#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "engine/logdriver/log_driver.h"

namespace gantry::engine {

/// The value of option NAME, or null.
const std::string* find_option(const LogOptionMap& options, std::string_view name);

/// Go's strconv.ParseBool.
Result<bool> parse_go_bool(std::string_view text);

/// The file of json-file: without any option 5 files of 20 MB, compressed (Docker has no bound at
/// all there; `max-size=-1` asks for that).
Result<LogFileOptions> json_file_options(const LogOptionMap& options);
/// The file of `local`, or with PREFIX "cache-" the cache of drivers that cannot be read.
Result<LogFileOptions> local_file_options(const LogOptionMap& options, std::string_view prefix);

/// labels, labels-regex, env, env-regex: the attributes that a container gives to its records.
/// kInvalid for a bad expression.
Result<spec::StringMap> log_attributes(const LogSubject& subject);
/// Only the options' own correctness.
Result<> check_attribute_options(const LogOptionMap& options);

/// The tag by option `tag`, a template of Go's with the container's fields: {{.ID}}, {{.FullID}},
/// {{.Name}}, {{.ImageID}}, {{.ImageFullID}}, {{.ImageName}}, {{.Command}}, {{.DaemonName}},
/// {{.Hostname}}. Without the option FALLBACK, a template, is used.
Result<std::string> log_tag(const LogSubject& subject, std::string_view fallback);

// The drivers' own functions.
Result<> check_syslog(const LogOptionMap& options);
Result<> connect_syslog(const LogSubject& subject, OpenedLog& log);
Result<> check_journald(const LogOptionMap& options);
Result<> connect_journald(const LogSubject& subject, OpenedLog& log);

}  // namespace gantry::engine
