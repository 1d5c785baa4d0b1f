#include "engine/container/apparmor.h"

#include <fmt/core.h>

#include "engine/container/host_check.h"
#include "sys/apparmor.h"

namespace gantry::engine {

namespace {

// Everything that the container's capabilities, devices and mounts allow, but no mount, no process
// of another profile, and none of the kernel's switches. A profile can only take away; so each line
// with "deny" stands for a way by which a container with more capabilities than usual, or one whose
// masked paths were laid open, would reach the host.
constexpr std::string_view kProfileText = R"(
profile docker-default flags=(attach_disconnected,mediate_deleted) {
  network,
  capability,
  file,
  umount,

  signal (receive) peer=unconfined,
  signal (send,receive) peer=docker-default,
  ptrace (trace,read,tracedby,readby) peer=docker-default,

  deny mount,

  deny /proc/{sysrq-trigger,kcore,kmem,mem,kpagecount,kpageflags,kpagecgroup} rwklx,
  deny /proc/{acpi,asound,bus,driver,fs,irq,scsi,tty}/** wkl,
  deny /proc/sys/{abi,debug,dev,user,vm}/** wkl,
  deny /proc/sys/fs/{[^m],m[^q]}** wkl,
  deny /proc/sys/kernel/{[^ms],m[^s],s[^eh],se[^m]}** wkl,

  deny /sys/{[^fk],k[^e],ke[^r]}** wkl,
  deny /sys/kernel/** wkl,
  deny /sys/kernel/security/** rwklx,
  deny /sys/firmware/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/fs/[^c]** wkl,
}
)";

/// What the record asks for; empty for the default.
std::string asked_for(const ContainerRecord& record) {
    const auto options = parse_security_options(record.host.security_opt);
    return options ? options->apparmor_profile : std::string();
}

}  // namespace

bool confines_by_default() {
    return sys::has_apparmor() &&
           (sys::has_apparmor_parser() ||
            sys::is_apparmor_profile_loaded(kDefaultProfile).value_or(false));
}

std::string apparmor_profile(const ContainerRecord& record) {
    if (!sys::has_apparmor()) {
        return {};
    }
    if (std::string asked = asked_for(record); !asked.empty()) {
        return asked;
    }
    return std::string(record.host.privileged || !confines_by_default() ? kUnconfined
                                                                        : kDefaultProfile);
}

std::string confinement(const ContainerRecord& record) {
    std::string profile = apparmor_profile(record);
    return profile == kUnconfined ? std::string() : profile;
}

Result<> load_default_profile() {
    GT_TRY_VAR(loaded, sys::is_apparmor_profile_loaded(kDefaultProfile));
    if (loaded) {
        return {};
    }
    return sys::load_apparmor_profiles(kProfileText);
}

Result<> require_profile(std::string_view profile) {
    if (profile.empty()) {
        return {};
    }
    if (profile == kDefaultProfile) {
        if (const auto loaded = load_default_profile(); !loaded) {
            return fail(loaded.error().kind(),
                        fmt::format("AppArmor enabled on system but the {} profile could not be "
                                    "loaded: {}",
                                    profile, loaded.error().text()));
        }
        return {};
    }
    GT_TRY_VAR(loaded, sys::is_apparmor_profile_loaded(profile));
    if (!loaded) {
        return fail(Kind::kInvalid, fmt::format("unable to apply apparmor profile: the profile "
                                                "{:?} is not loaded",
                                                profile));
    }
    return {};
}

}  // namespace gantry::engine
