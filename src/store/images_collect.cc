// What ImageStore does about garbage: removal of images, collection, and the sweep at the start.

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "store/images.h"
#include "store/impl/image_index.h"
#include "store/impl/leases.h"

namespace gantry::store {
namespace {

/// Layers that no image and no container stands on, children before parents as far as a chain goes.
constexpr std::string_view kUnneededLayers = R"(
WITH RECURSIVE needed(id) AS (
    SELECT layer FROM snapshots
    UNION SELECT layer FROM image_layers
    UNION SELECT layers.parent FROM layers JOIN needed ON layers.id = needed.id
)
SELECT id, blob FROM layers WHERE id NOT IN (SELECT id FROM needed)
)";

constexpr std::string_view kBlobIsNeeded =
    "SELECT EXISTS(SELECT 1 FROM image_blobs WHERE digest = ?1) OR "
    "EXISTS(SELECT 1 FROM layers WHERE blob = ?1)";

Result<std::set<std::string>> text_set(Transaction& transaction, std::string_view sql) {
    GT_TRY_VAR(query, transaction.prepare(sql));
    std::set<std::string> values;
    for (;;) {
        GT_TRY_VAR(more, query.step());
        if (!more) {
            return values;
        }
        values.emplace(query.text(0));
    }
}

}  // namespace

/// Files that no record names any more. Condemned until it goes away, so that nobody begins to use
/// them while they are being deleted.
struct ImageStore::Garbage {
    explicit Garbage(Leases& the_leases) : leases(&the_leases) {}
    Garbage(Garbage&& other) noexcept
        : leases(other.leases),
          keys(std::exchange(other.keys, {})),
          layers(std::move(other.layers)),
          blobs(std::move(other.blobs)) {}
    ~Garbage() { leases->absolve(keys); }

    /// Condemns KEY; false if somebody holds it.
    bool condemn(const std::string& key) {
        if (leases->condemn(std::span(&key, 1)).empty()) {
            return false;
        }
        keys.push_back(key);
        return true;
    }

    Leases* leases;
    std::vector<std::string> keys;
    std::vector<ChainId> layers;
    std::vector<Digest> blobs;
};

/// Deletes the records of layers that nobody needs in TRANSACTION, and names their directories,
/// their blobs and those of CANDIDATES that are not needed either.
Result<ImageStore::Garbage> ImageStore::find_garbage(Transaction& transaction,
                                                     std::span<const Digest> candidates) {
    Garbage garbage(*leases_);
    std::set<Digest> blobs(candidates.begin(), candidates.end());
    {
        GT_TRY_VAR(query, transaction.prepare(kUnneededLayers));
        for (;;) {
            GT_TRY_VAR(more, query.step());
            if (!more) {
                break;
            }
            const ChainId id(std::string(query.text(0)));
            if (garbage.condemn(layer_key(id))) {
                garbage.layers.push_back(id);
                blobs.emplace(std::string(query.text(1)));
            }
        }
    }
    for (const ChainId& id : garbage.layers) {
        GT_TRY(transaction.run("DELETE FROM layers WHERE id = ?", id.str()));
    }
    GT_TRY_VAR(needed, transaction.prepare(kBlobIsNeeded));
    for (const Digest& digest : blobs) {
        GT_TRY(needed.bind(1, digest.str()).step());
        const bool is_needed = needed.number(0) != 0;
        GT_TRY(needed.run());
        if (!is_needed && garbage.condemn(blob_key(digest))) {
            garbage.blobs.push_back(digest);
        }
    }
    return std::move(garbage);
}

/// ORDER: after the commit. A file that cannot be deleted now has no record, so the next start's
/// sweep finds it.
void ImageStore::delete_files(const Garbage& garbage) {
    for (const ChainId& id : garbage.layers) {
        (void)layers_->remove(id);
    }
    for (const Digest& digest : garbage.blobs) {
        (void)content_->remove(digest);
    }
}

