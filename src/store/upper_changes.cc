#include "store/upper_changes.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/unique_fd.h"
#include "sys/files.h"
#include "sys/xattrs.h"

namespace gantry::store {
namespace {

constexpr size_t kMaxDepth = 1024;

using Kind = UpperChange::Kind;

std::optional<struct stat> stat_in(int dir, const std::string& name) {
    struct stat status{};
    if (dir < 0 || ::fstatat(dir, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
        return std::nullopt;
    }
    return status;
}

UniqueFd open_directory(int dir, const std::string& name) {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    return dir < 0 ? UniqueFd() : UniqueFd(::openat(dir, name.c_str(), kFlags));
}

bool same_directory(const struct stat& a, const struct stat& b) {
    return a.st_mode == b.st_mode && a.st_uid == b.st_uid && a.st_gid == b.st_gid &&
           a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

class Comparison {
public:
    explicit Comparison(const std::function<bool(std::string_view)>& skip) : skip_(skip) {}

    Result<std::vector<UpperChange>> run(int upper, int below) {
        GT_TRY(descend(open_directory(upper, "."), open_directory(below, "."), "", true));
        while (!levels_.empty()) {
            if (levels_.back().names.empty()) {
                levels_.pop_back();
                continue;
            }
            const std::string name = std::move(levels_.back().names.back());
            levels_.back().names.pop_back();
            GT_TRY(visit(name));
        }
        return std::move(changes_);
    }

private:
    struct Level {
        UniqueFd upper;
        UniqueFd below;
        std::string path;  // "" or "/etc"
        bool listed;
        std::vector<std::string> names;  // last one next
    };

    Result<> descend(UniqueFd upper, UniqueFd below, std::string path, bool listed) {
        if (!upper) {
            return errno == ENOENT ? Result<>() : fail_errno(fmt::format("open {}", path));
        }
        if (levels_.size() >= kMaxDepth) {
            return fail(gantry::Kind::kInvalid,
                        fmt::format("more than {} directories deep", kMaxDepth));
        }
        GT_TRY_VAR(names, sys::list_dir(upper.get(), "."));
        std::ranges::sort(names, std::greater());
        levels_.push_back(
            {std::move(upper), std::move(below), std::move(path), listed, std::move(names)});
        return {};
    }

    void note(std::string path, Kind kind) { changes_.push_back({std::move(path), kind}); }

    /// Something in the present directory came or went.
    void note_in_directory(std::string path, Kind kind) {
        Level& level = levels_.back();
        if (!level.listed) {
            level.listed = true;
            note(level.path, Kind::kModified);
        }
        note(std::move(path), kind);
    }

    Result<> visit(const std::string& name) {
        Level& level = levels_.back();
        const std::string path = level.path + "/" + name;
        const auto status = stat_in(level.upper.get(), name);
        if (!status || skip_(std::string_view(path).substr(1))) {
            return {};
        }
        const auto before = stat_in(level.below.get(), name);
        if (S_ISCHR(status->st_mode) && status->st_rdev == 0) {
            if (before) {
                note_in_directory(path, Kind::kDeleted);
            }
            return {};
        }
        const bool both_directories =
            before && S_ISDIR(before->st_mode) && S_ISDIR(status->st_mode);
        bool listed = true;
        if (!before) {
            note_in_directory(path, Kind::kAdded);
        } else if (!both_directories || !same_directory(*status, *before)) {
            note(path, Kind::kModified);
        } else {
            listed = false;
        }
        if (!S_ISDIR(status->st_mode)) {
            return {};
        }
        UniqueFd upper = open_directory(level.upper.get(), name);
        UniqueFd below = both_directories ? open_directory(level.below.get(), name) : UniqueFd();
        if (both_directories && upper) {
            GT_TRY_VAR(opaque, sys::get_xattr(upper.get(), "trusted.overlay.opaque"));
            if (opaque == "y") {
                return replace(std::move(upper), std::move(below), path, listed);
            }
        }
        return descend(std::move(upper), std::move(below), path, listed);
    }

    /// A directory was made anew where there had been one: what only the old one has is deleted.
    Result<> replace(UniqueFd upper, UniqueFd below, const std::string& path, bool listed) {
        GT_TRY_VAR(old_names, sys::list_dir(below.get(), "."));
        GT_TRY(descend(std::move(upper), std::move(below), path, listed));
        std::ranges::sort(old_names);
        for (const std::string& name : old_names) {
            if (!stat_in(levels_.back().upper.get(), name)) {
                note_in_directory(path + "/" + name, Kind::kDeleted);
            }
        }
        return {};
    }

    const std::function<bool(std::string_view)>& skip_;
    std::vector<Level> levels_;
    std::vector<UpperChange> changes_;
};

}  // namespace

Result<std::vector<UpperChange>> upper_changes(
    int upper, int below, const std::function<bool(std::string_view path)>& skip) {
    return Comparison(skip).run(upper, below);
}

}  // namespace gantry::store
