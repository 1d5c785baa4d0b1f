#include "sys/xattrs.h"

#include <fmt/core.h>
#include <sys/xattr.h>

#include <cerrno>

namespace gantry::sys {
namespace {

constexpr size_t kMaxValue = 64 * 1024;

/// A name for what FD refers to. The f*xattr calls refuse O_PATH; through /proc the kernel follows
/// the magic link to the very inode, links and special files included.
std::string path_of(int fd) {
    return fmt::format("/proc/self/fd/{}", fd);
}

Failure failed(const char* what, const char* name) {
    if (errno == ENOTSUP) {
        return Failure(Error(Kind::kNotImplemented,
                             fmt::format("{} {}: not supported by the file system", what, name),
                             ENOTSUP));
    }
    return fail_errno(fmt::format("{} {}", what, name));
}

}  // namespace

Result<std::optional<std::string>> get_xattr(int fd, const char* name) {
    std::string value(256, '\0');
    ssize_t size = ::getxattr(path_of(fd).c_str(), name, value.data(), value.size());
    if (size < 0 && errno == ERANGE) {
        value.resize(kMaxValue);
        size = ::getxattr(path_of(fd).c_str(), name, value.data(), value.size());
    }
    if (size < 0) {
        if (errno == ENODATA || errno == ENOTSUP) {
            return std::optional<std::string>();
        }
        return failed("get", name);
    }
    value.resize(static_cast<size_t>(size));
    return std::optional(std::move(value));
}

Result<> set_xattr(int fd, const char* name, std::string_view value) {
    if (::setxattr(path_of(fd).c_str(), name, value.data(), value.size(), 0) < 0) {
        return failed("set", name);
    }
    return {};
}

Result<> remove_xattr(int fd, const char* name) {
    if (::removexattr(path_of(fd).c_str(), name) < 0 && errno != ENODATA) {
        return failed("remove", name);
    }
    return {};
}

Result<std::vector<std::string>> list_xattrs(int fd) {
    std::string names(kMaxValue, '\0');
    const ssize_t size = ::listxattr(path_of(fd).c_str(), names.data(), names.size());
    if (size < 0) {
        if (errno == ENOTSUP) {
            return std::vector<std::string>();
        }
        return failed("list", "attributes");
    }
    names.resize(static_cast<size_t>(size));
    std::vector<std::string> list;
    for (std::string_view left = names; !left.empty();) {
        const size_t end = left.find('\0');
        list.emplace_back(left.substr(0, end));
        left.remove_prefix(end + 1);
    }
    return list;
}

}  // namespace gantry::sys