Result<std::vector<ChainId>> ImageStore::collect(std::span<const Digest> blobs) {
    std::optional<Garbage> garbage;
    {
        // Not kFull: if the deletion of records is undone by a power cut, what they name is gone or
        // not, and the next start's sweep drops it either way.
        GT_TRY_VAR(transaction, database_.begin(CommitMode::kNormal, Space::kReserve));
        GT_TRY_VAR(found, find_garbage(transaction, blobs));
        garbage.emplace(std::move(found));
        GT_TRY(transaction.commit());
    }
    delete_files(*garbage);
    return std::move(garbage->layers);
}

Result<std::vector<ChainId>> ImageStore::collect_layers() {
    return collect({});
}

Result<RemovedImage> ImageStore::remove(const ImageId& id) {
    GT_TRY_VAR(image, get(id));
    RemovedImage removed;
    std::optional<Garbage> garbage;
    {
        GT_TRY_VAR(transaction, database_.begin(CommitMode::kFull, Space::kReserve));
        std::vector<Digest> blobs;
        {
            GT_TRY_VAR(query,
                       transaction.prepare("SELECT digest FROM image_blobs WHERE image = ?"));
            query.bind(1, id.str());
            for (;;) {
                GT_TRY_VAR(more, query.step());
                if (!more) {
                    break;
                }
                blobs.emplace_back(std::string(query.text(0)));
            }
        }
        GT_TRY(transaction.run("DELETE FROM images WHERE id = ?", id.str()));
        if (transaction.changes() == 0) {
            return fail(Kind::kNotFound, fmt::format("No such image: {}", id.str()));
        }
        GT_TRY_VAR(found, find_garbage(transaction, blobs));
        garbage.emplace(std::move(found));
        transaction.after_commit([&] {
            change_index([&](Index& index) {
                if (const auto last = index.images.find(id); last != index.images.end()) {
                    removed.untagged = last->second->repo_tags;
                    removed.untagged.insert(removed.untagged.end(),
                                            last->second->repo_digests.begin(),
                                            last->second->repo_digests.end());
                    index.images.erase(last);
                }
                std::erase_if(index.names, [&](const auto& name) { return name.second == id; });
            });
        });
        GT_TRY(transaction.commit());
    }
    write_mirror();
    delete_files(*garbage);
    for (auto layer = image->chain.rbegin(); layer != image->chain.rend(); ++layer) {
        if (std::ranges::find(garbage->layers, *layer) != garbage->layers.end()) {
            removed.layers.push_back(*layer);
        }
    }
    return removed;
}

/// Runs before anybody else uses the store, so nothing is leased or claimed.
Result<> ImageStore::sweep() {
    GT_TRY(collect({}));
    std::set<std::string> layers;
    std::set<std::string> blobs;
    {
        GT_TRY_VAR(transaction, database_.begin(CommitMode::kNormal));
        GT_TRY_VAR(layer_ids, text_set(transaction, "SELECT id FROM layers"));
        GT_TRY_VAR(
            digests,
            text_set(transaction, "SELECT digest FROM image_blobs UNION SELECT blob FROM layers"));
        layers = std::move(layer_ids);
        blobs = std::move(digests);
    }
    GT_TRY_VAR(on_disk, layers_->list());
    for (const ChainId& id : on_disk) {
        if (!layers.contains(id.str())) {
            GT_TRY(layers_->remove(id));
        }
    }
    GT_TRY_VAR(stored, content_->list());
    for (const Digest& digest : stored) {
        if (!blobs.contains(digest.str())) {
            GT_TRY(content_->remove(digest));
        }
    }
    for (const std::string& id : layers) {
        if (!layers_->contains(ChainId(id))) {
            notices_.push_back(fmt::format(
                "layer {} is missing on disk; load or pull its image again to repair it", id));
        }
    }
    return {};
}

}  // namespace gantry::store
