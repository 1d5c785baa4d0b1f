#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/stream.h"
#include "spec/oci/descriptor.h"
#include "spec/oci/image.h"
#include "store/ingest.h"

namespace gantry::engine {

/// An archive of images, read once from front to back: its documents in memory, everything else as
/// staged blobs of an Ingest. Understands `docker save` of all ages (manifest.json, with layers at
/// <id>/layer.tar or blobs/sha256/...) and OCI image layouts (index.json), plain or compressed.
///
/// Used by one thread. Nothing in the archive can be trusted; what is handed to the Ingest is
/// checked there again.
class ArchiveReader {
public:
    explicit ArchiveReader(store::Ingest& ingest) : ingest_(ingest) {}

    /// Reads all of ARCHIVE. kInvalid for what is no tar or where a blob's name is not its digest.
    Result<> read(const Reader& archive);

    /// The images in it, in the archive's order. Of an image for several platforms the one that
    /// runs on PLATFORM is taken.
    Result<std::vector<store::IncomingImage>> images(const spec::oci::Platform& platform) const;

private:
    Result<> take_file(const std::string& name, uint64_t size, const Reader& content);
    const spec::oci::Descriptor* find(std::string_view name) const;

    Result<std::vector<store::IncomingImage>> docker_images() const;
    Result<std::vector<store::IncomingImage>> oci_images(const spec::oci::Platform& platform) const;
    Result<> add_descriptor(const spec::oci::Descriptor& descriptor, std::string_view name,
                            const spec::oci::Platform& platform, int depth,
                            std::vector<store::IncomingImage>& images) const;
    Result<> add_manifest(const Digest& digest, std::string_view name,
                          std::vector<store::IncomingImage>& images) const;
    void keep_manifest(store::IncomingImage& image) const;
    Result<spec::oci::Descriptor> layer_descriptor(std::string_view name) const;

    store::Ingest& ingest_;
    /// manifest.json, index.json and the like.
    std::map<std::string, std::string, std::less<>> documents_;
    std::map<std::string, spec::oci::Descriptor, std::less<>> files_;
    /// Links by name: old archives do not repeat a layer.
    std::map<std::string, std::string, std::less<>> links_;
};

}  // namespace gantry::engine
