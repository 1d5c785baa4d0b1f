#include "cli/program.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "cli/command.h"
#include "cli/flags/flag_types.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "cli/session.h"

namespace gantry::cli {
namespace {

constexpr auto kGlobalFlags = std::to_array<Flag>({
    {"config", 0, &flag_type::kString, "", "Directory of the client's config files"},
    {"context", 'c', &flag_type::kString, "", "Context to connect with; only \"default\" is known"},
    {"debug", 'D', &flag_type::kBool, "", "Print more about what goes wrong"},
    {"host", 'H', &flag_type::kList, "", "Socket of the daemon to connect to"},
    {"log-level", 'l', &flag_type::kString, "info",
     "How much to log (\"debug\", \"info\", \"warn\", \"error\", \"fatal\")"},
    {"tls", 0, &flag_type::kBool, "", "Use TLS"},
    {"tlscacert", 0, &flag_type::kString, "", "Trust only this CA's certificates"},
    {"tlscert", 0, &flag_type::kString, "", "Certificate to show to the daemon"},
    {"tlskey", 0, &flag_type::kString, "", "Key of the certificate"},
    {"tlsverify", 0, &flag_type::kBool, "", "Use TLS and check the daemon's certificate"},
    {"version", 'v', &flag_type::kBool, "", "Print the version and quit"},
});

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

void print_error(std::string_view text) {
    (void)std::fwrite(text.data(), 1, text.size(), stderr);
}

void print(std::string_view text) {
    (void)std::fwrite(text.data(), 1, text.size(), stdout);
}

/// An error of the command line: what is wrong, the usage, and where to read on.
int usage_failure(std::string_view error, std::string_view usage, std::string_view hint,
                  int status) {
    print_error(fmt::format("{}\n\nUsage:  {}\n\n{} for more information\n", error, usage, hint));
    return status;
}

Result<Endpoint> choose_endpoint(const FlagValues& flags) {
    if (flags.list("host").size() > 1) {
        return fail(Kind::kInvalid, "Specify only one -H");
    }
    std::string host = flags.text("host");
    if (const std::string context = flags.text("context"); !context.empty()) {
        if (!host.empty()) {
            return fail(Kind::kInvalid,
                        "conflicting options: cannot specify both --host and --context");
        }
        if (context != "default") {
            return fail(Kind::kNotFound, fmt::format("context \"{}\": context not found", context));
        }
    }
    for (const char* name : {"GANTRY_HOST", "DOCKER_HOST"}) {
        if (host.empty()) {
            host = environment(name);
        }
    }
    const bool wants_tls = flags.on("tls") || flags.on("tlsverify") ||
                           !environment("DOCKER_TLS_VERIFY").empty() ||
                           !environment("DOCKER_TLS").empty();
    GT_TRY_VAR(endpoint, parse_endpoint(host.empty() ? default_host() : host));
    if (wants_tls && endpoint.address.unix_path.empty()) {
        return fail(Kind::kNotImplemented, "TLS connections are not implemented in this client");
    }
    return std::move(endpoint);
}

std::string count_complaint(std::string_view name, ArgumentCount count) {
    const auto plural = [](int n) { return n == 1 ? "argument" : "arguments"; };
    if (count.most == 0) {
        return fmt::format("'{}' accepts no arguments", name);
    }
    if (count.most < 0) {
        return fmt::format("'{}' requires at least {} {}", name, count.least, plural(count.least));
    }
    if (count.least == count.most) {
        return fmt::format("'{}' requires {} {}", name, count.least, plural(count.least));
    }
    if (count.least == 0) {
        return fmt::format("'{}' requires at most {} {}", name, count.most, plural(count.most));
    }
    return fmt::format("'{}' requires at least {} and at most {} arguments", name, count.least,
                       count.most);
}

bool is_log_level(std::string_view level) {
    constexpr std::array<std::string_view, 7> kLevels = {"debug", "info",  "warn", "warning",
                                                         "error", "fatal", "panic"};
    return std::ranges::find(kLevels, level) != kLevels.end();
}

int run_command(const std::string& program, const ParsedArgs& global, const FoundCommand& found) {
    const std::string name = fmt::format("{} {}", program, found.spelling);
    const std::string usage = usage_line(program, found);
    const auto words = std::span(global.arguments).subspan(found.words);
    auto parsed = parse_args(found.command->flags, words, found.command->interspersed);
    if (!parsed) {
        return usage_failure(parsed.error().text(), usage, fmt::format("Run '{} --help'", name),
                             kExitClient);
    }
    for (const std::string& notice : parsed->notices) {
        print_error(notice + "\n");
    }
    if (parsed->help != ParsedArgs::Help::kNone) {
        if (parsed->help == ParsedArgs::Help::kShort) {
            print_error("Flag shorthand -h has been deprecated, use --help\n");
        }
        print(command_help(program, found, help_width()));
        return 0;
    }
    const ArgumentCount count = found.command->count;
    const int given = static_cast<int>(parsed->arguments.size());
    if (given < count.least || (count.most >= 0 && given > count.most)) {
        // COMPAT: docker says "See" where more would have done and "Run" elsewhere.
        return usage_failure(fmt::format("{}: {}", program, count_complaint(name, count)), usage,
                             fmt::format("{} '{} --help'", count.most < 0 ? "See" : "Run", name),
                             kExitFailure);
    }
    if (const std::string level = global.flags.text("log-level"); !is_log_level(level)) {
        print_error(fmt::format("unable to parse logging level: {}\n", level));
        return kExitFailure;
    }
    auto endpoint = choose_endpoint(global.flags);
    if (!endpoint) {
        print_error(endpoint.error().text() + "\n");
        return kExitFailure;
    }
    SessionOptions options;
    options.program = program;
    options.endpoint = std::move(*endpoint);
    options.api_version = environment("DOCKER_API_VERSION");
    options.config_dir =
        global.flags.changed("config") ? global.flags.text("config") : default_config_dir();
    options.debug = global.flags.on("debug");
    Session session(std::move(options));
    exit_on_interrupt();
    return found.command->run(session, *parsed);
}

int unknown_command(const std::string& program, std::span<const std::string> words) {
    const CommandGroup* group = find_group(words[0]);
    if (group == nullptr) {
        print_error(
            fmt::format("{0}: unknown command: {0} {1}\n\nRun '{0} --help' for more "
                        "information\n",
                        program, words[0]));
        return kExitFailure;
    }
    const bool help = words.size() < 2 || words[1] == "--help" || words[1] == "-h";
    if (help) {
        print(group_help(program, *group));
        return 0;
    }
    const std::string name = fmt::format("{} {}", program, group->name);
    if (words[1].starts_with('-')) {
        return usage_failure("unknown flag: " + words[1], name + " COMMAND",
                             fmt::format("Run '{} --help'", name), kExitClient);
    }
    return usage_failure(fmt::format("{0}: unknown command: {1} {2}", program, name, words[1]),
                         name, fmt::format("Run '{} --help'", name), kExitFailure);
}

int print_help_topic(const std::string& program, std::span<const std::string> words) {
    if (words.empty()) {
        print(program_help(program, kGlobalFlags, help_width()));
        return 0;
    }
    if (const FoundCommand found = find_command(words); found.command != nullptr) {
        print(command_help(program, found, help_width()));
        return 0;
    }
    if (const CommandGroup* group = find_group(words[0]); group != nullptr) {
        print(group_help(program, *group));
        return 0;
    }
    print_error(fmt::format("unknown help topic: {}\n", words[0]));
    return kExitFailure;
}

std::string program_name(const std::string& called_as) {
    return called_as.substr(called_as.rfind('/') + 1) == "docker" ? "docker" : "gantry";
}

}  // namespace

int run_program(std::span<const std::string> args) {
    const std::string program = args.empty() ? "gantry" : program_name(args[0]);
    const auto words = args.empty() ? args : args.subspan(1);
    auto global = parse_args(kGlobalFlags, words, Interspersed::kNo);
    if (!global) {
        return usage_failure(global.error().text(),
                             fmt::format("{} [OPTIONS] COMMAND [ARG...]", program),
                             fmt::format("Run '{} --help'", program), kExitClient);
    }
    if (global->flags.on("version")) {
        print(fmt::format("{}{} version {}\n", static_cast<char>(program[0] - 'a' + 'A'),
                          program.substr(1), kClientVersion));
        return 0;
    }
    if (global->help == ParsedArgs::Help::kShort) {
        print_error("Flag shorthand -h has been deprecated, use --help\n");
    }
    if (global->help != ParsedArgs::Help::kNone || global->arguments.empty()) {
        return print_help_topic(program, {});
    }
    if (global->arguments[0] == "help") {
        return print_help_topic(program, std::span(global->arguments).subspan(1));
    }
    const FoundCommand found = find_command(global->arguments);
    if (found.command == nullptr) {
        return unknown_command(program, global->arguments);
    }
    return run_command(program, *global, found);
}

}  // namespace gantry::cli
