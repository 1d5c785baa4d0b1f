#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::sys {

/// One open directory of a cgroup file system. Files are reached through the fd, which spares the
/// kernel the walk; errors name the whole path.
class CgroupDir {
public:
    /// kNotFound if there is no such group.
    static Result<CgroupDir> open(const std::string& mount_point, std::string_view path);

    int fd() const { return fd_.get(); }
    const std::string& path() const { return path_; }

    /// Writes in one write(2), as the kernel wants it. A missing file is kNotFound.
    Result<> write(const char* file, std::string_view value) const;
    Result<> write(const char* file, int64_t value) const;
    /// One write(2) for each of VALUES.
    Result<> write_each(const char* file, std::span<const std::string> values) const;
    Result<std::string> read(const char* file) const;
    /// The number after KEY in a file of lines "key number"; 0 if there is no such line.
    Result<uint64_t> read_keyed(const char* file, std::string_view key) const;
    bool has(const char* file) const;

    /// The names of the groups in it.
    Result<std::vector<std::string>> children() const;

private:
    CgroupDir(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

    UniqueFd fd_;
    std::string path_;
};

/// An absolute path without "", "." and ".." parts: "../../x" is "/x" (S35).
std::string clean_cgroup_path(std::string_view path);

}  // namespace gantry::sys
