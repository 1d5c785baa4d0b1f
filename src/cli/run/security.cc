#include <fmt/core.h>

#include "base/text.h"
#include "cli/quote.h"
#include "cli/read_file.h"
#include "cli/run/create_request.h"
#include "spec/units.h"
#include "spec/value.h"

namespace gantry::cli {
namespace {

constexpr size_t kMaxProfile = 4UL << 20;

/// The profile's text instead of the name of its file: the daemon may run on another host.
Result<std::string> load_seccomp(const std::string& path) {
    auto text = read_file(path, kMaxProfile);
    if (!text) {
        return fail(Kind::kInvalid, fmt::format("opening seccomp profile ({}) failed: {}", path,
                                                text.error().text()));
    }
    auto profile = spec::Value::parse(*text);
    if (!profile) {
        return fail(Kind::kInvalid, fmt::format("compacting json for seccomp profile ({}) failed: "
                                                "{}",
                                                path, profile.error().text()));
    }
    return profile->serialize();
}

}  // namespace

Result<> fill_security(const FlagValues& flags, spec::HostConfig& host) {
    for (const std::string& option : flags.list("security-opt")) {
        if (option == "systempaths=unconfined") {
            // COMPAT: not an option of the API, but two empty lists.
            host.masked_paths.emplace();
            host.readonly_paths.emplace();
            continue;
        }
        // COMPAT: "label:disable" is the old spelling of "label=disable".
        const size_t separator = option.find_first_of("=:");
        if (separator == std::string::npos) {
            if (option != "no-new-privileges") {
                return fail(Kind::kInvalid,
                            fmt::format("Invalid --security-opt: {}", quote(option)));
            }
            host.security_opt.push_back(option);
            continue;
        }
        const std::string key = option.substr(0, separator);
        const std::string value = option.substr(separator + 1);
        if (key == "seccomp" && value != "unconfined" && value != "builtin") {
            GT_TRY_VAR(profile, load_seccomp(value));
            host.security_opt.push_back("seccomp=" + profile);
        } else {
            host.security_opt.push_back(option);
        }
    }
    host.privileged = flags.on("privileged");
    host.readonly_rootfs = flags.on("read-only");
    host.cap_add = flags.list("cap-add");
    host.cap_drop = flags.list("cap-drop");
    if (auto size = spec::parse_ram(flags.text("shm-size"))) {
        host.shm_size = *size;
    }
    return {};
}

}  // namespace gantry::cli
