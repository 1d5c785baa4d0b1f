#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "bin/gantry_runtime/command_line.h"
#include "bin/gantry_runtime/record.h"

namespace gantry::standalone {

/// What stands before the command.
struct Globals {
    std::string root;
    bool systemd_cgroup = false;
    Containers containers{""};
};

/// One command: its name, flags and function, which returns the exit code of the program.
struct Command {
    std::string_view name;
    std::string_view usage;
    std::string_view help;
    std::vector<FlagRow> flags;
    Flags order = Flags::kAnywhere;
    Result<int> (*run)(const Globals& globals, const CommandLine& line);
    /// Of the program when it fails.
    int failure_code = 1;
};

// By subject: start.cc, exec.cc, lifecycle.cc, listing.cc, update.cc, describe.cc.
void add_start_commands(std::vector<Command>& commands);
void add_exec_command(std::vector<Command>& commands);
void add_lifecycle_commands(std::vector<Command>& commands);
void add_listing_commands(std::vector<Command>& commands);
void add_update_commands(std::vector<Command>& commands);
void add_describe_commands(std::vector<Command>& commands);

/// The one operand that is a container's id.
Result<std::string> container_operand(const CommandLine& line, std::string_view command);
/// Writes PID to the file of --pid-file, whole or not at all.
Result<> write_pid_file(const std::string& path, pid_t pid);
/// --preserve-fds; at most as many descriptors as a process can have.
Result<int> preserved_fds(const CommandLine& line);
/// The program gantry-stage, which this one carries.
std::string_view stage_program();
/// Removes all that is left of a container that has stopped: processes in its cgroup, the cgroup,
/// its record; runs its poststop hooks, whose failures are only logged.
Result<> destroy(const Globals& globals, const Record& record);
/// A line of the log (main.cc); of log_debug only with --debug.
void log_debug(const std::string& text);
void log_warning(const std::string& text);

}  // namespace gantry::standalone
