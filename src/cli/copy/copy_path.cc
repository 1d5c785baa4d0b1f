#include "cli/copy/copy_path.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

#include "cli/quote.h"
#include "cli/read_file.h"
#include "spec/mount.h"

namespace gantry::cli {
namespace {

using spec::clean_path;

/// The last part of PATH as it is written: "." for "a/.", "/" for the root, "." for nothing.
std::string last_part(std::string_view path) {
    if (path.empty()) {
        return ".";
    }
    while (path.size() > 1 && path.ends_with('/')) {
        path.remove_suffix(1);
    }
    return path == "/" ? std::string(path) : std::string(path.substr(path.rfind('/') + 1));
}

std::string joined(std::string_view directory, std::string_view name) {
    return clean_path(fmt::format("{}/{}", directory, name));
}

/// The first part of PATH that cannot be reached, in an error of lstat(2)'s.
Failure unreachable(const std::string& path) {
    if (errno == ENOTDIR) {
        return fail(Kind::kInvalid, "not a directory");
    }
    struct stat status{};
    for (size_t end = path.find('/', 1); end != path.npos; end = path.find('/', end + 1)) {
        if (::stat(path.substr(0, end).c_str(), &status) != 0) {
            return file_failure("lstat", path.substr(0, end));
        }
    }
    (void)::stat(path.c_str(), &status);
    return file_failure("lstat", clean_path(path));
}

/// PATH without links.
Result<std::string> resolved_path(const std::string& path) {
    const std::unique_ptr<char, decltype(&::free)> found(::realpath(path.c_str(), nullptr), ::free);
    if (!found) {
        return unreachable(path);
    }
    return std::string(found.get());
}

}  // namespace

bool asks_for_content(std::string_view path) {
    return last_part(path) == ".";
}

bool asks_for_directory(std::string_view path) {
    return path.ends_with('/') || asks_for_content(path);
}

SplitPath split_entry(std::string_view path) {
    const std::string cleaned = clean_path(path);
    if (asks_for_content(path)) {
        return {.directory = cleaned, .name = "."};
    }
    const size_t slash = cleaned.rfind('/');
    if (slash == cleaned.npos) {
        return {.directory = ".", .name = cleaned};
    }
    return {.directory = slash == 0 ? "/" : cleaned.substr(0, slash), .name = last_part(cleaned)};
}

std::string keep_ending(std::string cleaned, std::string_view original) {
    if (asks_for_content(original) && !asks_for_content(cleaned)) {
        cleaned += cleaned.ends_with('/') ? "." : "/.";
    }
    if (original.ends_with('/') && !cleaned.ends_with('/')) {
        cleaned += '/';
    }
    return cleaned;
}

std::string follow_link(std::string_view path, std::string_view link_target) {
    return link_target.starts_with('/') ? std::string(link_target)
                                        : joined(split_entry(path).directory, link_target);
}

CopyEnd renamed_end(std::string_view path, std::string resolved) {
    CopyEnd end;
    if (asks_for_content(path) && !asks_for_content(resolved)) {
        resolved += "/.";
    }
    if (path.ends_with('/') && !resolved.ends_with('/')) {
        resolved += '/';
    }
    if (last_part(path) != last_part(resolved)) {
        end.rebase_name = last_part(path);
    }
    end.path = std::move(resolved);
    return end;
}

Result<CopyPlace> place_copy(const CopyEnd& source, const CopyEnd& destination) {
    const std::string name = split_entry(source.path).name;
    const std::string wanted = source.rebase_name.empty() ? name : source.rebase_name;
    if (destination.exists && destination.is_directory) {
        return CopyPlace{.directory = destination.path, .old_name = name, .new_name = wanted};
    }
    if (destination.exists && source.is_directory) {
        return fail(Kind::kInvalid, "cannot copy directory");
    }
    if (!destination.exists && !source.is_directory && asks_for_directory(destination.path)) {
        return fail(Kind::kInvalid, "no such directory");
    }
    SplitPath target = split_entry(destination.path);
    return CopyPlace{.directory = std::move(target.directory),
                     .old_name = name,
                     .new_name = std::move(target.name)};
}

std::string renamed_entry(const CopyPlace& place, std::string_view name) {
    if (place.old_name == place.new_name) {
        return std::string(name);
    }
    if (place.old_name == "/") {
        return fmt::format("{}{}{}", place.new_name, name.starts_with('/') ? "" : "/", name);
    }
    const std::string_view old = place.old_name;
    if (!name.starts_with(old) || (name.size() > old.size() && name[old.size()] != '/')) {
        return std::string(name);
    }
    return place.new_name + std::string(name.substr(old.size()));
}

std::string absolute_path(std::string_view text) {
    std::string whole(text);
    if (!text.starts_with('/')) {
        const std::unique_ptr<char, decltype(&::free)> here(::getcwd(nullptr, 0), ::free);
        whole = fmt::format("{}/{}", here ? here.get() : "", text);
    }
    return keep_ending(clean_path(whole), text);
}

Result<CopyEnd> local_source(const std::string& path, bool follow) {
    CopyEnd end;
    if (follow) {
        GT_TRY_VAR(resolved, resolved_path(path));
        end = renamed_end(path, std::move(resolved));
    } else {
        const size_t slash = path.rfind('/') + 1;
        GT_TRY_VAR(directory, resolved_path(path.substr(0, slash)));
        end.path = (directory == "/" ? "" : directory) + "/" + path.substr(slash);
        if (path.ends_with('/') && last_part(path) != last_part(end.path)) {
            end.rebase_name = last_part(path);
        }
    }
    struct stat status{};
    if (::lstat(end.path.c_str(), &status) != 0) {
        return errno == ENOTDIR ? fail(Kind::kInvalid, "not a directory")
                                : file_failure("lstat", end.path);
    }
    end.exists = true;
    end.is_directory = S_ISDIR(status.st_mode);
    return end;
}

Result<CopyEnd> local_destination(const std::string& path) {
    constexpr int kMostLinks = 10;
    CopyEnd end{.path = path};
    struct stat status{};
    for (int links = 0; ::lstat(end.path.c_str(), &status) == 0; ++links) {
        if (!S_ISLNK(status.st_mode)) {
            end.exists = true;
            end.is_directory = S_ISDIR(status.st_mode);
            return end;
        }
        if (links > kMostLinks) {
            return fail(Kind::kInvalid, "too many symlinks in " + path);
        }
        std::string target(PATH_MAX, '\0');
        const ssize_t size = ::readlink(end.path.c_str(), target.data(), target.size());
        if (size < 0) {
            return file_failure("readlink", end.path);
        }
        end.path =
            follow_link(end.path, std::string_view(target).substr(0, static_cast<size_t>(size)));
    }
    if (errno != ENOENT) {
        return file_failure("lstat", end.path);
    }
    const std::string parent = split_entry(end.path).directory;
    if (::stat(parent.c_str(), &status) != 0) {
        return file_failure("stat", parent);
    }
    if (!S_ISDIR(status.st_mode)) {
        return fail(Kind::kInvalid, "not a directory");
    }
    return end;
}

Result<> check_output_path(const std::string& path) {
    const std::string directory = split_entry(clean_path(path)).directory;
    struct stat status{};
    if (directory != "." && ::stat(directory.c_str(), &status) != 0 && errno == ENOENT) {
        return fail(Kind::kInvalid, fmt::format("invalid output path: directory {} does not exist",
                                                quote(directory)));
    }
    if (::stat(path.c_str(), &status) != 0) {
        return errno == ENOENT ? Result<>() : file_failure("stat", path);
    }
    if (S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode)) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid output path: {} must be a directory or a regular file: "
                                "got a device",
                                quote(path)));
    }
    return {};
}

}  // namespace gantry::cli
