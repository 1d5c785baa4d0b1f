// Reads any bytes as the manifest.json (first byte even) or index.json (odd) of an image archive.
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/check.h"
#include "engine/image/archive_reader.h"
#include "spec/platform.h"
#include "store/database.h"
#include "store/images.h"
#include "store/tar_fake.h"
#include "sys/files.h"

namespace {

struct Place {
    Place() {
        GT_CHECK(::mkdtemp(path.data()) != nullptr);
        database = *gantry::store::Database::open(path + "/gantry.db");
        images = *gantry::store::ImageStore::open(*database, path);
    }
    ~Place() {
        images.reset();
        database.reset();
        (void)gantry::sys::remove_tree(AT_FDCWD, path.c_str());
    }

    std::string path = "/dev/shm/gantry_archive_fuzz_XXXXXX";
    std::unique_ptr<gantry::store::Database> database;
    std::unique_ptr<gantry::store::ImageStore> images;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Place place;
    if (size == 0) {
        return 0;
    }
    // SAFETY: bytes are read as characters.
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    gantry::store::TarFake archive;
    archive.file(data[0] % 2 == 0 ? "manifest.json" : "index.json", text);
    // What the document may name: a config without layers, a layer, and a link in a circle.
    archive.file("c.json", R"({"os":"linux","rootfs":{"type":"layers","diff_ids":[]}})");
    archive.file("layer.tar", std::string(1024, '\0')).symlink("loop", "loop");
    const auto ingest = place.images->begin_ingest();
    gantry::engine::ArchiveReader reader(*ingest);
    GT_CHECK(reader.read(gantry::read_from_memory(archive.str())).has_value());
    if (const auto found = reader.images(gantry::spec::native_platform())) {
        for (const gantry::store::IncomingImage& image : *found) {
            (void)ingest->commit(image);
        }
    }
    return 0;
}
