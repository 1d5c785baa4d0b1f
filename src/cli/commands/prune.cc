#include "spec/api/prune.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "cli/commands/handlers.h"
#include "cli/filters_flag.h"
#include "cli/session.h"
#include "cli/table/row_values.h"
#include "cli/table/tab_writer.h"
#include "spec/api/container.h"
#include "spec/api/image.h"
#include "spec/api/network.h"
#include "spec/api/system.h"
#include "spec/api/volume.h"
#include "spec/filters.h"
#include "spec/json.h"
#include "spec/units.h"

namespace gantry::cli {
namespace {

/// A kind of object that can be pruned, as data.
struct PruneKind {
    /// "/containers/prune"
    std::string_view path;
    /// "Containers", as in "Deleted Containers:".
    std::string_view title;
};

/// What a prune did, or what its dry run says that it would do.
struct PruneOutcome {
    /// Docker's output: the title and a line for each object; empty if there was none.
    std::string text;
    int64_t bytes = 0;
    std::vector<spec::PruneObject> objects;
};

constexpr PruneKind kContainers = {"/containers/prune", "Containers"};
constexpr PruneKind kNetworks = {"/networks/prune", "Networks"};
constexpr PruneKind kVolumes = {"/volumes/prune", "Volumes"};
constexpr PruneKind kImages = {"/images/prune", "Images"};
constexpr PruneKind kBuildCache = {"/build/prune", "build cache objects"};

constexpr std::string_view kSure = "Are you sure you want to continue?";

std::string human(int64_t bytes) {
    return spec::human_size(static_cast<double>(bytes));
}

void add_lines(std::string& text, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        text += name + "\n";
    }
}

/// Every prune's answer has some of these members.
Result<PruneOutcome> read_outcome(const PruneKind& kind, std::string_view body) {
    PruneOutcome outcome;
    if (kind.path == kContainers.path) {
        GT_TRY_VAR(report, spec::parse_json<spec::ContainersPruneReport>(body));
        add_lines(outcome.text, report.containers_deleted);
        outcome.bytes = report.space_reclaimed;
        outcome.objects = std::move(report.objects);
    } else if (kind.path == kImages.path) {
        GT_TRY_VAR(report, spec::parse_json<spec::ImagesPruneReport>(body));
        for (const spec::ImageDeleteItem& item : report.images_deleted) {
            outcome.text += item.untagged.empty() ? fmt::format("deleted: {}\n", item.deleted)
                                                  : fmt::format("untagged: {}\n", item.untagged);
        }
        outcome.bytes = report.space_reclaimed;
        outcome.objects = std::move(report.objects);
    } else if (kind.path == kVolumes.path) {
        GT_TRY_VAR(report, spec::parse_json<spec::VolumesPruneReport>(body));
        add_lines(outcome.text, report.volumes_deleted);
        outcome.bytes = report.space_reclaimed;
    } else if (kind.path == kNetworks.path) {
        GT_TRY_VAR(report, spec::parse_json<spec::NetworksPruneReport>(body));
        add_lines(outcome.text, report.networks_deleted);
    } else {
        GT_TRY_VAR(report, spec::parse_json<spec::BuildPruneReport>(body));
        add_lines(outcome.text, report.caches_deleted);
        outcome.bytes = report.space_reclaimed;
    }
    if (!outcome.text.empty()) {
        outcome.text = fmt::format("Deleted {}:\n{}", kind.title, outcome.text);
    }
    return outcome;
}

spec::Filters filters_of(Session& session, const FlagValues& flags) {
    spec::Filters filters;
    for (const std::string& pair :
         with_prune_filters(flags.list("filter"), session.config().prune_filters)) {
        const Cut parts = cut(pair, '=');
        filters.add(to_lower(trim(parts.before)), trim(parts.after));
    }
    return filters;
}

/// A table of what would go, indented below the warning.
std::string list_objects(std::string_view title, const std::vector<spec::PruneObject>& objects) {
    if (objects.empty()) {
        return {};
    }
    std::string table;
    for (const spec::PruneObject& object : objects) {
        table +=
            fmt::format("  {}\t{}\t{}\n", shorten_id(object.id), object.name, human(object.size));
    }
    return fmt::format("{} to be removed:\n{}", title, align_tabs(table));
}

/// Only what was shown is removed: what came since stays.
void keep_to(const std::vector<spec::PruneObject>& objects, spec::Filters& filters) {
    for (const spec::PruneObject& object : objects) {
        filters.add("id", object.id);
    }
}

/// SAFETY: dockerd ignores `dry-run` and would prune at once, so the daemon must have said that it
/// is Gantry before it is asked for one.
bool has_dry_run(Session& session) {
    const auto reply = session.api().call({.path = "/version"});
    const auto version = reply ? spec::parse_json<spec::Version>(reply->body)
                               : Result<spec::Version>(Failure(Error(reply.error().kind(), "")));
    return version && version->platform.name == "Gantry Engine";
}

/// Prints MESSAGE with " [y/N] " and reads a line; only "y" is a yes.
bool confirm(Session& session, std::string_view message) {
    session.out(fmt::format("{} [y/N] ", message));
    std::string line;
    char c = 0;
    while (::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
        line += c;
    }
    return equals_ignoring_case(trim(line), "y");
}

/// One part of a command: a kind with the filters that it is asked with.
struct Part {
    PruneKind kind;
    spec::Filters filters;
    /// Gantry tells what would be removed.
    bool has_preview = false;
    /// Further switches of the query, separated by blanks: of the prune, and of its dry run.
    std::string_view switches = {};
    std::string_view preview_switches = {};
};

Result<PruneOutcome> ask(Session& session, const Part& part, std::string_view switches) {
    ApiRequest request{.method = "POST", .path = std::string(part.kind.path)};
    if (!part.filters.empty()) {
        request.query.add("filters", part.filters.to_json());
    }
    for (const std::string_view name : split(switches, ' ')) {
        if (!name.empty()) {
            request.query.add(std::string(name), "1");
        }
    }
    GT_TRY_VAR(reply, session.api().call(request));
    return read_outcome(part.kind, reply.body);
}

/// One run of a prune command.
class Prune {
public:
    Prune(Session& session, const FlagValues& flags) : session_(session), flags_(flags) {}

