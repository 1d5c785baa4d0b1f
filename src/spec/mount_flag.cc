#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "base/text.h"
#include "spec/impl/csv.h"
#include "spec/mount.h"
#include "spec/units.h"

namespace gantry::spec {
namespace {

/// One "key=value" of --mount, and the mount it goes into.
struct Option {
    std::string_view key;
    std::string_view value;
    bool has_value;
    /// The whole field, for errors.
    std::string_view field;
};

template <class T>
T& made(std::optional<T>& part) {
    return part ? *part : part.emplace();
}

Failure invalid_value(const Option& option) {
    return fail(Kind::kInvalid, fmt::format("invalid value for {}: {}", option.key, option.value));
}

/// Go's strconv.ParseBool; a key alone is true.
Result<> set_bool(const Option& option, bool& target) {
    constexpr std::string_view kTrue[] = {"1", "t", "T", "true", "TRUE", "True"};
    constexpr std::string_view kFalse[] = {"0", "f", "F", "false", "FALSE", "False"};
    const bool is_true =
        !option.has_value || std::ranges::find(kTrue, option.value) != std::end(kTrue);
    if (!is_true && std::ranges::find(kFalse, option.value) == std::end(kFalse)) {
        return invalid_value(option);
    }
    target = is_true;
    return {};
}

Result<> set_recursive(const Option& option, Mount& mount) {
    BindOptions& bind = made(mount.bind_options);
    if (option.value == "disabled") {
        bind.non_recursive = true;
    } else if (option.value == "writable") {
        bind.read_only_non_recursive = true;
    } else if (option.value == "readonly") {
        bind.read_only_force_recursive = true;
    } else if (option.value != "enabled") {
        return fail(Kind::kInvalid,
                    fmt::format("invalid value for {}: {} (must be \"enabled\", \"disabled\", "
                                "\"writable\", or \"readonly\")",
                                option.key, option.value));
    }
    return {};
}

/// "k=v" into a map; a key alone gets "".
void set_pair(const Option& option, StringMap& map) {
    const Cut pair = cut(option.value, '=');
    map.insert_or_assign(std::string(pair.before), std::string(pair.after));
}

Result<> set_tmpfs_size(const Option& option, Mount& mount) {
    const auto size = parse_ram(option.value);
    if (!size) {
        return invalid_value(option);
    }
    made(mount.tmpfs_options).size_bytes = *size;
    return {};
}

Result<> set_tmpfs_mode(const Option& option, Mount& mount) {
    const auto mode = parse_octal(option.value);
    if (!mode) {
        return invalid_value(option);
    }
    made(mount.tmpfs_options).mode = *mode;
    return {};
}

/// The options whose value is taken as it is.
std::string* plain_target(std::string_view key, Mount& mount) {
    if (key == "type") {
        return &mount.type;
    }
    if (key == "source" || key == "src") {
        return &mount.source;
    }
    if (key == "target" || key == "dst" || key == "destination") {
        return &mount.target;
    }
    if (key == "consistency") {
        return &mount.consistency;
    }
    if (key == "bind-propagation") {
        return &made(mount.bind_options).propagation;
    }
    if (key == "volume-subpath") {
        return &made(mount.volume_options).subpath;
    }
    if (key == "volume-driver") {
        return &made(made(mount.volume_options).driver_config).name;
    }
    return key == "image-subpath" ? &made(mount.image_options).subpath : nullptr;
}

bool* bool_target(std::string_view key, Mount& mount) {
    if (key == "readonly" || key == "ro") {
        return &mount.read_only;
    }
    if (key == "volume-nocopy") {
        return &made(mount.volume_options).no_copy;
    }
    if (key == "bind-nonrecursive") {
        return &made(mount.bind_options).non_recursive;
    }
    return key == "bind-create-src" ? &made(mount.bind_options).create_mountpoint : nullptr;
}

Result<> apply(const Option& option, Mount& mount) {
    if (bool* target = bool_target(option.key, mount)) {
        return set_bool(option, *target);
    }
    if (!option.has_value) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid field '{}' must be a key=value pair", option.field));
    }
    if (std::string* target = plain_target(option.key, mount)) {
        *target = option.key == "type" ? to_lower(option.value) : std::string(option.value);
        return {};
    }
    if (option.key == "bind-recursive") {
        return set_recursive(option, mount);
    }
    if (option.key == "volume-label") {
        set_pair(option, made(mount.volume_options).labels);
        return {};
    }
    if (option.key == "volume-opt") {
        set_pair(option, made(made(mount.volume_options).driver_config).options);
        return {};
    }
    if (option.key == "tmpfs-size") {
        return set_tmpfs_size(option, mount);
    }
    if (option.key == "tmpfs-mode") {
        return set_tmpfs_mode(option, mount);
    }
    return fail(Kind::kInvalid,
                fmt::format("unexpected key '{}' in '{}'", option.key, option.field));
}

Result<> check_mixed(const Mount& mount) {
    const auto mixed = [&](std::string_view family) {
        return fail(Kind::kInvalid, fmt::format("cannot mix '{}-*' options with mount type '{}'",
                                                family, mount.type));
    };
    if (mount.volume_options && mount.type != "volume") {
        return mixed("volume");
    }
    if (mount.image_options && mount.type != "image") {
        return mixed("image");
    }
    if (mount.bind_options && mount.type != "bind") {
        return mixed("bind");
    }
    if (mount.tmpfs_options && mount.type != "tmpfs") {
        return mixed("tmpfs");
    }
    return {};
}

Result<> check_recursive(const Mount& mount) {
    if (!mount.bind_options) {
        return {};
    }
    const BindOptions& bind = *mount.bind_options;
    const auto needs = [](std::string_view value, std::string_view other) {
        return fail(Kind::kInvalid,
                    fmt::format("option 'bind-recursive={}' requires '{}' to be specified in "
                                "conjunction",
                                value, other));
    };
    if (bind.read_only_non_recursive && !mount.read_only) {
        return needs("writable", "readonly");
    }
    if (bind.read_only_force_recursive && !mount.read_only) {
        return needs("readonly", "readonly");
    }
    if (bind.read_only_force_recursive && bind.propagation != "rprivate") {
        return needs("readonly", "bind-propagation=rprivate");
    }
    return {};
}

}  // namespace

Result<Mount> parse_mount(std::string_view text) {
    GT_TRY_VAR(fields, impl::parse_csv_line(text));
    Mount mount;
    mount.type = "volume";
    for (const std::string& field : fields) {
        const Cut pair = cut(field, '=');
        const std::string key = to_lower(pair.before);
        GT_TRY(apply({key, pair.after, pair.found, field}, mount));
    }
    if (mount.type.empty()) {
        return fail(Kind::kInvalid, "type is required");
    }
    if (mount.target.empty()) {
        return fail(Kind::kInvalid, "target is required");
    }
    GT_TRY(check_mixed(mount));
    GT_TRY(check_recursive(mount));
    return mount;
}

}  // namespace gantry::spec
