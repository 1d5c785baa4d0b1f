#include <algorithm>

#include "cli/commands/handlers.h"
#include "cli/filters_flag.h"
#include "cli/platform_parameter.h"
#include "cli/session.h"
#include "cli/table/container_rows.h"
#include "cli/table/image_rows.h"
#include "cli/template/parser.h"
#include "spec/api/container.h"
#include "spec/api/image.h"
#include "spec/json.h"

namespace gantry::cli {
namespace {

Truncate truncation(const FlagValues& flags) {
    return flags.on("no-trunc") ? Truncate::kNo : Truncate::kYes;
}

void add_filters(std::span<const std::string> pairs, ApiRequest& request) {
    if (std::string filters = filters_parameter(pairs); !filters.empty()) {
        request.query.add("filters", std::move(filters));
    }
}

/// The template to print with: --format, else the user's own (unless -q). -q makes ids of a table,
/// but leaves another template alone.
std::string chosen_format(const FlagValues& flags, const std::string& configured) {
    std::string format = flags.changed("format") ? flags.text("format")
                         : flags.on("quiet")     ? ""
                                                 : configured;
    const bool is_table = format.empty() || format.starts_with("table");
    return flags.on("quiet") && is_table ? "{{.ID}}" : format;
}

/// COMPAT: docker ps tries the template on an empty container before it asks the daemon, and words
/// errors in its own way.
Result<> check_container_format(const std::string& format) {
    const bool is_table = format.empty() || format.starts_with("table") || format == "json";
    if (is_table) {
        return {};
    }
    if (auto tree = parse_template("", format); !tree) {
        return fail(Kind::kInvalid, "failed to parse template: " + tree.error().text());
    }
    auto text = format_list(kContainerLayout, format, {container_row({}, Truncate::kYes)});
    if (!text) {
        std::string why = text.error().text();
        why.replace(0, kTemplateError.size(), "failed to execute template: ");
        return fail(Kind::kInvalid, std::move(why));
    }
    return {};
}

Result<> print_containers(Session& session, const FlagValues& flags) {
    const std::string format = chosen_format(flags, session.config().ps_format);
    GT_TRY(check_container_format(format));
    const int64_t last = flags.on("latest") && !flags.changed("last") ? 1 : flags.integer("last");
    // COMPAT: a row as a whole has its size too, but `--format json` goes without.
    const bool whole_row = mentions(format, "json .}") || mentions(format, "json . ");
    const bool wants_size = flags.on("size") || whole_row || mentions(format, ".Size");
    ApiRequest request{.path = "/containers/json"};
    if (flags.on("all")) {
        request.query.add("all", "1");
    }
    if (last > 0) {
        request.query.add("limit", std::to_string(last));
    }
    if (wants_size) {
        request.query.add("size", "1");
    }
    add_filters(flags.list("filter"), request);
    GT_TRY_VAR(reply, session.api().call(request));
    GT_TRY_VAR(containers, spec::parse_json<std::vector<spec::ContainerSummary>>(reply.body));
    std::vector<Row> rows;
    for (const spec::ContainerSummary& container : containers) {
        rows.push_back(container_row(container, truncation(flags)));
    }
    GT_TRY_VAR(text, format_list(flags.on("size") ? kContainerLayoutWithSize : kContainerLayout,
                                 format, std::move(rows)));
    session.out(text);
    return {};
}

Result<> print_images(Session& session, const ParsedArgs& args) {
    const FlagValues& flags = args.flags;
    if (flags.on("tree")) {
        return fail(Kind::kNotImplemented, "the tree view is not implemented in this client");
    }
    const std::string format = chosen_format(flags, session.config().images_format);
    std::vector<std::string> filters = flags.list("filter");
    if (!args.arguments.empty()) {
        filters.push_back("reference=" + args.arguments[0]);
    }
    ApiRequest request{.path = "/images/json"};
    if (flags.on("all")) {
        request.query.add("all", "1");
    }
    add_filters(filters, request);
    if (mentions(format, ".SharedSize") || mentions(format, ".UniqueSize")) {
        request.query.add("shared-size", "1");
    }
    GT_TRY_VAR(reply, session.api().call(request));
    GT_TRY_VAR(images, spec::parse_json<std::vector<spec::ImageSummary>>(reply.body));
    const bool digests = flags.on("digests") || mentions(format, ".Digest");
    std::vector<Row> rows;
    for (const spec::ImageSummary& image : images) {
        auto added =
            image_rows(image, truncation(flags), digests ? Digests::kShow : Digests::kHide);
        std::ranges::move(added, std::back_inserter(rows));
    }
    GT_TRY_VAR(text, format_list(flags.on("digests") ? kImageLayoutWithDigests : kImageLayout,
                                 format, std::move(rows)));
    session.out(text);
    return {};
}

Result<> print_history(Session& session, const ParsedArgs& args) {
    const FlagValues& flags = args.flags;
    ApiRequest request{.path = image_path(args.arguments[0], "history")};
    if (const std::string platform = flags.text("platform"); !platform.empty()) {
        GT_TRY_VAR(parameter, platform_parameter(platform));
        request.query.add("platform", parameter);
    }
    GT_TRY_VAR(reply, session.api().call(request));
    GT_TRY_VAR(items, spec::parse_json<std::vector<spec::HistoryItem>>(reply.body));
    std::vector<Row> rows;
    for (const spec::HistoryItem& item : items) {
        rows.push_back(
            history_row(item, truncation(flags), flags.on("human") ? Human::kYes : Human::kNo));
    }
    GT_TRY_VAR(text, format_list(kHistoryLayout, chosen_format(flags, ""), std::move(rows)));
    session.out(text);
    return {};
}

int finish(Session& session, const Result<>& printed) {
    return printed ? 0 : session.fail_with(printed.error());
}

}  // namespace

int run_ps(Session& session, const ParsedArgs& args) {
    return finish(session, print_containers(session, args.flags));
}

int run_images(Session& session, const ParsedArgs& args) {
    return finish(session, print_images(session, args));
}

int run_history(Session& session, const ParsedArgs& args) {
    return finish(session, print_history(session, args));
}

}  // namespace gantry::cli
