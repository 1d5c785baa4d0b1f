#include <fmt/core.h>

#include "cli/commands/handlers.h"
#include "cli/filters_flag.h"
#include "cli/run/json_lines.h"
#include "cli/session.h"
#include "cli/template/exec.h"
#include "cli/template/parser.h"
#include "cli/timestamp.h"
#include "spec/api/system.h"
#include "spec/json.h"
#include "spec/value.h"

namespace gantry::cli {
namespace {

/// "2026-11-23T18:25:14.123456789Z container start ID (image=busybox, name=web)"
std::string event_line(const spec::EventMessage& event) {
    const int64_t nanos = event.time_nano != 0 ? event.time_nano : event.time * 1'000'000'000;
    std::string line = fmt::format("{} {} {} {}", format_local_rfc3339(nanos), event.type,
                                   event.action, event.actor.id);
    std::string attributes;
    for (const auto& [key, value] : event.actor.attributes) {
        attributes += fmt::format("{}{}={}", attributes.empty() ? "" : ", ", key, value);
    }
    return line + (attributes.empty() ? "" : " (" + attributes + ")") + "\n";
}

Result<std::string> format_event(std::string_view line, const std::optional<ast::Tree>& tree) {
    if (!tree) {
        GT_TRY_VAR(event, spec::parse_json<spec::EventMessage>(line));
        return event_line(event);
    }
    GT_TRY_VAR(event, spec::Value::parse(line));
    TemplateOptions options;
    options.fields = TemplateOptions::Fields::kGoNames;
    options.row_type = "*events.Message";
    // Left out since API 1.52; templates written for older daemons still find them.
    const spec::Value none("");
    options.absent = [&](const spec::Value&, std::string_view name) {
        return name == "Status" || name == "ID" || name == "From" ? &none : nullptr;
    };
    auto text = run_template(*tree, event, options);
    if (!text) {
        return fail(Kind::kInvalid, "Error parsing format: " + text.error().text());
    }
    return *text + "\n";
}

Result<> follow(Session& session, const FlagValues& flags, const std::optional<ast::Tree>& tree) {
    ApiRequest request{.path = "/events"};
    for (const std::string_view name : {"since", "until"}) {
        if (const std::string text = flags.text(name); !text.empty()) {
            GT_TRY_VAR(time, to_unix_timestamp(text));
            request.query.add(std::string(name), time);
        }
    }
    if (std::string filters = filters_parameter(flags.list("filter")); !filters.empty()) {
        request.query.add("filters", std::move(filters));
    }
    GT_TRY_VAR(stream, session.api().stream(request));
    const bool json = flags.text("format") == "json";
    return for_each_line(std::move(stream.connection), [&](std::string_view line) -> Result<> {
        if (json) {
            session.out(std::string(line) + "\n");
            return {};
        }
        GT_TRY_VAR(text, format_event(line, tree));
        session.out(text);
        return {};
    });
}

}  // namespace

int run_events(Session& session, const ParsedArgs& args) {
    const std::string format = args.flags.text("format");
    std::optional<ast::Tree> tree;
    if (!format.empty() && format != "json") {
        auto parsed = parse_template("", format);
        if (!parsed) {
            session.err("Error parsing format: " + parsed.error().text() + "\n");
            return kExitTemplate;
        }
        tree = std::move(*parsed);
    }
    auto followed = follow(session, args.flags, tree);
    return followed ? 0 : session.fail_with(followed.error());
}

}  // namespace gantry::cli
