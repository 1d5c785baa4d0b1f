#include "spec/platform.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace gantry::spec {
namespace {

struct Alias {
    std::string_view name;
    std::string_view architecture;
    std::string_view variant;
};
constexpr Alias kAliases[] = {
    {"x86_64", "amd64", ""},  {"x86-64", "amd64", ""}, {"i386", "386", ""},
    {"i486", "386", ""},      {"i586", "386", ""},     {"i686", "386", ""},
    {"aarch64", "arm64", ""}, {"armhf", "arm", "v7"},  {"armel", "arm", "v6"},
};
constexpr std::string_view kArchitectures[] = {
    "386",      "amd64", "arm",     "arm64",   "loong64", "mips",    "mipsle", "mips64",
    "mips64le", "ppc64", "ppc64le", "riscv64", "s390x",   "sparc64", "wasm",
};
constexpr std::string_view kSystems[] = {"aix",     "android", "darwin",  "dragonfly", "freebsd",
                                         "illumos", "ios",     "js",      "linux",     "netbsd",
                                         "openbsd", "plan9",   "solaris", "wasip1",    "windows"};

bool contains(auto& list, std::string_view name) {
    return std::ranges::find(list, name) != std::end(list);
}

bool is_component(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    });
}

}  // namespace

oci::Platform normalize_platform(oci::Platform platform) {
    platform.os = to_lower(platform.os);
    platform.architecture = to_lower(platform.architecture);
    platform.variant = to_lower(platform.variant);
    if (platform.os == "macos") {
        platform.os = "darwin";
    }
    for (const Alias& alias : kAliases) {
        if (platform.architecture == alias.name) {
            platform.architecture = alias.architecture;
            if (platform.variant.empty()) {
                platform.variant = alias.variant;
            }
            break;
        }
    }
    const bool is_default = (platform.architecture == "arm64" &&
                             (platform.variant == "v8" || platform.variant == "8")) ||
                            (platform.architecture == "amd64" && platform.variant == "v1");
    if (is_default) {
        platform.variant.clear();
    } else if (platform.architecture == "arm") {
        // COMPAT: 32-bit arm without a variant is v7.
        if (platform.variant.empty()) {
            platform.variant = "v7";
        } else if (!platform.variant.starts_with('v')) {
            platform.variant.insert(0, 1, 'v');
        }
    }
    return platform;
}

Result<oci::Platform> parse_platform(std::string_view text, const oci::Platform& native) {
    const auto parts = split(text, '/');
    if (parts.size() > 3) {
        return fail(Kind::kInvalid, fmt::format("\"{}\": invalid argument", text));
    }
    for (const std::string_view part : parts) {
        if (!is_component(part)) {
            return fail(Kind::kInvalid,
                        fmt::format("\"{}\" is an invalid component of \"{}\": platform specifier "
                                    "component must match \"^[A-Za-z0-9_.-]+$\"",
                                    part, text));
        }
    }
    oci::Platform platform = native;
    if (parts.size() > 1) {
        platform.os = parts[0];
        platform.architecture = parts[1];
        platform.variant = parts.size() == 3 ? parts[2] : std::string_view();
        return normalize_platform(std::move(platform));
    }
    oci::Platform alone;
    alone.os = native.os;
    alone.architecture = parts[0];
    alone = normalize_platform(std::move(alone));
    if (contains(kArchitectures, alone.architecture)) {
        return alone;
    }
    const std::string system = to_lower(parts[0]);
    if (system != "macos" && !contains(kSystems, system)) {
        return fail(
            Kind::kInvalid,
            fmt::format("\"{}\": unknown operating system or architecture: invalid argument",
                        text));
    }
    platform.os = system;
    return normalize_platform(std::move(platform));
}

std::string format_platform(const oci::Platform& platform) {
    if (platform.os.empty()) {
        return "unknown";
    }
    std::string text = platform.os;
    for (const std::string* part : {&platform.architecture, &platform.variant}) {
        if (!part->empty()) {
            text += "/" + *part;
        }
    }
    return text;
}

bool platform_matches(const oci::Platform& wanted, const oci::Platform& image) {
    const oci::Platform a = normalize_platform(wanted);
    const oci::Platform b = normalize_platform(image);
    return a.os == b.os && a.architecture == b.architecture &&
           (a.variant == b.variant || wanted.variant.empty());
}

oci::Platform native_platform() {
    oci::Platform platform;
    platform.os = "linux";
#if defined(__x86_64__)
    platform.architecture = "amd64";
#elif defined(__aarch64__)
    platform.architecture = "arm64";
#else
#error "this architecture has no name in OCI's list here yet"
#endif
    return platform;
}

}  // namespace gantry::spec
