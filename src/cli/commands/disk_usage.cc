#include "spec/api/disk_usage.h"

#include "cli/commands/handlers.h"
#include "cli/session.h"
#include "cli/table/disk_rows.h"
#include "spec/json.h"

namespace gantry::cli {
namespace {

Result<std::string> disk_usage_text(const spec::DiskUsage& usage, const FlagValues& flags) {
    const std::string format = flags.text("format");
    if (!flags.on("verbose")) {
        return format_list(kDiskUsageLayout, format, disk_usage_rows(usage));
    }
    return format.empty() || format == "table" ? verbose_disk_usage(usage)
                                               : format_verbose_disk_usage(usage, format);
}

Result<> print_disk_usage(Session& session, const FlagValues& flags) {
    GT_TRY_VAR(reply, session.api().call({.path = "/system/df"}));
    GT_TRY_VAR(usage, spec::parse_json<spec::DiskUsage>(reply.body));
    GT_TRY_VAR(text, disk_usage_text(usage, flags));
    session.out(text);
    return {};
}

}  // namespace

int run_system_df(Session& session, const ParsedArgs& args) {
    const auto printed = print_disk_usage(session, args.flags);
    return printed ? 0 : session.fail_with(printed.error());
}

}  // namespace gantry::cli
