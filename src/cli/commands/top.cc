#include <fmt/core.h>

#include <span>
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/commands/handlers.h"
#include "cli/quote.h"
#include "cli/session.h"
#include "cli/table/tab_writer.h"
#include "spec/api/container.h"
#include "spec/json.h"
#include "spec/port.h"

namespace gantry::cli {
namespace {

Result<> print_processes(Session& session, const ParsedArgs& args) {
    ApiRequest request{.path = container_path(args.arguments[0], "top")};
    const std::span<const std::string> words = std::span(args.arguments).subspan(1);
    if (!words.empty()) {
        request.query.add("ps_args", join(words, " "));
    }
    GT_TRY_VAR(reply, session.api().call(request));
    GT_TRY_VAR(top, spec::parse_json<spec::TopResponse>(reply.body));
    std::string table = join(top.titles, "\t") + "\n";
    for (const std::vector<std::string>& process : top.processes) {
        table += join(process, "\t") + "\n";
    }
    session.out(align_tabs(table, {.least_width = 20, .padding = 3}));
    return {};
}

std::string address_of(const spec::PortBinding& binding) {
    const bool v6 = binding.host_ip.find(':') != std::string::npos;
    return fmt::format("{}{}{}:{}", v6 ? "[" : "", binding.host_ip, v6 ? "]" : "",
                       binding.host_port);
}

/// A decimal port, with Go's words about what is none.
Result<uint64_t> parse_port(std::string_view text) {
    const auto number = parse_uint(text);
    if (number && *number <= UINT16_MAX) {
        return *number;
    }
    const bool digits =
        !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
    return fail(Kind::kInvalid,
                fmt::format("Error: invalid port ({}): strconv.ParseUint: parsing {}: {}", text,
                            quote(text), digits ? "value out of range" : "invalid syntax"));
}

Result<std::string> ports_text(const spec::ContainerInspect& container, const ParsedArgs& args) {
    std::string text;
    if (args.arguments.size() == 1 || args.arguments[1].empty()) {
        for (const auto& [port, bindings] : container.network_settings.ports) {
            for (const spec::PortBinding& binding :
                 bindings.value_or(std::vector<spec::PortBinding>())) {
                text += fmt::format("{} -> {}\n", port, address_of(binding));
            }
        }
        return text;
    }
    const Cut parts = cut(args.arguments[1], '/');
    GT_TRY_VAR(number, parse_port(parts.before));
    const std::string key = fmt::format("{}/{}", number, parts.found ? parts.after : "tcp");
    const auto found = container.network_settings.ports.find(key);
    if (found == container.network_settings.ports.end() || !found->second ||
        found->second->empty()) {
        return fail(Kind::kNotFound, fmt::format("Error: No public port '{}' published for {}",
                                                 args.arguments[1], args.arguments[0]));
    }
    for (const spec::PortBinding& binding : *found->second) {
        text += address_of(binding) + "\n";
    }
    return text;
}

Result<> print_ports(Session& session, const ParsedArgs& args) {
    GT_TRY_VAR(reply, session.api().call({.path = container_path(args.arguments[0], "json")}));
    GT_TRY_VAR(container, spec::parse_json<spec::ContainerInspect>(reply.body));
    GT_TRY_VAR(text, ports_text(container, args));
    session.out(text);
    return {};
}

}  // namespace

int run_top(Session& session, const ParsedArgs& args) {
    const auto printed = print_processes(session, args);
    return printed ? 0 : session.fail_with(printed.error());
}

int run_port(Session& session, const ParsedArgs& args) {
    const auto printed = print_ports(session, args);
    return printed ? 0 : session.fail_with(printed.error());
}

}  // namespace gantry::cli
