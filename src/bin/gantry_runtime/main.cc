#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/text.h"
#include "bin/gantry_runtime/commands.h"
#include "spec/value.h"
#include "sys/files.h"

// gantry-runtime: an OCI runtime without a daemon. It makes the container and goes; the container's
// process is a child of the caller's.

namespace gantry::standalone {

namespace {

constexpr std::string_view kVersion = "0.1.0";

const std::vector<FlagRow> kGlobalFlags = {
    {"root", Takes::kValue, "directory of the containers' state (default: /run/gantry-runtime)"},
    {"log", Takes::kValue, "file to write the log to (default: stderr)"},
    {"log-format", Takes::kValue, "text or json"},
    {"debug", Takes::kNothing, "more messages"},
    {"systemd-cgroup", Takes::kNothing, "let systemd make the cgroups"},
    {"rootless", Takes::kValue, "auto; accepted for callers of runc"},
    {"version,v", Takes::kNothing, "print the version"},
    {"help,h", Takes::kNothing, "show help"},
};

struct Log {
    UniqueFd file;
    bool json = false;
    bool debug = false;
};

Log& the_log() {
    static Log log;
    return log;
}

void write_record(const char* level, const std::string& text) {
    const Log& log = the_log();
    const std::string time = format_rfc3339(wall_now());
    const std::string quoted = spec::Value(text).serialize();
    const std::string line =
        log.json
            ? fmt::format("{{\"level\":\"{}\",\"msg\":{},\"time\":\"{}\"}}\n", level, quoted, time)
            : fmt::format("time=\"{}\" level={} msg={}\n", time, level, quoted);
    (void)sys::write_all(log.file ? log.file.get() : STDERR_FILENO, line);
}

std::string default_root() {
    const char* runtime_dir = std::getenv("XDG_RUNTIME_DIR");
    if (geteuid() != 0 && runtime_dir != nullptr && runtime_dir[0] == '/') {
        return std::string(runtime_dir) + "/gantry-runtime";
    }
    return "/run/gantry-runtime";
}

Result<> open_log(const CommandLine& line) {
    const std::string format = line.get("log-format", "text");
    if (format != "text" && format != "json") {
        return fail(Kind::kInvalid, fmt::format("invalid log-format: {}", format));
    }
    the_log().json = format == "json";
    the_log().debug = line.has("debug");
    if (const std::string path = line.get("log"); !path.empty()) {
        GT_TRY_VAR(file,
                   sys::open_file(AT_FDCWD, path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644));
        the_log().file = std::move(file);
    }
    return {};
}

std::vector<Command> all_commands() {
    std::vector<Command> commands;
    add_start_commands(commands);
    add_exec_command(commands);
    add_lifecycle_commands(commands);
    add_listing_commands(commands);
    add_update_commands(commands);
    add_describe_commands(commands);
    std::ranges::sort(commands, {}, &Command::name);
    return commands;
}

std::string help(const std::vector<Command>& commands) {
    std::string text =
        "NAME:\n   gantry-runtime - Open Container Initiative runtime\n\n"
        "USAGE:\n   gantry-runtime [global options] command [command options] [arguments...]\n\n"
        "COMMANDS:\n";
    for (const Command& command : commands) {
        text += fmt::format("   {:12}{}\n", command.name, command.help);
    }
    return text + "\nGLOBAL OPTIONS:\n" + describe_flags(kGlobalFlags);
}

void print(const std::string& text) {
    (void)std::fwrite(text.data(), 1, text.size(), stdout);
}

/// Reports to the log and to who stands in front of it.
int report(const std::string& text, int code) {
    write_record("error", text);
    if (the_log().file) {
        (void)sys::write_all(STDERR_FILENO, text + "\n");
    }
    return code;
}

int run_command(const Command& command, const Globals& globals,
                std::span<const std::string> arguments) {
    std::vector<FlagRow> rows = command.flags;
    rows.push_back({"help,h", Takes::kNothing, "show help"});
    const auto line = CommandLine::parse(arguments, rows, command.order);
    if (!line) {
        return report(line.error().text(), command.failure_code);
    }
    if (line->has("help")) {
        print(fmt::format(
            "NAME:\n   gantry-runtime {} - {}\n\nUSAGE:\n   gantry-runtime {} [command "
            "options] {}\n\nOPTIONS:\n{}",
            command.name, command.help, command.name, command.usage, describe_flags(rows)));
        return 0;
    }
    log_debug(fmt::format("{} {}", command.name, join(line->operands(), " ")));
    const auto code = command.run(globals, *line);
    if (!code) {
        const bool starts =
            command.name == "create" || command.name == "run" || command.name == "exec";
        return report(
            starts ? fmt::format("gantry-runtime {} failed: {}", command.name, code.error().text())
                   : code.error().text(),
            command.failure_code);
    }
    return *code;
}

int run(std::span<const std::string> arguments) {
    const auto line = CommandLine::parse(arguments, kGlobalFlags, Flags::kFirst);
    if (!line) {
        return report(line.error().text(), 1);
    }
    if (const auto opened = open_log(*line); !opened) {
        return report(opened.error().text(), 1);
    }
    const std::vector<Command> commands = all_commands();
    if (line->has("version")) {
        print(fmt::format("gantry-runtime version {}\nspec: 1.2.0\n", kVersion));
        return 0;
    }
    const auto& operands = line->operands();
    if (line->has("help") || operands.empty() || operands[0] == "help") {
        print(help(commands));
        return 0;
    }
    const auto command = std::ranges::find(commands, std::string_view(operands[0]), &Command::name);
    if (command == commands.end()) {
        return report(fmt::format("No help topic for '{}'", operands[0]), 3);
    }
    Globals globals;
    globals.root = line->get("root", default_root());
    globals.systemd_cgroup = line->has("systemd-cgroup");
    globals.containers = Containers(globals.root);
    return run_command(*command, globals, std::span(operands).subspan(1));
}

}  // namespace

void log_debug(const std::string& text) {
    if (the_log().debug) {
        write_record("debug", text);
    }
}

void log_warning(const std::string& text) {
    write_record("warning", text);
}

}  // namespace gantry::standalone

// The bytes of gantry-stage; the build puts them here.
extern "C" const char gantry_stage_begin[];
extern "C" const char gantry_stage_end[];
__asm__(
    ".section .rodata\n"
    ".global gantry_stage_begin\n"
    ".global gantry_stage_end\n"
    "gantry_stage_begin:\n"
    ".incbin \"" GANTRY_STAGE_PATH
    "\"\n"
    "gantry_stage_end:\n"
    ".previous\n");

namespace gantry::standalone {

std::string_view stage_program() {
    return {gantry_stage_begin, static_cast<size_t>(gantry_stage_end - gantry_stage_begin)};
}

}  // namespace gantry::standalone

int main(int argc, char** argv) {
    (void)signal(SIGPIPE, SIG_IGN);
    const std::span<char*> words(argv, static_cast<size_t>(argc));
    const std::vector<std::string> arguments(words.begin() + (argc > 0 ? 1 : 0), words.end());
    const int code = gantry::standalone::run(arguments);
    (void)std::fflush(stdout);
    return code;
}
