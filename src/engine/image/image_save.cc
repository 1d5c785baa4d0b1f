// ImageService::save(): one archive that is both a docker archive and an OCI image layout.

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "engine/image/image_service.h"
#include "pack/tar_writer.h"
#include "spec/digest.h"
#include "spec/docker_archive.h"
#include "spec/json.h"
#include "spec/oci/image.h"
#include "spec/reference.h"
#include "store/content.h"
#include "store/ingest.h"

namespace gantry::engine {
namespace {

/// An image and the tags under which it is saved.
struct Saved {
    store::ImagePtr image;
    std::vector<spec::Reference> tags;
};

std::string blob_path(const Digest& digest) {
    return fmt::format("blobs/sha256/{}", spec::digest_hex(digest));
}

void add(std::vector<Saved>& saved, const store::ImagePtr& image,
         std::optional<spec::Reference> tag) {
    auto entry = std::ranges::find(saved, image->id, [](const Saved& s) { return s.image->id; });
    if (entry == saved.end()) {
        saved.push_back({image, {}});
        entry = std::prev(saved.end());
    }
    if (tag &&
        std::ranges::find(entry->tags, tag->str(), &spec::Reference::str) == entry->tags.end()) {
        entry->tags.push_back(std::move(*tag));
    }
}

/// What REF means for save: a name without tag stands for all tags of its repository, an id for the
/// image without any.
Result<> resolve(const store::ImageStore& images, const std::string& ref,
                 std::vector<Saved>& saved) {
    const auto reference = spec::parse_reference(ref);
    if (reference && reference->name_only()) {
        bool found = false;
        for (const store::ImagePtr& image : images.list()) {
            for (const std::string& tag : image->repo_tags) {
                auto of_image = spec::parse_reference(tag);
                if (of_image && of_image->name() == reference->name()) {
                    add(saved, image, std::move(*of_image));
                    found = true;
                }
            }
        }
        if (found) {
            return {};
        }
    }
    GT_TRY_VAR(image, images.find(ref));
    // An id reads as a name too ("sha256:" and a tag); only a name that the image has counts.
    const std::vector<std::string> names = images.names_of(image->id);
    const bool by_tag = reference && !reference->digest &&
                        std::ranges::find(names, reference->str()) != names.end();
    add(saved, image, by_tag ? std::optional(*reference) : std::nullopt);
    return {};
}

spec::ArchiveImage docker_entry(const Saved& saved) {
    spec::ArchiveImage entry;
    entry.config = blob_path(Digest(saved.image->id.str()));
    for (const spec::Reference& tag : saved.tags) {
        entry.repo_tags.push_back(tag.familiar());
    }
    for (size_t i = 0; i < saved.image->blobs.size(); ++i) {
        const spec::oci::Descriptor& blob = saved.image->blobs[i];
        entry.layers.push_back(blob_path(blob.digest));
        entry.layer_sources[saved.image->config.rootfs.diff_ids[i].str()] = blob;
    }
    return entry;
}

void add_index_entries(const Saved& saved, spec::oci::Index& index) {
    for (const spec::Reference& tag : saved.tags) {
        spec::oci::Descriptor entry = saved.image->manifest;
        entry.annotations["io.containerd.image.name"] = tag.str();
        entry.annotations["org.opencontainers.image.ref.name"] = tag.tag;
        index.manifests.push_back(std::move(entry));
    }
    if (saved.tags.empty()) {
        index.manifests.push_back(saved.image->manifest);
    }
}

Result<> write_blob(pack::TarWriter& tar, const store::ContentStore& content,
                    const Digest& digest) {
    GT_TRY_VAR(size, content.size(digest));
    GT_TRY_VAR(fd, content.open_blob(digest, store::Verify::kTrust));
    return tar.add_file(blob_path(digest), size, read_from_fd(fd.get()), WallTime{});
}

}  // namespace

Result<> ImageService::save(std::span<const std::string> refs, const Writer& out) const {
    std::vector<Saved> saved;
    for (const std::string& ref : refs) {
        GT_TRY(resolve(images_, ref, saved));
    }
    // Keeps the blobs while they are written, also from a removal of the image.
    const std::unique_ptr<store::Ingest> hold = images_.begin_ingest();
    std::vector<spec::ArchiveImage> entries;
    spec::oci::Index index;
    index.media_type = spec::oci::media_type::kIndex;
    std::set<Digest> blobs;
    for (const Saved& image : saved) {
        GT_TRY(hold->keep(*image.image));
        entries.push_back(docker_entry(image));
        add_index_entries(image, index);
        blobs.emplace(image.image->id.str());
        blobs.insert(image.image->manifest.digest);
        for (const spec::oci::Descriptor& layer : image.image->blobs) {
            blobs.insert(layer.digest);
        }
    }
    pack::TarWriter tar(out);
    GT_TRY(tar.add_directory("blobs/", WallTime{}));
    GT_TRY(tar.add_directory("blobs/sha256/", WallTime{}));
    for (const Digest& digest : blobs) {
        GT_TRY(write_blob(tar, images_.content(), digest));
    }
    GT_TRY(tar.add_file("index.json", spec::to_json(index), WallTime{}));
    GT_TRY(tar.add_file("manifest.json", spec::to_json(entries), WallTime{}));
    GT_TRY(tar.add_file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})", WallTime{}));
    GT_TRY(tar.finish());
    for (const Saved& image : saved) {
        announce("save", *image.image, image.image->id.str());
    }
    return {};
}

}  // namespace gantry::engine
