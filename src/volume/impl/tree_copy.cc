#include "volume/impl/tree_copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "sys/files.h"
#include "sys/xattrs.h"

namespace gantry::volume {

namespace {

constexpr int kLook = O_PATH | O_NOFOLLOW;
constexpr int kRead = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

Result<> copy_range(int from, int to, off_t begin, off_t end) {
    off_t input = begin;
    off_t output = begin;
    while (input < end) {
        const auto left = static_cast<size_t>(end - input);
        ssize_t done = ::copy_file_range(from, &input, to, &output, left, 0);
        if (done < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP)) {
            if (::lseek(to, output, SEEK_SET) < 0) {
                return fail_errno("seek");
            }
            done = ::sendfile(to, from, &input, left);
            output += done > 0 ? done : 0;
        }
        if (done < 0 && errno != EINTR) {
            return fail_errno("copy");
        }
        if (done == 0) {
            return {};
        }
    }
    return {};
}

/// A hole of the source is one of the copy: a file of a terabyte with nothing in it costs nothing.
Result<> copy_content(int from, int to, off_t size) {
    off_t begin = 0;
    while (begin < size) {
        const off_t data = ::lseek(from, begin, SEEK_DATA);
        if (data < 0 && errno == ENXIO) {
            break;
        }
        const off_t end = data < 0 ? size : ::lseek(from, data, SEEK_HOLE);
        GT_TRY(copy_range(from, to, data < 0 ? begin : data, end < 0 ? size : end));
        begin = end < 0 ? size : end;
    }
    if (::ftruncate(to, size) < 0) {
        return fail_errno("truncate");
    }
    return {};
}

/// Attributes of our own overlay mounts are not the image's.
bool is_ours(const std::string& name) {
    return name.starts_with("trusted.overlay.") || name.starts_with("user.overlay.");
}

Result<> copy_xattrs(int from, int to) {
    GT_TRY_VAR(names, sys::list_xattrs(from));
    for (const std::string& name : names) {
        if (is_ours(name)) {
            continue;
        }
        GT_TRY_VAR(value, sys::get_xattr(from, name.c_str()));
        if (!value) {
            continue;
        }
        if (auto set = sys::set_xattr(to, name.c_str(), *value);
            !set && set.error().kind() != Kind::kNotImplemented) {
            return set;
        }
    }
    return {};
}

/// Owner, mode and attributes of the entry NAME of DIR ("" is DIR itself). ORDER: the owner first,
/// which clears set-uid bits and file capabilities.
Result<> copy_metadata(int from, int dir, const char* name, const struct stat& status) {
    if (::fchownat(dir, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) <
        0) {
        return fail_errno(fmt::format("chown {}", name));
    }
    const bool is_self = name[0] == '\0';
    const std::string self = fmt::format("/proc/self/fd/{}", dir);
    if (!S_ISLNK(status.st_mode) &&
        (is_self ? ::chmod(self.c_str(), status.st_mode & 07777)
                 : ::fchmodat(dir, name, status.st_mode & 07777, 0)) < 0) {
        return fail_errno(fmt::format("chmod {}", name));
    }
    GT_TRY_VAR(entry, sys::open_file(dir, is_self ? "." : name, kLook));
    return copy_xattrs(from, entry.get());
}

Result<> copy_times(int dir, const char* name, const struct stat& status) {
    const std::array<timespec, 2> times = {status.st_atim, status.st_mtim};
    if (::utimensat(dir, name, times.data(), AT_SYMLINK_NOFOLLOW) < 0) {
        return fail_errno(fmt::format("set the times of {}", name));
    }
    return {};
}

/// Directory after directory, each by its path below the two roots: no recursion and no pile of
/// descriptors, as whoever made the image chose the depth.
class TreeCopy {
public:
    TreeCopy(int source, int target) : source_(source), target_(target) {}

