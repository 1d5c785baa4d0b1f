#include "bin/gantry_runtime/capabilities.h"

#include <fmt/core.h>

#include <set>
#include <string>
#include <vector>

#include "bin/gantry_runtime/commands.h"
#include "runtime/plan_builder.h"
#include "sys/capability.h"

namespace gantry::standalone {

namespace {

/// The names of NAMES that are in ALLOWED; the others go to REFUSED.
std::vector<std::string> keep(const std::vector<std::string>& names, sys::CapSet allowed,
                              std::set<std::string>& refused) {
    std::vector<std::string> kept;
    for (const std::string& name : names) {
        const auto number = sys::parse_capability(name);
        if (number && (allowed >> *number & 1) != 0) {
            kept.push_back(name);
        } else {
            refused.insert(name);
        }
    }
    return kept;
}

sys::CapSet set_of(const std::vector<std::string>& names) {
    sys::CapSet set = 0;
    for (const std::string& name : names) {
        if (const auto number = sys::parse_capability(name)) {
            set |= sys::CapSet{1} << *number;
        }
    }
    return set;
}

}  // namespace

Result<> settle_capabilities(spec::oci::Process& process, const spec::oci::Linux& linux) {
    if (!process.capabilities) {
        return {};
    }
    GT_TRY_VAR(allowed,
               runtime::has_user_namespace(linux) ? sys::all_capabilities() : sys::bounding_set());
    spec::oci::Capabilities& sets = *process.capabilities;
    std::set<std::string> refused;
    for (auto* names : {&sets.bounding, &sets.effective, &sets.permitted, &sets.inheritable}) {
        *names = keep(*names, allowed, refused);
    }
    std::set<std::string> not_ambient;
    sets.ambient =
        keep(sets.ambient, set_of(sets.permitted) & set_of(sets.inheritable), not_ambient);
    for (const std::string& name : refused) {
        log_warning(fmt::format("ignoring unknown or unavailable capability {}", name));
    }
    for (const std::string& name : not_ambient) {
        log_warning(fmt::format(
            "can't raise ambient capability {}: not permitted or not inheritable", name));
    }
    return {};
}

}  // namespace gantry::standalone
