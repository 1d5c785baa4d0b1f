#include "sys/impl/cgroup_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/text.h"
#include "sys/files.h"

namespace gantry::sys {

Result<CgroupDir> CgroupDir::open(const std::string& mount_point, std::string_view path) {
    std::string full = mount_point + std::string(path);
    GT_TRY_VAR(fd, open_dir(full.c_str()));
    return CgroupDir(std::move(fd), std::move(full));
}

Result<> CgroupDir::write(const char* file, std::string_view value) const {
    const UniqueFd fd(::openat(fd_.get(), file, O_WRONLY | O_CLOEXEC));
    if (!fd) {
        return fail_errno(fmt::format("open {}/{}", path_, file));
    }
    if (::write(fd.get(), value.data(), value.size()) < 0) {
        return fail_errno(fmt::format("write {} to {}/{}", value, path_, file));
    }
    return {};
}

Result<> CgroupDir::write_each(const char* file, std::span<const std::string> values) const {
    const UniqueFd fd(::openat(fd_.get(), file, O_WRONLY | O_CLOEXEC));
    if (!fd) {
        return fail_errno(fmt::format("open {}/{}", path_, file));
    }
    for (const std::string& value : values) {
        if (::write(fd.get(), value.data(), value.size()) < 0) {
            return fail_errno(fmt::format("write {} to {}/{}", value, path_, file));
        }
    }
    return {};
}

Result<> CgroupDir::write(const char* file, int64_t value) const {
    return write(file, fmt::format("{}", value));
}

Result<std::string> CgroupDir::read(const char* file) const {
    constexpr size_t kLimit = 16 << 20;  // cgroup.procs of a very full group
    auto text = read_file_at(fd_.get(), file, kLimit);
    if (!text) {
        return Failure(std::move(text).error().in(path_));
    }
    return text;
}

Result<uint64_t> CgroupDir::read_keyed(const char* file, std::string_view key) const {
    GT_TRY_VAR(text, read(file));
    for (const std::string_view line : split(text, '\n')) {
        const Cut parts = cut(line, ' ');
        if (parts.before == key) {
            return parse_uint(trim(parts.after)).value_or(0);
        }
    }
    return 0;
}

bool CgroupDir::has(const char* file) const {
    return ::faccessat(fd_.get(), file, F_OK, 0) == 0;
}

Result<std::vector<std::string>> CgroupDir::children() const {
    GT_TRY_VAR(fd, open_file(fd_.get(), ".", O_RDONLY | O_DIRECTORY));
    DIR* listing = ::fdopendir(fd.get());
    if (listing == nullptr) {
        return fail_errno(fmt::format("list {}", path_));
    }
    (void)fd.release();  // closedir() closes it
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(listing)) {
        const std::string_view name = entry->d_name;
        if (entry->d_type == DT_DIR && name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    ::closedir(listing);
    return names;
}

std::string clean_cgroup_path(std::string_view path) {
    std::vector<std::string_view> kept;
    for (const std::string_view part : split(path, '/')) {
        if (part == "..") {
            if (!kept.empty()) {
                kept.pop_back();
            }
        } else if (!part.empty() && part != ".") {
            kept.push_back(part);
        }
    }
    std::string clean;
    for (const std::string_view part : kept) {
        clean += '/';
        clean += part;
    }
    return clean;
}

}  // namespace gantry::sys
