#include <fmt/core.h>

#include <algorithm>
#include <ranges>
#include <string>

#include "base/text.h"
#include "cli/commands/handlers.h"
#include "cli/quote.h"
#include "cli/run/change_request.h"
#include "cli/session.h"
#include "cli/table/formatter.h"
#include "cli/table/row_values.h"
#include "cli/timestamp.h"
#include "spec/api/container.h"
#include "spec/json.h"

namespace gantry::cli {
namespace {

using spec::Value;

constexpr size_t kChangesWidth = 60;

constexpr std::array kColumns = {
    Column{"Revision", "REVISION"}, Column{"Created", "CREATED"}, Column{"CreatedAt", "CREATED AT"},
    Column{"Changes", "CHANGES"},   Column{"Current", "CURRENT"},
};

constexpr ListLayout kLayout = {"*revision", kColumns,
                                "table {{.Revision}}\t{{.Created}}\t{{.Current}}\t{{.Changes}}"};

Row revision_row(const spec::ContainerRevision& revision, bool shorten) {
    const std::string changes = join(revision.changes, "; ");
    const int64_t seconds =
        std::chrono::duration_cast<std::chrono::seconds>(revision.created.time_since_epoch())
            .count();
    Row row{Value(Value::Object())};
    const auto set = [&](std::string_view name, std::string_view text) {
        row.fields.set(name, Value(text));
    };
    set("Revision", std::to_string(revision.revision));
    set("Created", format_age(seconds));
    set("CreatedAt", format_rfc3339(revision.created));
    set("Changes", shorten ? ellipsis(changes, kChangesWidth) : changes);
    set("Current", revision.current ? "*" : "");
    return row;
}

Result<> print_revisions(Session& session, const ParsedArgs& args) {
    const FlagValues& flags = args.flags;
    GT_TRY_VAR(reply, session.api().call({.path = container_path(args.arguments[0], "revisions")}));
    GT_TRY_VAR(revisions, spec::parse_json<std::vector<spec::ContainerRevision>>(reply.body));
    std::vector<Row> rows;
    for (const spec::ContainerRevision& revision : std::views::reverse(revisions)) {
        rows.push_back(revision_row(revision, !flags.on("no-trunc")));
    }
    const std::string format = flags.on("quiet") ? "{{.Revision}}" : flags.text("format");
    GT_TRY_VAR(text, format_list(kLayout, format, std::move(rows)));
    session.out(text);
    return {};
}

Result<> roll_back(Session& session, const ParsedArgs& args) {
    ApiRequest request{.method = "POST", .path = container_path(args.arguments[0], "rollback")};
    if (args.arguments.size() > 1) {
        request.query.add("revision", args.arguments[1]);
    }
    if (args.flags.changed("apply")) {
        request.query.add("apply", args.flags.text("apply"));
    }
    GT_TRY_VAR(reply, session.api().call(request));
    GT_TRY_VAR(changed, spec::parse_json<spec::ContainerUpdateResponse>(reply.body));
    session.out(args.arguments[0] + "\n");
    for (const std::string& warning : changed.warnings) {
        session.err("WARNING: " + warning + "\n");
    }
    session.err(waiting_note(args.arguments[0], changed.outcome.value_or(spec::ChangeOutcome())));
    return {};
}

}  // namespace

int run_revisions(Session& session, const ParsedArgs& args) {
    const auto printed = print_revisions(session, args);
    return printed ? 0 : session.fail_with(printed.error());
}

int run_rollback(Session& session, const ParsedArgs& args) {
    const auto done = roll_back(session, args);
    return done ? 0 : session.fail_with(done.error());
}

}  // namespace gantry::cli