    Result<> run(std::string_view warning, std::vector<Part> parts) {
        if (flags_.on("dry-run")) {
            return dry_run(parts);
        }
        if (!flags_.on("force")) {
            GT_TRY_VAR(agreed, ask_user(warning, parts));
            if (!agreed) {
                return {};
            }
        }
        int64_t bytes = 0;
        for (const Part& part : parts) {
            GT_TRY_VAR(outcome, ask(session_, part, part.switches));
            bytes += outcome.bytes;
            if (!outcome.text.empty()) {
                session_.out(outcome.text + "\n");
            }
        }
        session_.out(fmt::format("Total reclaimed space: {}\n", human(bytes)));
        return {};
    }

private:
    Result<> dry_run(const std::vector<Part>& parts) {
        if (!has_dry_run(session_)) {
            return fail(Kind::kNotImplemented, "--dry-run: the daemon is not Gantry");
        }
        int64_t bytes = 0;
        for (const Part& part : parts) {
            if (part.has_preview) {
                GT_TRY_VAR(outcome, preview(part));
                bytes += outcome.bytes;
                session_.out(list_objects(part.kind.title, outcome.objects));
            }
        }
        session_.out(fmt::format("Total reclaimable space: {}\n", human(bytes)));
        return {};
    }

    Result<bool> ask_user(std::string_view warning, std::vector<Part>& parts) {
        std::string message(warning);
        if (has_dry_run(session_)) {
            for (Part& part : parts) {
                if (!part.has_preview) {
                    continue;
                }
                GT_TRY_VAR(outcome, preview(part));
                message += list_objects(part.kind.title, outcome.objects);
                if (outcome.objects.empty()) {
                    part.filters.add("id", "none");
                }
                keep_to(outcome.objects, part.filters);
            }
        }
        message += kSure;
        return confirm(session_, message);
    }

    Result<PruneOutcome> preview(const Part& part) {
        return ask(session_, part, fmt::format("dry-run {}", part.preview_switches));
    }

    Session& session_;
    const FlagValues& flags_;
};

Part image_part(Session& session, const FlagValues& flags) {
    Part part{.kind = kImages, .filters = filters_of(session, flags), .has_preview = true};
    part.filters.add("dangling", flags.on("all") ? "false" : "true");
    return part;
}

std::string system_warning(Session& session, const FlagValues& flags) {
    std::string text =
        "WARNING! This will remove:\n"
        "  - all stopped containers\n"
        "  - all networks not used by at least one container\n";
    if (flags.on("volumes")) {
        text += "  - all anonymous volumes not used by at least one container\n";
    }
    text += flags.on("all") ? "  - all images without at least one container associated to them\n"
                              "  - all build cache\n"
                            : "  - all dangling images\n"
                              "  - unused build cache\n";
    if (const auto filters =
            with_prune_filters(flags.list("filter"), session.config().prune_filters);
        !filters.empty()) {
        text += "\n  Items to be pruned will be filtered with:\n";
        for (const std::string& filter : filters) {
            text += fmt::format("  - {}\n", filter);
        }
    }
    return text + "\n";
}

Result<> prune_system(Session& session, const FlagValues& flags) {
    const spec::Filters filters = filters_of(session, flags);
    if (flags.on("volumes") && filters.contains("until")) {
        return fail(Kind::kInvalid,
                    "ERROR: The \"until\" filter is not supported with \"--volumes\"");
    }
    std::vector<Part> parts;
    parts.push_back({.kind = kContainers, .filters = filters, .has_preview = true});
    parts.push_back({.kind = kNetworks, .filters = filters});
    if (flags.on("volumes")) {
        parts.push_back({.kind = kVolumes, .filters = filters});
    }
    Part images = image_part(session, flags);
    images.preview_switches = "after-containers";
    parts.push_back(std::move(images));
    parts.push_back(
        {.kind = kBuildCache, .filters = filters, .switches = flags.on("all") ? "all" : ""});
    return Prune(session, flags).run(system_warning(session, flags), std::move(parts));
}

int finish(Session& session, const Result<>& done) {
    return done ? 0 : session.fail_with(done.error());
}

}  // namespace

int run_container_prune(Session& session, const ParsedArgs& args) {
    return finish(session, Prune(session, args.flags)
                               .run("WARNING! This will remove all stopped containers.\n",
                                    {{.kind = kContainers,
                                      .filters = filters_of(session, args.flags),
                                      .has_preview = true}}));
}

int run_image_prune(Session& session, const ParsedArgs& args) {
    const std::string_view warning =
        args.flags.on("all")
            ? "WARNING! This will remove all images without at least one container associated to "
              "them.\n"
            : "WARNING! This will remove all dangling images.\n";
    return finish(session,
                  Prune(session, args.flags).run(warning, {image_part(session, args.flags)}));
}

int run_system_prune(Session& session, const ParsedArgs& args) {
    return finish(session, prune_system(session, args.flags));
}

}  // namespace gantry::cli
