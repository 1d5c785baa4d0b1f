// How ImageStore gets its index at the start: from the database, or from index.json when the
// database was lost.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <map>
#include <set>
#include <utility>

#include "spec/json.h"
#include "spec/reference.h"
#include "store/images.h"
#include "store/impl/image_index.h"
#include "store/ingest.h"
#include "sys/files.h"
#include "sys/root_dir.h"

namespace gantry::store {
namespace {

/// Bytes in the regular files below DIRECTORY, each inode once: what unpack_layer() counted.
Result<uint64_t> measure(UniqueFd directory) {
    const sys::RootDir root = sys::RootDir::from_fd(std::move(directory));
    std::set<ino_t> counted;
    uint64_t bytes = 0;
    std::vector<std::string> todo{"."};
    while (!todo.empty()) {
        const std::string path = std::move(todo.back());
        todo.pop_back();
        GT_TRY_VAR(here, root.open_at(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        GT_TRY_VAR(names, sys::list_dir(here.get(), "."));
        for (const std::string& name : names) {
            struct stat status{};
            if (::fstatat(here.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
                return fail_errno(fmt::format("stat {}", name));
            }
            if (S_ISREG(status.st_mode) && counted.insert(status.st_ino).second) {
                bytes += static_cast<uint64_t>(status.st_size);
            } else if (S_ISDIR(status.st_mode)) {
                todo.push_back(path + "/" + name);
            }
        }
    }
    return bytes;
}

struct ImageRow {
    ImageId id;
    Digest manifest;
    WallTime last_tagged;
};

struct Records {
    std::vector<ImageRow> images;
    std::map<std::string, ImageId> names;
    std::map<ChainId, uint64_t> layer_bytes;
};

Result<Records> read_records(Database& database) {
    Records records;
    GT_TRY_VAR(transaction, database.begin(CommitMode::kNormal));
    GT_TRY_VAR(images, transaction.prepare("SELECT id, manifest, last_tagged FROM images"));
    for (;;) {
        GT_TRY_VAR(more, images.step());
        if (!more) {
            break;
        }
        records.images.push_back({ImageId(std::string(images.text(0))),
                                  Digest(std::string(images.text(1))),
                                  WallTime(std::chrono::nanoseconds(images.number(2)))});
    }
    GT_TRY_VAR(names, transaction.prepare("SELECT name, image FROM names"));
    for (;;) {
        GT_TRY_VAR(more, names.step());
        if (!more) {
            break;
        }
        records.names.emplace(std::string(names.text(0)), ImageId(std::string(names.text(1))));
    }
    GT_TRY_VAR(layers, transaction.prepare("SELECT id, bytes FROM layers"));
    for (;;) {
        GT_TRY_VAR(more, layers.step());
        if (!more) {
            break;
        }
        records.layer_bytes.emplace(ChainId(std::string(layers.text(0))),
                                    static_cast<uint64_t>(layers.number(1)));
    }
    return records;
}

}  // namespace

Result<> ImageStore::load_index() {
    GT_TRY_VAR(records, read_records(database_));
    auto index = std::make_shared<Index>();
    index->names = std::move(records.names);
    std::vector<ImageId> broken;
    for (const ImageRow& row : records.images) {
        auto read = read_image(row.id, row.manifest, row.last_tagged);
        if (!read) {
            notices_.push_back(fmt::format("image {} is unusable and was removed: {}", row.id.str(),
                                           read.error().text()));
            broken.push_back(row.id);
            std::erase_if(index->names, [&](const auto& name) { return name.second == row.id; });
            continue;
        }
        auto image = std::make_shared<Image>(**read);
        for (const ChainId& id : image->chain) {
            const auto found = records.layer_bytes.find(id);
            image->layer_bytes.push_back(found == records.layer_bytes.end() ? 0 : found->second);
            image->size += image->layer_bytes.back();
        }
        index->put(image, {});
    }
    {
        MutexLock lock(mutex_);
        index_ = std::move(index);
    }
    return drop_broken(broken);
}

Result<> ImageStore::drop_broken(std::span<const ImageId> broken) {
    if (broken.empty()) {
        return {};
    }
    GT_TRY_VAR(transaction, database_.begin(CommitMode::kFull));
    for (const ImageId& id : broken) {
        GT_TRY(transaction.run("DELETE FROM images WHERE id = ?", id.str()));
    }
    return transaction.commit();
}

/// The database was damaged and is empty now. Blobs and layers are still there, and index.json says
/// which images they were: bring each in again. Nothing is swept this time: containers that still
/// run may stand on layers of which nobody knows any more.
Result<> ImageStore::restore_from_mirror() {
    const auto text = content_->read_index();
    if (!text) {
        return {};
    }
    const auto mirror = spec::oci::parse_index(*text);
    if (!mirror) {
        notices_.push_back(
            fmt::format("content/index.json is unusable: {}", mirror.error().text()));
        return {};
    }
    std::map<Digest, std::vector<std::string>> names;
    for (const spec::oci::Descriptor& descriptor : mirror->manifests) {
        std::vector<std::string>& of_image = names[descriptor.digest];
        const auto name = descriptor.annotations.find("io.containerd.image.name");
        if (name != descriptor.annotations.end() && spec::parse_reference(name->second)) {
            of_image.push_back(name->second);
        }
    }
    for (const auto& [digest, of_image] : names) {
        if (auto restored = restore_image(digest, of_image); !restored) {
            notices_.push_back(fmt::format("the image of manifest {} could not be restored: {}",
                                           digest.str(), restored.error().text()));
        }
    }
    notices_.push_back(fmt::format("{} images were restored from content/index.json", count()));
    return {};
}

Result<> ImageStore::restore_image(const Digest& manifest, std::span<const std::string> names) {
    GT_TRY_VAR(manifest_text, content_->read_blob(manifest, kMaxImageDocument));
    GT_TRY_VAR(parsed, spec::oci::parse_manifest(manifest_text));
    GT_TRY_VAR(config_text, content_->read_blob(parsed.config.digest, kMaxImageDocument));
    GT_TRY_VAR(config, spec::oci::parse_image_config(config_text));
    const std::vector<ChainId> chain = chain_ids(config.rootfs.diff_ids);
    if (chain.size() != parsed.layers.size()) {
        return fail(Kind::kDataLoss, "manifest and config do not fit each other");
    }
    // A layer that is visible on disk is complete. Its record is written first, so that the ingest
    // below finds it and does not put another directory in its place.
    for (size_t i = 0; i < chain.size(); ++i) {
        auto diff = layers_->open_diff(chain[i]);
        if (!diff) {
            continue;
        }
        GT_TRY_VAR(bytes, measure(std::move(*diff)));
        GT_TRY_VAR(transaction, database_.begin(CommitMode::kNormal));
        GT_TRY(
            transaction.run("INSERT INTO layers(id, parent, diff_id, blob, bytes) "
                            "VALUES(?, ?, ?, ?, ?) ON CONFLICT(id) DO NOTHING",
                            chain[i].str(), i == 0 ? std::string() : chain[i - 1].str(),
                            config.rootfs.diff_ids[i].str(), parsed.layers[i].digest.str(),
                            static_cast<int64_t>(bytes)));
        GT_TRY(transaction.commit());
    }
    const auto ingest = begin_ingest();
    IncomingImage incoming;
    incoming.config = parsed.config.digest;
    incoming.layers = parsed.layers;
    incoming.manifest = manifest;
    incoming.names.assign(names.begin(), names.end());
    GT_TRY(ingest->commit(incoming));
    return {};
}

Result<std::vector<ImageStore::LayerOrigin>> ImageStore::layer_origins(
    std::span<const ChainId> chain) {
    std::vector<LayerOrigin> origins;
    GT_TRY_VAR(transaction, database_.begin(CommitMode::kNormal));
    GT_TRY_VAR(query, transaction.prepare("SELECT diff_id, blob FROM layers WHERE id = ?"));
    for (const ChainId& id : chain) {
        GT_TRY_VAR(found, query.bind(1, id.str()).step());
        if (!found) {
            return fail(Kind::kDataLoss, fmt::format("layer {} is not recorded", id.str()));
        }
        LayerOrigin origin;
        origin.diff_id = Digest(std::string(query.text(0)));
        origin.blob.digest = Digest(std::string(query.text(1)));
        GT_TRY(query.run());
        GT_TRY_VAR(size, content_->size(origin.blob.digest));
        origin.blob.size = static_cast<int64_t>(size);
        origin.blob.media_type = origin.blob.digest == origin.diff_id
                                     ? spec::oci::media_type::kLayer
                                     : spec::oci::media_type::kLayerGzip;
        origins.push_back(std::move(origin));
    }
    return origins;
}

}  // namespace gantry::store
