#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "cli/commands/for_each.h"
#include "cli/commands/handlers.h"
#include "cli/filters_flag.h"
#include "cli/run/key_value.h"
#include "cli/session.h"
#include "cli/table/volume_rows.h"
#include "spec/api/system.h"
#include "spec/api/volume.h"
#include "spec/json.h"
#include "spec/units.h"

namespace gantry::cli {
namespace {

std::string volume_path(std::string_view name) {
    return fmt::format("/volumes/{}", io::percent_encode(name));
}

Result<> create(Session& session, const ParsedArgs& args) {
    std::string name = args.flags.text("name");
    if (!args.arguments.empty()) {
        if (!name.empty()) {
            return fail(Kind::kInvalid,
                        "conflicting options: cannot specify a volume-name through both --name "
                        "and as a positional arg");
        }
        name = args.arguments[0];
    }
    const spec::VolumeCreateRequest wanted{.name = std::move(name),
                                           .driver = args.flags.text("driver"),
                                           .driver_opts = to_map(args.flags.list("opt")),
                                           .labels = to_map(args.flags.list("label"))};
    GT_TRY_VAR(reply,
               session.api().call(
                   {.method = "POST", .path = "/volumes/create", .body = spec::to_json(wanted)}));
    GT_TRY_VAR(volume, spec::parse_json<spec::Volume>(reply.body));
    session.out(volume.name + "\n");
    return {};
}

Result<> list(Session& session, const FlagValues& flags) {
    ApiRequest request{.path = "/volumes"};
    if (std::string filters = filters_parameter(flags.list("filter")); !filters.empty()) {
        request.query.add("filters", std::move(filters));
    }
    GT_TRY_VAR(reply, session.api().call(request));
    GT_TRY_VAR(found, spec::parse_json<spec::VolumeList>(reply.body));
    std::ranges::sort(found.volumes, natural_less, &spec::Volume::name);
    std::string format = flags.changed("format") ? flags.text("format")
                         : flags.on("quiet")     ? ""
                                                 : session.config().volumes_format;
    if (flags.on("quiet") && (format.empty() || format.starts_with("table"))) {
        format = "{{.Name}}";
    }
    std::vector<Row> rows;
    for (const spec::Volume& volume : found.volumes) {
        rows.push_back(volume_row(volume));
    }
    GT_TRY_VAR(text, format_list(kVolumeLayout, format, std::move(rows)));
    session.out(text);
    return {};
}

/// Prints the question and reads a line; only "y" is a yes.
bool confirmed(Session& session, std::string_view question) {
    session.out(fmt::format("{} [y/N] ", question));
    std::string line;
    char c = 0;
    while (::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
        line += c;
    }
    return equals_ignoring_case(trim(line), "y");
}

/// SAFETY: dockerd does not know `dry-run` and would remove at once.
Result<> check_dry_run(Session& session) {
    GT_TRY_VAR(reply, session.api().call({.path = "/version"}));
    GT_TRY_VAR(version, spec::parse_json<spec::Version>(reply.body));
    return version.platform.name == "Gantry Engine"
               ? Result<>()
               : fail(Kind::kNotImplemented, "--dry-run: the daemon is not Gantry");
}

Result<> prune(Session& session, const FlagValues& flags) {
    std::vector<std::string> filters = flags.list("filter");
    if (flags.on("all")) {
        if (std::ranges::any_of(filters, [](const auto& f) { return f.starts_with("all="); })) {
            return fail(Kind::kInvalid,
                        "conflicting options: cannot specify both --all and --filter all=1");
        }
        filters.emplace_back("all=true");
    }
    const bool dry_run = flags.on("dry-run");
    const std::string_view warning =
        flags.on("all")
            ? "WARNING! This will remove all local volumes not used by at least one container."
            : "WARNING! This will remove anonymous local volumes not used by at least one "
              "container.";
    if (!flags.on("force") && !dry_run &&
        !confirmed(session, fmt::format("{}\nAre you sure you want to continue?", warning))) {
        return fail(Kind::kCancelled, "volume prune has been cancelled");
    }
    ApiRequest request{.method = "POST", .path = "/volumes/prune"};
    filters = with_prune_filters(std::move(filters), session.config().prune_filters);
    if (std::string parameter = filters_parameter(filters); !parameter.empty()) {
        request.query.add("filters", std::move(parameter));
    }
    if (dry_run) {
        GT_TRY(check_dry_run(session));
        request.query.add("dry-run", "1");
    }
    GT_TRY_VAR(reply, session.api().call(request));
    GT_TRY_VAR(report, spec::parse_json<spec::VolumesPruneReport>(reply.body));
    if (!report.volumes_deleted.empty()) {
        session.out(dry_run ? "Volumes to be removed:\n" : "Deleted Volumes:\n");
        for (const std::string& name : report.volumes_deleted) {
            session.out(name + "\n");
        }
        session.out("\n");
    }
    session.out(fmt::format("Total {} space: {}\n", dry_run ? "reclaimable" : "reclaimed",
                            spec::human_size(static_cast<double>(report.space_reclaimed))));
    return {};
}

int finish(Session& session, const Result<>& done) {
    return done ? 0 : session.fail_with(done.error());
}

}  // namespace

int run_volume_create(Session& session, const ParsedArgs& args) {
    return finish(session, create(session, args));
}

int run_volume_ls(Session& session, const ParsedArgs& args) {
    return finish(session, list(session, args.flags));
}

int run_volume_prune(Session& session, const ParsedArgs& args) {
    return finish(session, prune(session, args.flags));
}

int run_volume_rename(Session& session, const ParsedArgs& args) {
    ApiRequest request{.method = "POST", .path = volume_path(args.arguments[0]) + "/rename"};
    request.query.add("name", args.arguments[1]);
    const auto reply = session.api().call(request);
    return reply ? 0 : session.fail_with(reply.error());
}

int run_volume_rm(Session& session, const ParsedArgs& args) {
    return for_each_in_turn(session, args.arguments,
                            [&](const std::string& name) -> Result<std::string> {
                                ApiRequest request{.method = "DELETE", .path = volume_path(name)};
                                if (args.flags.on("force")) {
                                    request.query.add("force", "1");
                                }
                                GT_TRY(session.api().call(request));
                                return name + "\n";
                            });
}

}  // namespace gantry::cli
