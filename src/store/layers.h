#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/mutex.h"
#include "base/stream.h"
#include "base/unique_fd.h"
#include "pack/limits.h"
#include "store/trash.h"

namespace gantry::store {

/// What a tar stream was, found while it was unpacked.
struct LayerFacts {
    /// Of the uncompressed stream.
    Digest diff_id;
    /// Bytes in regular files: what Docker calls the layer's size.
    uint64_t content_bytes = 0;
    uint64_t entries = 0;
    /// The archive says who owns "/" and with which mode; otherwise the layer below does.
    bool has_root_entry = false;
};

/// Unpacks the tar STREAM (plain, gzip or zstd, told apart by content) below the empty directory
/// TARGET as an overlay layer: `.wh.x` becomes a 0:0 character device, `.wh..wh..opq` the opaque
/// mark. Owners, modes, nanosecond times, extended attributes, devices, FIFOs, hard links and holes
/// are kept. `*.overlay.*` attributes are dropped: they would steer the overlay mount.
///
/// SAFETY: names come from strangers. Nothing outside TARGET is touched: absolute names are taken
/// from TARGET, ".." is kInvalid, links are resolved inside TARGET, hard links never follow one.
/// Of two entries with one name the last wins. On failure TARGET holds rubbish and must go.
Result<LayerFacts> unpack_layer(const Reader& stream, int target,
                                const pack::ArchiveLimits& limits);

/// "sha256:..." over PARENT ("" for the lowest layer) and DIFF_ID (OCI image-spec, config.md).
ChainId chain_id(const ChainId& parent, const Digest& diff_id);
std::vector<ChainId> chain_ids(std::span<const Digest> diff_ids);

/// A layer on disk in tmp/ that is not visible yet; removed unless published.
class StagedLayer {
public:
    StagedLayer(StagedLayer&& other) noexcept;
    StagedLayer& operator=(StagedLayer&&) = delete;
    ~StagedLayer();

    const LayerFacts& facts() const { return facts_; }
    /// The directory that will be layers/<id>/diff.
    int diff() const { return diff_.get(); }

private:
    friend class Layers;
    StagedLayer(Trash& trash, int tmp, std::string name, UniqueFd diff);

    Trash* trash_;
    int tmp_;
    std::string name_;
    UniqueFd diff_;
    LayerFacts facts_;
};

/// The unpacked layers under layers/<hex of the chain id>/diff, each shared by all images that
/// begin with it. A layer becomes visible complete and durable or not at all.
///
/// Thread-safe, blocking. Who needs a layer is ImageStore's knowledge.
class Layers {
public:
    static Result<std::unique_ptr<Layers>> open(const std::string& data_root, Trash& trash);

    /// Unpacks STREAM into tmp/. kInvalid if its diff id is not EXPECTED (empty: any).
    Result<StagedLayer> stage(const Reader& stream, const Digest& expected,
                              const pack::ArchiveLimits& limits = {});

    /// Makes LAYERS visible under IDS, bottom first; the file system is synced once before. What is
    /// in the place of a layer (left by a crash, or damaged) goes to the trash. The caller holds
    /// the Claims on IDS. BELOW is the id under the first of them, "" for none.
    Result<> publish(std::span<StagedLayer> layers, std::span<const ChainId> ids,
                     const ChainId& below);

    bool contains(const ChainId& id) const;
    /// O_PATH; kDataLoss if the layer's directory is missing. The id "" is the empty layer that
    /// images without layers stand on.
    Result<UniqueFd> open_diff(const ChainId& id) const;
    /// Where the layer is, for `docker inspect`.
    std::string diff_path(const ChainId& id) const;

    /// Moves the layer to the trash; a missing one is success.
    Result<> remove(const ChainId& id);
    Result<std::vector<ChainId>> list() const;

private:
    explicit Layers(Trash& trash) : trash_(trash) {}

    Trash& trash_;
    std::string root_;
    UniqueFd layers_;
    UniqueFd tmp_;
};

}  // namespace gantry::store
