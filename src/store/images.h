#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "base/mutex.h"
#include "spec/oci/image.h"
#include "store/content.h"
#include "store/database.h"
#include "store/layers.h"
#include "store/trash.h"

namespace gantry::store {

/// One image as it was at some moment; never changes. Holding it does not keep its layers on disk:
/// a Snapshot does.
struct Image {
    ImageId id;
    /// Checked and cleaned when the image came in: what is in here can be used as it stands.
    spec::oci::ImageConfig config;
    spec::oci::Descriptor manifest;
    /// The layers' blobs as they came, bottom first.
    std::vector<spec::oci::Descriptor> blobs;
    std::vector<ChainId> chain;
    std::vector<uint64_t> layer_bytes;
    /// Familiar form ("alpine:3.20", "alpine@sha256:..."), sorted.
    std::vector<std::string> repo_tags;
    std::vector<std::string> repo_digests;
    /// All layers' content_bytes.
    uint64_t size = 0;
    /// As the config says; WallTime{} if it does not.
    WallTime created;
    WallTime last_tagged;
};
using ImagePtr = std::shared_ptr<const Image>;

/// What removing an image took away (for the answer of DELETE /images).
struct RemovedImage {
    /// Familiar names that pointed at it.
    std::vector<std::string> untagged;
    /// Top first.
    std::vector<ChainId> layers;
};

class Claims;
class Leases;

class Ingest;

/// The images of one data-root: records and tags in the database, config, manifest and layer blobs
/// in content/, unpacked layers in layers/. It decides what is garbage: a blob or layer stays as
/// long as an image, a container's snapshot or an Ingest under way needs it.
///
/// Thread-safe. find() and list() read an immutable index in memory and never wait; changes block
/// for the disk. State is durable when a change has returned.
class ImageStore {
public:
    /// Opens what is below DATA_ROOT (0700) and sweeps: empties tmp/, moves blobs and layers that
    /// nobody needs to the trash, sets images aside whose parts are missing (notices()). If the
    /// database was replaced, images come back from content/index.json.
    static Result<std::unique_ptr<ImageStore>> open(Database& database,
                                                    const std::string& data_root);
    ImageStore(const ImageStore&) = delete;
    ImageStore& operator=(const ImageStore&) = delete;
    ~ImageStore();

    /// By name[:tag] (":latest" is assumed), name@digest, full id, or unique id prefix; a name wins
    /// over an id (behaviours E4). kNotFound in Docker's words: "No such image: x:latest"; kInvalid
    /// for what can be neither.
    Result<ImagePtr> find(std::string_view ref) const;
    Result<ImagePtr> get(const ImageId& id) const;
    /// In no order.
    std::vector<ImagePtr> list() const;
    size_t count() const;

    /// Points the normalized NAME at the image; whoever had the name loses it. Gives that image's
    /// id, empty if there was none.
    Result<ImageId> tag(const ImageId& id, const std::string& name);
    /// Takes the name away. kNotFound if it is not there.
    Result<> untag(const std::string& name);
    /// The normalized names and digests of an image.
    std::vector<std::string> names_of(const ImageId& id) const;

    /// Removes the image and its names, then blobs and layers that nothing else needs.
    Result<RemovedImage> remove(const ImageId& id);

    /// What an unpacked layer came from.
    struct LayerOrigin {
        Digest diff_id;
        spec::oci::Descriptor blob;
    };
    /// Of CHAIN, bottom first, also when no image has these layers any more. kDataLoss if one is
    /// not recorded.
    Result<std::vector<LayerOrigin>> layer_origins(std::span<const ChainId> chain);

    /// Starts bringing images in.
    std::unique_ptr<Ingest> begin_ingest();

    ContentStore& content() { return *content_; }
    const ContentStore& content() const { return *content_; }
    Layers& layers() { return *layers_; }
    const Layers& layers() const { return *layers_; }
    Trash& trash() { return *trash_; }

    /// What the sweep at open() found wrong, one sentence each.
    const std::vector<std::string>& notices() const { return notices_; }

    /// Drops layers that nothing needs any more; Snapshots calls it after a container went.
    Result<std::vector<ChainId>> collect_layers();

private:
    friend class Ingest;
    struct Index;
    explicit ImageStore(Database& database);

    std::shared_ptr<const Index> index() const;
    void change_index(const std::function<void(Index&)>& change);
    void write_mirror();

    Result<> load_index();
    Result<ImagePtr> read_image(const ImageId& id, const Digest& manifest, WallTime last_tagged);
    Result<> drop_broken(std::span<const ImageId> broken);
    Result<> sweep();
    Result<> restore_from_mirror();
    Result<> restore_image(const Digest& manifest, std::span<const std::string> names);

    struct Garbage;
    Result<Garbage> find_garbage(Transaction& transaction, std::span<const Digest> blobs);
    Result<std::vector<ChainId>> collect(std::span<const Digest> blobs);
    void delete_files(const Garbage& garbage);

    Database& database_;
    std::unique_ptr<Trash> trash_;
    std::unique_ptr<ContentStore> content_;
    std::unique_ptr<Layers> layers_;
    std::unique_ptr<Leases> leases_;
    std::unique_ptr<Claims> claims_;
    std::vector<std::string> notices_;
    mutable Mutex mutex_;
    std::shared_ptr<const Index> index_ GT_GUARDED_BY(mutex_);
    // Held over the writing of index.json, and nothing else waits for it.
    Mutex mirror_mutex_;
};

}  // namespace gantry::store
