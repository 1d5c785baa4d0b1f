#include "runtime/impl/host_devices.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

namespace gantry::runtime {

namespace {

constexpr int kMaxDepth = 8;

Result<> collect(const std::string& dir_path, int depth, std::vector<spec::oci::Device>& devices) {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(dir_path.c_str()), &closedir);
    if (dir == nullptr) {
        // Devices come and go while we look.
        return errno == ENOENT ? Result<>() : fail_errno(dir_path);
    }
    constexpr std::array<std::string_view, 9> kOwn = {".",      "..",      "pts",  "shm",  "fd",
                                                      "mqueue", "console", "ptmx", ".udev"};
    while (const dirent* entry = readdir(dir.get())) {
        const std::string path = dir_path + "/" + entry->d_name;
        struct stat status = {};
        if (std::ranges::find(kOwn, entry->d_name) != kOwn.end() ||
            lstat(path.c_str(), &status) != 0) {
            continue;
        }
        if (S_ISDIR(status.st_mode)) {
            if (depth < kMaxDepth) {
                GT_TRY(collect(path, depth + 1, devices));
            }
        } else if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
            devices.push_back({path, S_ISCHR(status.st_mode) ? "c" : "b",
                               static_cast<int64_t>(major(status.st_rdev)),
                               static_cast<int64_t>(minor(status.st_rdev)), status.st_mode & 07777U,
                               status.st_uid, status.st_gid});
        }
    }
    return {};
}

}  // namespace

Result<std::vector<spec::oci::Device>> host_devices() {
    std::vector<spec::oci::Device> devices;
    GT_TRY(collect("/dev", 0, devices));
    std::ranges::sort(devices, {}, &spec::oci::Device::path);
    return devices;
}

}  // namespace gantry::runtime
