#include "spec/mount.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "spec/impl/mount_mode.h"

namespace gantry::spec {
namespace {

constexpr size_t kMaxName = 255;

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Failure invalid_spec(std::string_view text, std::string_view reason = {}) {
    return fail(Kind::kInvalid, fmt::format("invalid volume specification: '{}'{}{}", text,
                                            reason.empty() ? "" : ": ", reason));
}

Result<> check_volume_name(std::string_view name) {
    if (!is_resource_name(name)) {
        return fail(
            Kind::kInvalid,
            fmt::format("create {0}: \"{0}\" includes invalid characters for a local volume "
                        "name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you "
                        "intended to pass a host directory, use absolute path",
                        name));
    }
    return {};
}

}  // namespace

bool is_resource_name(std::string_view text) {
    return text.size() >= 2 && text.size() <= kMaxName && is_alnum(text[0]) &&
           std::ranges::all_of(
               text, [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

std::string clean_path(std::string_view path) {
    const bool is_rooted = path.starts_with('/');
    std::vector<std::string_view> kept;
    for (const std::string_view part : split(path, '/')) {
        if (part.empty() || part == ".") {
            continue;
        }
        if (part != "..") {
            kept.push_back(part);
        } else if (!kept.empty() && kept.back() != "..") {
            kept.pop_back();
        } else if (!is_rooted) {
            kept.push_back(part);
        }
    }
    std::string cleaned = is_rooted ? "/" : "";
    for (const std::string_view part : kept) {
        if (cleaned.size() > (is_rooted ? 1 : 0)) {
            cleaned += '/';
        }
        cleaned += part;
    }
    return cleaned.empty() ? "." : cleaned;
}

Result<BindSpec> parse_bind(std::string_view text) {
    if (text.find('\0') != text.npos) {
        return fail(Kind::kInvalid, "invalid volume specification: NUL in it");
    }
    const auto parts = split(text, ':');
    if (parts.size() > 3 || parts[0].empty()) {
        return invalid_spec(text);
    }
    BindSpec spec;
    if (parts.size() == 1) {
        spec.destination = parts[0];
    } else {
        spec.source = parts[0];
        spec.destination = parts[1];
        // COMPAT: "/foo:rw" is not an anonymous volume with a mode.
        if (parts.size() == 2 && impl::apply_mount_mode(parts[1], spec)) {
            return invalid_spec(text);
        }
    }
    if (parts.size() == 3) {
        spec.mode = parts[2];
        if (!impl::apply_mount_mode(parts[2], spec)) {
            return fail(Kind::kInvalid, fmt::format("invalid mode: {}", parts[2]));
        }
    }
    const std::string_view type = spec.is_bind() ? "bind" : "volume";
    if (!spec.destination.starts_with('/')) {
        return invalid_spec(text, fmt::format("invalid mount config for type \"{}\": invalid mount "
                                              "path: '{}' mount path must be absolute",
                                              type, spec.destination));
    }
    spec.destination = clean_path(spec.destination);
    if (spec.destination == "/") {
        return invalid_spec(text, fmt::format("invalid mount config for type \"{}\": invalid "
                                              "specification: destination can't be '/'",
                                              type));
    }
    if (spec.is_bind()) {
        spec.source = clean_path(spec.source);
    } else if (!spec.source.empty()) {
        GT_TRY(check_volume_name(spec.source));
    }
    return spec;
}

}  // namespace gantry::spec
