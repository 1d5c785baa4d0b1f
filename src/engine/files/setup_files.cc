#include "engine/files/setup_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string>

#include "sys/files.h"

namespace gantry::engine {
namespace {

constexpr std::array<std::string_view, 8> kPlaces = {
    ".dockerenv",      "dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf",
    "sbin/docker-init"};
/// Directories that are made or touched for them.
constexpr std::array<std::string_view, 2> kParents = {"etc", "sbin"};

bool is_empty_directory(int upper, const std::string& path) {
    const auto names = sys::list_dir(upper, path.c_str());
    return names && names->empty();
}

bool is_untouched(int upper, const std::string& path) {
    struct stat status{};
    if (::fstatat(upper, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
        return false;
    }
    return S_ISREG(status.st_mode) ? status.st_size == 0
                                   : S_ISDIR(status.st_mode) && is_empty_directory(upper, path);
}

}  // namespace

bool is_setup_file(int upper, std::string_view path) {
    const std::string text(path);
    if (std::ranges::find(kPlaces, path) != kPlaces.end()) {
        return is_untouched(upper, text);
    }
    if (std::ranges::find(kParents, path) == kParents.end()) {
        return false;
    }
    struct stat status{};
    if (::fstatat(upper, text.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISDIR(status.st_mode)) {
        return false;
    }
    const auto names = sys::list_dir(upper, text.c_str());
    return names && !names->empty() && std::ranges::all_of(*names, [&](const std::string& name) {
               return is_setup_file(upper, text + "/" + name);
           });
}

}  // namespace gantry::engine