    Result<> run() {
        std::vector<std::string> directories = {"."};
        for (size_t next = 0; next < directories.size(); ++next) {
            const std::string path = directories[next];  // the list grows meanwhile
            GT_TRY(copy_entries(path, directories));
        }
        // Times last, deepest first: filling a directory changes them.
        for (auto path = directories.rbegin(); path != directories.rend(); ++path) {
            struct stat status{};
            if (::fstatat(source_, path->c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
                return fail_errno("stat " + *path);
            }
            GT_TRY(copy_times(target_, path->c_str(), status));
        }
        return {};
    }

private:
    using Inode = std::pair<dev_t, ino_t>;

    Result<> copy_entries(const std::string& path, std::vector<std::string>& directories) {
        if (path.size() + NAME_MAX + 2 > PATH_MAX) {
            return fail(Kind::kInvalid, "the directories in the image are nested too deep");
        }
        GT_TRY_VAR(from, sys::open_file(source_, path.c_str(), kRead | O_DIRECTORY));
        GT_TRY_VAR(to, sys::open_file(target_, path.c_str(), kRead | O_DIRECTORY));
        GT_TRY(copy_directory_metadata(from.get(), to.get()));
        GT_TRY_VAR(names, sys::list_dir(from.get(), "."));
        for (const std::string& name : names) {
            struct stat status{};
            if (::fstatat(from.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
                return fail_errno("stat " + name);
            }
            const std::string below = path + "/" + name;
            if (S_ISDIR(status.st_mode)) {
                if (::mkdirat(to.get(), name.c_str(), 0700) < 0) {
                    return fail_errno("mkdir " + name);
                }
                directories.push_back(below);
                continue;
            }
            GT_TRY(copy_entry(from.get(), to.get(), name.c_str(), below, status));
        }
        return {};
    }

    Result<> copy_entry(int from, int to, const char* name, const std::string& path,
                        const struct stat& status) {
        if (status.st_nlink > 1) {
            const auto [known, is_first] =
                linked_.try_emplace(Inode(status.st_dev, status.st_ino), path);
            if (!is_first) {
                if (::linkat(target_, known->second.c_str(), to, name, 0) < 0) {
                    return fail_errno(fmt::format("link {}", name));
                }
                return {};
            }
        }
        GT_TRY(make_entry(from, to, name, status));
        GT_TRY_VAR(origin, sys::open_file(from, name, kLook));
        GT_TRY(copy_metadata(origin.get(), to, name, status));
        return copy_times(to, name, status);
    }

    static Result<> make_entry(int from, int to, const char* name, const struct stat& status) {
        if (S_ISREG(status.st_mode)) {
            GT_TRY_VAR(input, sys::open_file(from, name, kRead));
            GT_TRY_VAR(output, sys::open_file(to, name, O_WRONLY | O_CREAT | O_EXCL, 0600));
            return copy_content(input.get(), output.get(), status.st_size);
        }
        if (S_ISLNK(status.st_mode)) {
            std::array<char, PATH_MAX> text{};
            const ssize_t size = ::readlinkat(from, name, text.data(), text.size() - 1);
            if (size < 0 || ::symlinkat(text.data(), to, name) < 0) {
                return fail_errno(fmt::format("symlink {}", name));
            }
            return {};
        }
        if (::mknodat(to, name, status.st_mode, status.st_rdev) < 0) {
            return fail_errno(fmt::format("mknod {}", name));
        }
        return {};
    }

    const int source_;
    const int target_;
    /// The copies of files with several names.
    std::map<Inode, std::string> linked_;
};

}  // namespace

Result<> copy_directory_metadata(int source, int target) {
    struct stat status{};
    if (::fstat(source, &status) < 0) {
        return fail_errno("stat a directory");
    }
    return copy_metadata(source, target, "", status);
}

Result<> copy_tree(int source, int target) {
    return TreeCopy(source, target).run();
}

}  // namespace gantry::volume
