#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "spec/oci/image.h"
#include "store/content.h"
#include "store/images.h"

namespace gantry::store {

/// Told about a layer when its unpacking has moved on; called from the unpacking threads, one call
/// at a time. An error ends the commit.
using LayerProgress =
    std::function<Result<>(const Digest& diff_id, uint64_t done_bytes, uint64_t total_bytes)>;

/// An image to be made from blobs that were staged before.
struct IncomingImage {
    /// The config blob's bytes: the image's id is their digest.
    Digest config;
    /// Bottom first, as many as the config has diff ids.
    std::vector<spec::oci::Descriptor> layers;
    /// The manifest's bytes as they came; empty makes one.
    Digest manifest;
    /// Normalized names to point at the image.
    std::vector<std::string> names;
};

struct IngestedImage {
    ImagePtr image;
    /// Images that lost a name to this one, with the name.
    std::vector<std::pair<std::string, ImageId>> renamed;
};

/// Images on their way in: holds staged blobs and keeps the collector off everything it has touched
/// until it goes away. What was not made part of an image by then disappears.
///
/// Used by one thread. commit() may be called once per image of an archive.
class Ingest {
public:
    explicit Ingest(ImageStore& store);
    Ingest(const Ingest&) = delete;
    Ingest& operator=(const Ingest&) = delete;
    ~Ingest();

    /// Takes BYTES in; gives the digest and size.
    Result<spec::oci::Descriptor> add_blob(const Reader& reader, uint64_t limit);
    Result<spec::oci::Descriptor> add_blob(std::string_view bytes);
    Result<spec::oci::Descriptor> add_blob_from(const Producer& producer, uint64_t limit);

    /// Keeps IMAGE's blobs on disk as long as this object lives, whatever becomes of the image:
    /// kNotFound if one is gone already.
    Result<> keep(const Image& image);

    bool has_blob(const Digest& digest) const;
    /// Of a staged blob, or of one that is in the store already.
    Result<std::string> read_blob(const Digest& digest, size_t limit) const;
    Result<UniqueFd> open_blob(const Digest& digest) const;

    /// Checks the config, unpacks missing layers (several at a time), and makes image, layers and
    /// names visible in one step. kInvalid for a config or layer that is not what it claims to be.
    Result<IngestedImage> commit(const IncomingImage& incoming, const LayerProgress& progress = {});

private:
    struct Plan;
    Result<spec::oci::Descriptor> add_staged(StagedBlob blob);

    void lease(const std::string& key);
    Result<Plan> make_plan(const IncomingImage& incoming);
    void keep_present(Plan& plan);
    Result<> verify_blob(const Plan& plan, size_t layer);
    Result<> unpack_missing(const Plan& plan, const LayerProgress& progress);
    Result<std::vector<StagedLayer>> unpack(const Plan& plan, std::span<const size_t> missing,
                                            const LayerProgress& progress);
    Result<> record_layers(const Plan& plan, std::span<const size_t> which,
                           std::span<const StagedLayer> layers);
    Result<bool> has_layer(const ChainId& id);
    Result<> publish_blobs(const Plan& plan);
    Result<IngestedImage> record_image(const Plan& plan);
    Result<> write_records(Transaction& transaction, const Plan& plan, const Image& image);
    static Result<std::vector<Digest>> blobs_of(Transaction& transaction, const ImageId& id);
    static Result<> read_sizes(Transaction& transaction, Image& image);

    ImageStore& store_;
    std::map<Digest, StagedBlob> staged_;
    std::set<std::string> leased_;
    std::vector<Digest> touched_blobs_;
};

}  // namespace gantry::store
