#include "sys/apparmor.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/text.h"
#include "base/unique_fd.h"
#include "sys/files.h"
#include "sys/process.h"

namespace gantry::sys {

namespace {

constexpr const char* kEnabled = "/sys/module/apparmor/parameters/enabled";
constexpr const char* kProfiles = "/sys/kernel/security/apparmor/profiles";
constexpr size_t kMaxProfiles = size_t{4} << 20;
/// The number under which the parser finds the text.
constexpr int kTextFd = 3;

const char* find_parser() {
    for (const char* path : {"/sbin/apparmor_parser", "/usr/sbin/apparmor_parser"}) {
        if (::access(path, X_OK) == 0) {
            return path;
        }
    }
    return nullptr;
}

}  // namespace

bool has_apparmor() {
    static const bool there = [] {
        const auto enabled = read_file(kEnabled, 16);
        return enabled && enabled->starts_with('Y') && ::access(kProfiles, R_OK) == 0;
    }();
    return there;
}

Result<bool> is_apparmor_profile_loaded(std::string_view name) {
    if (!has_apparmor()) {
        return fail(Kind::kNotImplemented, "the kernel has no AppArmor");
    }
    GT_TRY_VAR(profiles, read_file(kProfiles, kMaxProfiles));
    // "NAME (MODE)", and a name may hold blanks.
    for (const std::string_view line : split(profiles, '\n')) {
        if (const size_t mode = line.rfind(" ("); line.substr(0, mode) == name) {
            return true;
        }
    }
    return false;
}

bool has_apparmor_parser() {
    return find_parser() != nullptr;
}

Result<> load_apparmor_profiles(std::string_view text) {
    const char* parser = find_parser();
    if (parser == nullptr) {
        return fail(Kind::kNotImplemented, "there is no apparmor_parser");
    }
    GT_TRY_VAR(file, make_sealed_memfd("apparmor-profiles", text));
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null) {
        return fail_errno("open /dev/null");
    }
    SpawnRequest request;
    request.path = parser;
    // Neither its cache of compiled profiles is read nor written.
    request.argv = {parser, "--replace", "--skip-cache", "--quiet",
                    fmt::format("/proc/self/fd/{}", kTextFd)};
    request.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"};
    request.fds = {{null.get(), 0}, {null.get(), 1}, {STDERR_FILENO, 2}, {file.get(), kTextFd}};
    GT_TRY_VAR(child, spawn(request));
    GT_TRY_VAR(status, wait_child(child.pidfd.get(), Wait::kBlock, Reap::kYes));
    if (!status || status->docker_code() != 0) {
        return fail(Kind::kInternal, fmt::format("apparmor_parser ended with {}",
                                                 status ? status->docker_code() : -1));
    }
    return {};
}

}  // namespace gantry::sys
