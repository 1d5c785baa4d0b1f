// Unpacks any bytes as a layer. Whatever they are, nothing outside the target may change.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/check.h"
#include "store/layers.h"
#include "sys/files.h"

namespace {

struct Place {
    Place() {
        GT_CHECK(::mkdtemp(path.data()) != nullptr);
        GT_CHECK(::mkdir((path + "/outside").c_str(), 0700) == 0);
    }
    ~Place() { (void)gantry::sys::remove_tree(AT_FDCWD, path.c_str()); }

    std::string path = "/dev/shm/gantry_tar_fuzz_XXXXXX";
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Place place;
    const std::string target = place.path + "/target";
    GT_CHECK(::mkdir(target.c_str(), 0755) == 0);
    {
        const auto fd = gantry::sys::open_dir(target.c_str());
        GT_CHECK(fd.has_value());
        const gantry::pack::ArchiveLimits limits{.max_entries = 1000,
                                                 .max_stream_bytes = 16 << 20,
                                                 .max_content_bytes = 16 << 20,
                                                 .max_path_depth = 64};
        // SAFETY: bytes are read as characters.
        const std::string_view bytes(reinterpret_cast<const char*>(data), size);
        (void)gantry::store::unpack_layer(gantry::read_from_memory(bytes), fd->get(), limits);
    }
    const auto names = gantry::sys::list_dir(AT_FDCWD, place.path.c_str());
    GT_CHECK(names.has_value() && names->size() == 2);
    const auto outside = gantry::sys::list_dir(AT_FDCWD, (place.path + "/outside").c_str());
    GT_CHECK(outside.has_value() && outside->empty());
    GT_CHECK(gantry::sys::remove_tree(AT_FDCWD, target.c_str()).has_value());
    return 0;
}
