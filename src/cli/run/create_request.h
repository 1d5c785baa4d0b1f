#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/flags/parser.h"
#include "spec/api/container.h"

namespace gantry::cli {

/// The body of POST /containers/create for the flags and arguments of run and create (their tables
/// are in commands/run_flags.h). Reads the files that flags name: --env-file, --label-file and
/// seccomp profiles. Errors are what docker prints behind "docker: ".
Result<spec::ContainerCreateRequest> build_create_request(const ParsedArgs& args);

/// The parts, for which the whole is put together; each fills its share of REQUEST.
Result<> fill_process(const ParsedArgs& args, spec::ContainerConfig& config);
Result<> fill_health(const FlagValues& flags, spec::ContainerConfig& config);
/// The limits that create and update have in common.
void fill_limits(const FlagValues& flags, spec::Resources& resources);
Result<> fill_resources(const FlagValues& flags, spec::Resources& resources);
Result<> fill_mounts(const FlagValues& flags, spec::ContainerCreateRequest& request);
Result<> fill_networks(const FlagValues& flags, spec::ContainerCreateRequest& request);
Result<> fill_security(const FlagValues& flags, spec::HostConfig& host);
Result<> fill_host(const FlagValues& flags, spec::HostConfig& host);

/// The value of --mount, a relative source seen from our working directory.
Result<spec::Mount> parse_mount_flag(std::string_view text);
/// The value of -v with a source, the same.
std::string parse_volume_flag(std::string_view text);

/// The value of --restart: "on-failure:3".
Result<spec::RestartPolicy> parse_restart_policy(std::string_view text);

}  // namespace gantry::cli
