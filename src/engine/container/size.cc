#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <set>
#include <utility>

#include "engine/container/inspect.h"
#include "engine/container/tree_size.h"
#include "store/images.h"
#include "store/snapshots.h"

namespace gantry::engine {

namespace {

/// Nesting that is measured; a deeper tree is cut off, as its owner chose the depth.
constexpr int kMaxDepth = 512;

struct CloseDir {
    void operator()(DIR* dir) const { closedir(dir); }
};

/// Adds up the bytes below a directory. A file with several names counts once.
class Measure {
public:
    int64_t bytes() const { return bytes_; }

    Result<> add(int parent, const char* name, int depth) {
        // SAFETY: no link is followed and no path is resolved twice; the container may be changing
        // the tree while we look.
        UniqueFd fd(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!fd) {
            return errno == ENOENT || errno == ENOTDIR ? Result<>() : fail_errno("measure");
        }
        const std::unique_ptr<DIR, CloseDir> dir(fdopendir(fd.get()));
        if (!dir) {
            return fail_errno("measure");
        }
        (void)fd.release();
        while (const dirent* entry = readdir(dir.get())) {
            const std::string_view entry_name = entry->d_name;
            if (entry_name == "." || entry_name == "..") {
                continue;
            }
            struct stat status{};
            if (fstatat(dirfd(dir.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
                continue;
            }
            if (S_ISREG(status.st_mode) &&
                (status.st_nlink == 1 || linked_.insert({status.st_dev, status.st_ino}).second)) {
                bytes_ += status.st_size;
            }
            if (S_ISDIR(status.st_mode) && depth < kMaxDepth) {
                GT_TRY(add(dirfd(dir.get()), entry->d_name, depth + 1));
            }
        }
        return {};
    }

private:
    int64_t bytes_ = 0;
    std::set<std::pair<dev_t, ino_t>> linked_;
};

}  // namespace

Result<int64_t> measure_tree(const std::string& path) {
    Measure measure;
    GT_TRY(measure.add(AT_FDCWD, path.c_str(), 0));
    return measure.bytes();
}

Result<ContainerSize> measure_container(const ContainerCore& core, const ContainerRecord& record) {
    GT_TRY_VAR(bytes, measure_tree(core.parts.snapshots.upper_path(record.id)));
    ContainerSize size{.writable = bytes, .total = bytes};
    if (const auto image = core.parts.images.get(record.image)) {
        size.total += static_cast<int64_t>((*image)->size);
    }
    return size;
}

}  // namespace gantry::engine
