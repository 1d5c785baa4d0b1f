#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "bin/gantry_runtime/commands.h"
#include "runtime/stage_process.h"

namespace gantry::standalone {

struct LaunchRequest {
    std::string id;
    /// Absolute.
    std::string bundle;
    std::string console_socket;
    std::string pid_file;
    int preserved = 0;
    bool pivot_root = true;
    bool new_keyring = true;
    /// START comes from another call, through the FIFO.
    bool detached_start = false;
};

struct Launched {
    Record record;
    runtime::StageProcess process;
    /// Of a terminal that no console socket took.
    UniqueFd terminal;
};

/// Makes a container: everything up to where START is waited for. On failure nothing of it remains.
Result<Launched> launch(const Globals& globals, const LaunchRequest& request);

/// Goes through what the stage tells until WANTED; does the parent's part at each: hooks, console
/// socket, seccomp listener.
Result<> follow_stage(runtime::StageProcess& process, runtime::StageProcess::Stage wanted,
                      const Record& record, const std::string& console_socket, UniqueFd& terminal);

}  // namespace gantry::standalone
