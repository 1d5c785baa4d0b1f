#include "sys/mounts.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "sys/files.h"

namespace gantry::sys {
namespace {

/// What the kernel wrote into the file system context: "e overlay: ...". Empty if nothing.
std::string context_message(int context) {
    std::array<char, 1024> buffer;
    const ssize_t size = ::read(context, buffer.data(), buffer.size());
    if (size <= 2) {
        return {};
    }
    return std::string(trim(std::string_view(buffer.data(), static_cast<size_t>(size)).substr(2)));
}

Failure context_failure(int context, const char* type, const char* step) {
    const int saved = errno;
    std::string message = context_message(context);
    errno = saved;
    if (!message.empty()) {
        message.insert(0, ": ");
    }
    return fail_errno(fmt::format("mount {}: {}{}", type, step, message));
}

/// mountinfo writes space, tab, newline and backslash as \ooo.
Result<std::string> unescape(std::string_view text) {
    std::string plain;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            plain += text[i];
            continue;
        }
        const auto code = parse_octal(text.substr(i + 1, 3));
        if (!code || *code > 255 || i + 3 >= text.size()) {
            return fail(Kind::kInvalid, "mountinfo: bad escape");
        }
        plain += static_cast<char>(*code);
        i += 3;
    }
    return plain;
}

Result<MountInfo> parse_line(std::string_view line) {
    const std::vector<std::string_view> words = split(line, ' ');
    size_t dash = 6;
    while (dash < words.size() && words[dash] != "-") {
        ++dash;
    }
    const auto id = words.size() < 7 ? std::nullopt : parse_uint(words[0]);
    const auto parent = words.size() < 7 ? std::nullopt : parse_uint(words[1]);
    if (!id || !parent || dash + 2 >= words.size()) {
        return fail(Kind::kInvalid, fmt::format("mountinfo: {}", line));
    }
    MountInfo info;
    info.id = *id;
    info.parent_id = *parent;
    info.device = words[2];
    GT_TRY_VAR(root, unescape(words[3]));
    GT_TRY_VAR(mount_point, unescape(words[4]));
    GT_TRY_VAR(source, unescape(words[dash + 2]));
    info.root = std::move(root);
    info.mount_point = std::move(mount_point);
    info.options = words[5];
    for (size_t i = 6; i < dash; ++i) {
        info.optional += (i > 6 ? " " : "") + std::string(words[i]);
    }
    info.type = words[dash + 1];
    info.source = std::move(source);
    info.super_options = dash + 3 < words.size() ? words[dash + 3] : "";
    return info;
}

}  // namespace

Result<UniqueFd> make_mount(const char* type, std::span<const FsOption> options, MountAttr attr) {
    const UniqueFd context(::fsopen(type, FSOPEN_CLOEXEC));
    if (!context) {
        return fail_errno(fmt::format("mount {}", type));
    }
    for (const FsOption& option : options) {
        const bool flag = option.value.empty();
        if (::fsconfig(context.get(), flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING,
                       option.key.c_str(), flag ? nullptr : option.value.c_str(), 0) < 0) {
            return context_failure(context.get(), type, option.key.c_str());
        }
    }
    if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) {
        return context_failure(context.get(), type, "create");
    }
    UniqueFd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attr)));
    if (!mount) {
        return context_failure(context.get(), type, "fsmount");
    }
    return mount;
}

Result<UniqueFd> clone_mount(int dir, const char* path, Tree tree) {
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
    if (tree == Tree::kRecursive) {
        flags |= AT_RECURSIVE;
    }
    UniqueFd mount(::open_tree(dir, path, flags));
    if (!mount) {
        return fail_errno(fmt::format("clone the mount {}", path));
    }
    return mount;
}

Result<> attach_mount(int mount, int dir, const char* path) {
    if (::move_mount(mount, "", dir, path, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0) {
        return fail_errno(fmt::format("attach a mount at {}", path));
    }
    return {};
}

Result<> change_mount(int mount, const MountChange& change) {
    mount_attr attr{
        .attr_set = change.set,
        .attr_clr = change.clear,
        .propagation = change.propagation,
        .userns_fd = 0,
    };
    const unsigned flags = AT_EMPTY_PATH | (change.tree == Tree::kRecursive ? AT_RECURSIVE : 0U);
    if (::mount_setattr(mount, "", flags, &attr, sizeof attr) < 0) {
        return fail_errno("change a mount's attributes");
    }
    return {};
}

Result<> detach_mount(const char* path) {
    if (::umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT) {
        return fail_errno(fmt::format("unmount {}", path));
    }
    return {};
}

Result<std::vector<MountInfo>> parse_mountinfo(std::string_view text) {
    std::vector<MountInfo> mounts;
    while (!text.empty()) {
        const Cut line = cut(text, '\n');
        GT_TRY_VAR(info, parse_line(line.before));
        mounts.push_back(std::move(info));
        text = line.after;
    }
    return mounts;
}

Result<std::vector<MountInfo>> read_mountinfo() {
    constexpr size_t kLimit = 64 << 20;
    GT_TRY_VAR(text, read_file("/proc/thread-self/mountinfo", kLimit));
    return parse_mountinfo(text);
}

}  // namespace gantry::sys
