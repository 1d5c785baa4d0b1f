#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "engine/container/record.h"
#include "runtime/launcher.h"

namespace gantry::engine {

/// Options of a LogConfig by name.
using LogOptionMap = spec::StringMap;

/// The log file in a container's directory: the driver's own, or the cache from which `logs` reads
/// what went to journald or syslog.
struct LogFileOptions {
    runtime::LogOptions::Format format = runtime::LogOptions::Format::kNone;
    /// -1: no limit.
    int64_t max_size = -1;
    uint32_t max_files = 1;
    /// Rotated files are gzip'd, by the daemon.
    bool compress = false;
};

/// Where to read what a container has logged; no path: nowhere.
struct LogStore {
    std::string path;
    LogFileOptions file;
};

/// What drivers may know of a container.
struct LogSubject {
    const ContainerRecord& record;
    /// Without "/".
    std::string_view name;
};

/// The shim's part of a log, ready to launch with. PEER is the descriptor in OPTIONS.
struct OpenedLog {
    runtime::LogOptions options;
    UniqueFd peer;
};

/// One logging driver. A new one is a row of the table in log_driver.cc; what it sends somewhere
/// besides a file needs a peer that the shim knows (shim/plan.h, LogPeerKind).
struct LogDriver {
    std::string_view name;
    /// The options that it has besides those of every driver (mode, max-buffer-size, cache-*).
    std::vector<std::string_view> options;
    /// The values of its options make sense; kInvalid in Docker's words otherwise.
    Result<> (*check)(const LogOptionMap& options) = nullptr;
    /// The file that it writes; null when it sends records elsewhere and the file is a cache.
    Result<LogFileOptions> (*file)(const LogOptionMap& options) = nullptr;
    /// Connects to the peer and fills what the shim must know. Null: there is none.
    Result<> (*connect)(const LogSubject& subject, OpenedLog& log) = nullptr;
};

/// The names that `info` lists, sorted.
std::vector<std::string> log_driver_names();

/// Completes what a container says about its log with what the daemon says about all.
void merge_log_defaults(spec::LogConfig& log, const spec::LogConfig& defaults);

/// kInvalid for an unknown driver, an unknown option or a bad value, in Docker's words.
Result<> check_log_config(const spec::LogConfig& log);

/// LOG must be checked.
LogStore log_store(const spec::LogConfig& log, const std::string& container_dir,
                   const ContainerId& id);

/// For a launch: connects to the driver's peer, if it has one (blocks for seconds at most).
/// "failed to initialize logging driver: ..." otherwise.
Result<OpenedLog> open_log(const LogSubject& subject, const std::string& container_dir);

}  // namespace gantry::engine
