// list_dir() and remove_tree() of sys/files.h: the walk over directories.

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/files.h"

namespace gantry::sys {
namespace {

struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
};
using UniqueDir = std::unique_ptr<DIR, CloseDir>;

Result<UniqueDir> open_listing(UniqueFd fd) {
    UniqueDir dir(::fdopendir(fd.get()));
    if (!dir) {
        return fail_errno("open a directory");
    }
    (void)fd.release();  // closedir() closes it from now on
    return dir;
}

bool is_dot(std::string_view name) {
    return name == "." || name == "..";
}

/// Depth-first removal with a stack of its own, so that a deep tree made by a container cannot
/// overflow a thread's stack. An attacker chooses the depth, so fds are not kept per level either:
/// the walk goes up again by "..", and checks that it arrives where it came from.
class TreeRemover {
public:
    Result<> remove(int dir, const char* name) {
        if (unlink_entry(dir, name)) {
            return {};
        }
        auto top = open_file(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (!top) {
            return Failure(std::move(top).error());
        }
        struct stat status;
        if (::fstat(top->get(), &status) < 0) {
            return fail_errno(fmt::format("stat {}", name));
        }
        device_ = status.st_dev;
        empty(std::move(*top));
        if (::unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
            note(fail_errno(fmt::format("rmdir {}", name)));
        }
        if (first_) {
            return Failure(std::move(*first_));
        }
        return {};
    }

private:
    struct Level {
        std::string name;
        ino_t inode;
    };

    void note(Failure failure) {
        if (!first_) {
            first_.emplace(std::move(failure).error());
        }
    }

    /// True when the entry is gone or is an error that was noted; false for a directory.
    bool unlink_entry(int dir, const char* name) {
        if (::unlinkat(dir, name, 0) == 0 || errno == ENOENT) {
            return true;
        }
        if (errno == EISDIR || errno == EPERM) {
            struct stat status;
            if (::fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                S_ISDIR(status.st_mode)) {
                return false;
            }
            errno = EPERM;
        }
        note(fail_errno(fmt::format("unlink {}", name)));
        return true;
    }

    /// Removes what is in CURRENT and all below.
    void empty(UniqueFd current) {
        std::vector<Level> above;
        std::vector<std::vector<std::string>> todo;
        todo.push_back(files_removed(current.get()));
        for (;;) {
            if (todo.back().empty()) {
                todo.pop_back();
                if (above.empty() || !go_up(current, above)) {
                    return;
                }
                continue;
            }
            const std::string name = std::move(todo.back().back());
            todo.back().pop_back();
            if (go_down(current, above, name)) {
                todo.push_back(files_removed(current.get()));
            }
        }
    }

    bool go_down(UniqueFd& current, std::vector<Level>& above, const std::string& name) {
        auto next = open_file(current.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        struct stat here;
        struct stat below;
        if (!next || ::fstat(current.get(), &here) < 0 || ::fstat(next->get(), &below) < 0) {
            note(next ? fail_errno(fmt::format("stat {}", name))
                      : Failure(std::move(next).error()));
            return false;
        }
        if (below.st_dev != device_) {
            errno = EBUSY;
            note(fail_errno(fmt::format("{}: something is mounted here", name)));
            return false;
        }
        above.push_back({name, here.st_ino});
        current = std::move(*next);
        return true;
    }

    bool go_up(UniqueFd& current, std::vector<Level>& above) {
        auto parent = open_file(current.get(), "..", O_RDONLY | O_DIRECTORY);
        struct stat status;
        if (!parent || ::fstat(parent->get(), &status) < 0) {
            note(parent ? fail_errno("stat ..") : Failure(std::move(parent).error()));
            return false;
        }
        // SAFETY: somebody who moved the directory away meanwhile must not lead us out of the tree.
        if (status.st_ino != above.back().inode || status.st_dev != device_) {
            note(fail(Kind::kConflict, "a directory was moved while it was being removed"));
            return false;
        }
        current = std::move(*parent);
        if (::unlinkat(current.get(), above.back().name.c_str(), AT_REMOVEDIR) < 0 &&
            errno != ENOENT) {
            note(fail_errno(fmt::format("rmdir {}", above.back().name)));
        }
        above.pop_back();
        return true;
    }

    /// Unlinks all but the directories in DIR and returns their names.
    std::vector<std::string> files_removed(int dir) {
        auto names = list_dir(dir, ".");
        if (!names) {
            note(Failure(std::move(names).error()));
            return {};
        }
        std::erase_if(*names, [&](const std::string& n) { return unlink_entry(dir, n.c_str()); });
        return std::move(*names);
    }

    dev_t device_ = 0;
    std::optional<Error> first_;
};

}  // namespace

Result<std::vector<std::string>> list_dir(int dir, const char* path) {
    GT_TRY_VAR(fd, open_file(dir, path, O_RDONLY | O_DIRECTORY));
    GT_TRY_VAR(listing, open_listing(std::move(fd)));
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(listing.get());
        if (entry == nullptr) {
            break;
        }
        if (!is_dot(entry->d_name)) {
            names.emplace_back(entry->d_name);
        }
    }
    if (errno != 0) {
        return fail_errno(fmt::format("list {}", path));
    }
    return names;
}

Result<> remove_tree(int dir, const char* name) {
    return TreeRemover().remove(dir, name);
}

}  // namespace gantry::sys
