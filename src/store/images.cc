#include "store/images.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "spec/digest.h"
#include "spec/json.h"
#include "spec/reference.h"
#include "store/impl/image_check.h"
#include "store/impl/image_index.h"
#include "store/impl/leases.h"
#include "sys/files.h"

namespace gantry::store {
namespace {

// `blob` of a layer is kept besides the images' blobs: a container whose image was removed can
// still be committed on top of it.
constexpr std::array<std::string_view, 1> kTables = {R"(
CREATE TABLE images(
    id TEXT PRIMARY KEY,
    manifest TEXT NOT NULL,
    last_tagged INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE image_blobs(
    image TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    PRIMARY KEY(image, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_blobs_by_digest ON image_blobs(digest);
CREATE TABLE image_layers(
    image TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    layer TEXT NOT NULL REFERENCES layers(id),
    PRIMARY KEY(image, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_layers_by_layer ON image_layers(layer);
CREATE TABLE names(
    name TEXT PRIMARY KEY,
    image TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX names_by_image ON names(image);
CREATE TABLE layers(
    id TEXT PRIMARY KEY,
    parent TEXT NOT NULL,
    diff_id TEXT NOT NULL,
    blob TEXT NOT NULL,
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX layers_by_blob ON layers(blob);
CREATE TABLE snapshots(
    container TEXT PRIMARY KEY,
    layer TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX snapshots_by_layer ON snapshots(layer);
)"};

bool is_hex(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string_view without_algorithm(std::string_view ref) {
    constexpr std::string_view kPrefix = "sha256:";
    return ref.starts_with(kPrefix) ? ref.substr(kPrefix.size()) : ref;
}

Failure no_such_image(std::string_view ref) {
    return fail(Kind::kNotFound, fmt::format("No such image: {}", ref));
}

/// The name under which the index knows REFERENCE: a digest wins over a tag.
std::string index_name(const spec::Reference& reference) {
    if (reference.digest) {
        return reference.name() + "@" + reference.digest->str();
    }
    return reference.with_default_tag().str();
}

void set_names(Image& image, const std::map<std::string, ImageId>& names) {
    image.repo_tags.clear();
    image.repo_digests.clear();
    for (const auto& [name, id] : names) {
        if (id != image.id) {
            continue;
        }
        if (const auto reference = spec::parse_reference(name)) {
            (reference->digest ? image.repo_digests : image.repo_tags)
                .push_back(reference->familiar());
        }
    }
    std::ranges::sort(image.repo_tags);
    std::ranges::sort(image.repo_digests);
}

}  // namespace

void ImageStore::Index::refresh(const ImageId& id) {
    if (const auto found = images.find(id); found != images.end()) {
        auto image = std::make_shared<Image>(*found->second);
        set_names(*image, names);
        found->second = std::move(image);
    }
}

std::vector<std::pair<std::string, ImageId>> ImageStore::Index::put(
    const std::shared_ptr<Image>& image, std::span<const std::string> new_names) {
    std::vector<std::pair<std::string, ImageId>> lost;
    for (const std::string& name : new_names) {
        const ImageId loser = std::exchange(names[name], image->id);
        if (!loser.empty() && loser != image->id) {
            lost.emplace_back(name, loser);
        }
    }
    if (const auto old = images.find(image->id); old != images.end()) {
        image->last_tagged = std::max(image->last_tagged, old->second->last_tagged);
    }
    set_names(*image, names);
    images[image->id] = image;
    for (const auto& [name, loser] : lost) {
        refresh(loser);
    }
    return lost;
}

ImageStore::ImageStore(Database& database)
    : database_(database),
      leases_(std::make_unique<Leases>()),
      claims_(std::make_unique<Claims>()),
      index_(std::make_shared<Index>()) {}

ImageStore::~ImageStore() = default;

Result<std::unique_ptr<ImageStore>> ImageStore::open(Database& database,
                                                     const std::string& data_root) {
    GT_TRY(sys::make_dirs(data_root.c_str(), 0700));
    GT_TRY(database.migrate("store", kTables));
    std::unique_ptr<ImageStore> store(new ImageStore(database));
    GT_TRY_VAR(trash, Trash::open(data_root));
    store->trash_ = std::move(trash);
    // What stands in tmp/ was never finished; nobody writes there yet.
    const std::string tmp = data_root + "/tmp";
    GT_TRY(sys::make_dirs(tmp.c_str(), 0700));
    GT_TRY_VAR(tmp_fd, sys::open_file(AT_FDCWD, tmp.c_str(), O_RDONLY | O_DIRECTORY));
    GT_TRY_VAR(leftovers, sys::list_dir(tmp_fd.get(), "."));
    for (const std::string& name : leftovers) {
        GT_TRY(store->trash_->discard(tmp_fd.get(), name));
    }
    GT_TRY_VAR(content, ContentStore::open(data_root));
    store->content_ = std::move(content);
    GT_TRY_VAR(layers, Layers::open(data_root, *store->trash_));
    store->layers_ = std::move(layers);
    if (database.was_replaced()) {
        GT_TRY(store->restore_from_mirror());
        return std::move(store);
    }
    GT_TRY(store->load_index());
    GT_TRY(store->sweep());
    return std::move(store);
}

std::shared_ptr<const ImageStore::Index> ImageStore::index() const {
    MutexLock lock(mutex_);
    return index_;
}

/// Called from after_commit() only, so changes come one at a time and in the order of commits.
void ImageStore::change_index(const std::function<void(Index&)>& change) {
    auto next = std::make_shared<Index>(*index());
    change(*next);
    MutexLock lock(mutex_);
    index_ = std::move(next);
}

Result<ImagePtr> ImageStore::get(const ImageId& id) const {
    const auto now = index();
    const auto found = now->images.find(id);
    if (found == now->images.end()) {
        return no_such_image(id.str());
    }
    return found->second;
}

Result<ImagePtr> ImageStore::find(std::string_view ref) const {
    const auto now = index();
    const std::string_view hex = without_algorithm(ref);
    if (hex.size() == 64 && is_hex(hex)) {
        return get(ImageId("sha256:" + std::string(hex)));
    }
    auto reference = spec::parse_reference(ref);
    if (reference) {
        if (const auto found = now->names.find(index_name(*reference)); found != now->names.end()) {
            return get(found->second);
        }
    }
    if (is_hex(hex) && hex.size() < 64) {
        const auto first = now->images.lower_bound(ImageId("sha256:" + std::string(hex)));
        const auto matches = [&](auto at) {
            return at != now->images.end() && without_algorithm(at->first.str()).starts_with(hex);
        };
        if (matches(first) && !matches(std::next(first))) {
            return first->second;
        }
    }
    if (!reference) {
        return Failure(std::move(reference).error());
    }
    return no_such_image(reference->with_default_tag().familiar());
}

std::vector<ImagePtr> ImageStore::list() const {
    const auto now = index();
    std::vector<ImagePtr> images;
    images.reserve(now->images.size());
    for (const auto& [id, image] : now->images) {
        images.push_back(image);
    }
    return images;
}

size_t ImageStore::count() const {
    return index()->images.size();
}

std::vector<std::string> ImageStore::names_of(const ImageId& id) const {
    const auto now = index();
    std::vector<std::string> names;
    for (const auto& [name, image] : now->names) {
        if (image == id) {
            names.push_back(name);
        }
    }
    return names;
}

Result<ImageId> ImageStore::tag(const ImageId& id, const std::string& name) {
    ImageId before;
    {
        GT_TRY_VAR(transaction, database_.begin(CommitMode::kFull));
        const WallTime now = wall_now();
        GT_TRY(transaction.run("UPDATE images SET last_tagged = ? WHERE id = ?",
                               now.time_since_epoch().count(), id.str()));
        if (transaction.changes() == 0) {
            return no_such_image(id.str());
        }
        GT_TRY(
            transaction.run("INSERT INTO names(name, image) VALUES(?, ?) "
                            "ON CONFLICT(name) DO UPDATE SET image = excluded.image",
                            name, id.str()));
        transaction.after_commit([&] {
            change_index([&](Index& index) {
                if (const auto found = index.images.find(id); found != index.images.end()) {
                    auto image = std::make_shared<Image>(*found->second);
                    image->last_tagged = now;
                    const auto lost = index.put(image, std::span(&name, 1));
                    before = lost.empty() ? ImageId() : lost.front().second;
                }
            });
        });
        GT_TRY(transaction.commit());
    }
    write_mirror();
    return before;
}

Result<> ImageStore::untag(const std::string& name) {
    {
        GT_TRY_VAR(transaction, database_.begin(CommitMode::kFull, Space::kReserve));
        GT_TRY(transaction.run("DELETE FROM names WHERE name = ?", name));
        if (transaction.changes() == 0) {
            return no_such_image(name);
        }
        transaction.after_commit([&] {
            change_index([&](Index& index) {
                const ImageId id = index.names[name];
                index.names.erase(name);
                index.refresh(id);
            });
        });
        GT_TRY(transaction.commit());
    }
    write_mirror();
    return {};
}

/// Builds the image from what is stored. Any part that is missing or wrong is an error.
Result<ImagePtr> ImageStore::read_image(const ImageId& id, const Digest& manifest,
                                        WallTime last_tagged) {
    auto image = std::make_shared<Image>();
    image->id = id;
    GT_TRY_VAR(manifest_text, content_->read_blob(manifest, kMaxImageDocument));
    GT_TRY_VAR(parsed, spec::oci::parse_manifest(manifest_text));
    GT_TRY_VAR(config_text, content_->read_blob(Digest(id.str()), kMaxImageDocument));
    GT_TRY_VAR(config, spec::oci::parse_image_config(config_text));
    GT_TRY(check_image_config(config));
    if (parsed.config.digest.str() != id.str() ||
        parsed.layers.size() != config.rootfs.diff_ids.size()) {
        return fail(Kind::kInvalid, fmt::format("manifest {} and config {} do not belong together",
                                                manifest.str(), id.str()));
    }
    image->manifest.media_type = parsed.media_type.empty()
                                     ? std::string(spec::oci::media_type::kManifest)
                                     : parsed.media_type;
    image->manifest.digest = manifest;
    image->manifest.size = static_cast<int64_t>(manifest_text.size());
    image->blobs = std::move(parsed.layers);
    image->chain = chain_ids(config.rootfs.diff_ids);
    image->created = config.created.value_or(WallTime{});
    image->last_tagged = last_tagged;
    image->config = std::move(config);
    return ImagePtr(std::move(image));
}

void ImageStore::write_mirror() {
    // The database has it already, so a failure here loses nothing: the next change writes again.
    MutexLock lock(mirror_mutex_);
    const auto now = index();
    spec::oci::Index mirror;
    mirror.media_type = spec::oci::media_type::kIndex;
    for (const auto& [id, image] : now->images) {
        spec::oci::Descriptor plain = image->manifest;
        mirror.manifests.push_back(plain);
    }
    for (const auto& [name, id] : now->names) {
        const auto found = now->images.find(id);
        const auto reference = spec::parse_reference(name);
        if (found == now->images.end() || !reference) {
            continue;
        }
        spec::oci::Descriptor named = found->second->manifest;
        named.annotations["io.containerd.image.name"] = name;
        if (!reference->tag.empty()) {
            named.annotations["org.opencontainers.image.ref.name"] = reference->tag;
        }
        mirror.manifests.push_back(std::move(named));
    }
    (void)content_->write_index(spec::to_json(mirror));
}

}  // namespace gantry::store
