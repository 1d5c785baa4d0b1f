#include "api/container_input.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "api/query_values.h"
#include "base/text.h"

namespace gantry::api {
namespace {

/// Values beyond an int mean "very long" or "very many" and are cut to it.
int clamp_int(int64_t value) {
    return static_cast<int>(std::clamp<int64_t>(value, std::numeric_limits<int>::min(),
                                                std::numeric_limits<int>::max()));
}

void clear_mount_options(spec::HostConfig& host, ApiVersion version) {
    for (spec::Mount& mount : host.mounts) {
        if (mount.bind_options && version < ApiVersion{1, 42}) {
            mount.bind_options->create_mountpoint = false;
        }
        if (mount.type == "bind" && mount.read_only && version < ApiVersion{1, 44}) {
            // COMPAT: read-only meant the topmost mount alone then.
            if (!mount.bind_options) {
                mount.bind_options.emplace();
            }
            mount.bind_options->read_only_non_recursive = true;
            mount.bind_options->read_only_force_recursive = false;
        } else if (mount.bind_options && version < ApiVersion{1, 44}) {
            mount.bind_options->read_only_non_recursive = false;
            mount.bind_options->read_only_force_recursive = false;
        }
        if (mount.volume_options && version < ApiVersion{1, 45}) {
            mount.volume_options->subpath.clear();
        }
    }
}

}  // namespace

Result<engine::ListOptions> decode_list(const io::Query& query) {
    engine::ListOptions options;
    options.all = bool_value(query, "all");
    GT_TRY_VAR(limit, int_value(query, "limit"));
    options.limit = clamp_int(limit.value_or(0));
    options.size = bool_value(query, "size") ? engine::SizeInfo::kCompute : engine::SizeInfo::kSkip;
    return options;
}

Result<engine::StopOptions> decode_stop(const io::Query& query, ApiVersion version) {
    engine::StopOptions options;
    if (version >= ApiVersion{1, 42}) {
        options.signal = query.get("signal");
    }
    GT_TRY_VAR(timeout, int_value(query, "t"));
    if (timeout) {
        options.timeout = clamp_int(*timeout);
    }
    return options;
}

engine::RemoveOptions decode_remove(const io::Query& query) {
    engine::RemoveOptions options;
    options.force = bool_value(query, "force");
    options.volumes = bool_value(query, "v");
    options.link = bool_value(query, "link");
    return options;
}

engine::AttachRequest decode_attach(const io::Query& query) {
    engine::AttachRequest request;
    request.logs = bool_value(query, "logs");
    request.stream = bool_value(query, "stream");
    request.standard_input = bool_value(query, "stdin");
    request.standard_output = bool_value(query, "stdout");
    request.standard_error = bool_value(query, "stderr");
    request.detach_keys = query.get("detachKeys");
    return request;
}

engine::AttachRequest decode_attach_ws(const io::Query& query, ApiVersion version) {
    engine::AttachRequest request = decode_attach(query);
    if (version < ApiVersion{1, 42}) {
        // COMPAT: they were not asked for then.
        request.standard_input = request.standard_output = request.standard_error = true;
    }
    request.web_socket =
        version < ApiVersion{1, 28} ? engine::WebSocket::kText : engine::WebSocket::kBinary;
    return request;
}

Result<engine::LogQuery> decode_logs(const io::Query& query) {
    engine::LogQuery logs;
    logs.standard_output = bool_value(query, "stdout");
    logs.standard_error = bool_value(query, "stderr");
    logs.follow = bool_value(query, "follow");
    logs.timestamps = bool_value(query, "timestamps");
    logs.details = bool_value(query, "details");
    GT_TRY_VAR(since, time_value(query, "since"));
    logs.since = since;
    GT_TRY_VAR(until, time_value(query, "until"));
    logs.until = until;
    // COMPAT: "all", negative numbers and anything that is no number mean all.
    logs.tail = parse_uint(query.get("tail"));
    return logs;
}

engine::PruneMode prune_mode(const io::Query& query) {
    return bool_value(query, "dry-run") ? engine::PruneMode::kDryRun : engine::PruneMode::kRemove;
}

Result<engine::Apply> decode_apply(std::string_view text) {
    if (text.empty()) {
        return engine::Apply::kWhatIsLive;
    }
    if (text == "restart") {
        return engine::Apply::kRestart;
    }
    return fail(Kind::kInvalid, fmt::format("invalid apply \"{}\": use \"restart\" or nothing",
                                            text.substr(0, 64)));
}

Result<> adjust_create(spec::ContainerCreateRequest& request, ApiVersion version) {
    if (request.networking_config && version < ApiVersion{1, 44} &&
        request.networking_config->endpoints_config.size() > 1) {
        return fail(Kind::kInvalid, "container cannot be created with multiple network endpoints");
    }
    if (request.config.healthcheck && version < ApiVersion{1, 44}) {
        request.config.healthcheck->start_interval = 0;
    }
    if (!request.host_config) {
        return {};
    }
    spec::HostConfig& host = *request.host_config;
    if (host.resources.pids_limit.value_or(0) <= 0) {
        host.resources.pids_limit.reset();  // COMPAT: 0 and below are "unlimited", like nothing
    }
    if (host.cgroupns_mode.empty() && version < ApiVersion{1, 41}) {
        host.cgroupns_mode = "host";
    }
    if (version < ApiVersion{1, 42}) {
        host.console_size = {};
    }
    if (version < ApiVersion{1, 43}) {
        host.annotations.clear();
    }
    clear_mount_options(host, version);
    return {};
}

void adjust_update(spec::ContainerUpdateRequest& request, ApiVersion version) {
    std::optional<int64_t>& pids = request.resources.pids_limit;
    if (version < ApiVersion{1, 40}) {
        pids.reset();
    } else if (pids && *pids <= 0) {
        pids = 0;
    }
}

}  // namespace gantry::api
