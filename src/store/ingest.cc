#include "store/ingest.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "base/failpoint.h"
#include "base/mutex.h"
#include "base/scope_guard.h"
#include "spec/json.h"
#include "store/compression.h"
#include "store/impl/image_check.h"
#include "store/impl/image_index.h"
#include "store/impl/leases.h"
#include "store/impl/sha256.h"

namespace gantry::store {
namespace {

constexpr unsigned kMaxUnpackThreads = 4;

}  // namespace

/// Everything that is known about an image before its layers are unpacked.
struct Ingest::Plan {
    IncomingImage incoming;
    spec::oci::ImageConfig config;
    spec::oci::Descriptor manifest;
    std::vector<ChainId> chain;

    const Digest& diff_id(size_t layer) const { return config.rootfs.diff_ids[layer]; }
    const spec::oci::Descriptor& blob(size_t layer) const { return incoming.layers[layer]; }
};

Ingest::Ingest(ImageStore& store) : store_(store) {}

Ingest::~Ingest() {
    for (const std::string& key : leased_) {
        store_.leases_->release(key);
    }
    // What did not become part of an image goes now, or at the next start.
    (void)store_.collect(touched_blobs_);
}

std::unique_ptr<Ingest> ImageStore::begin_ingest() {
    return std::make_unique<Ingest>(*this);
}

void Ingest::lease(const std::string& key) {
    if (leased_.insert(key).second) {
        store_.leases_->acquire(key);
    }
}

Result<spec::oci::Descriptor> Ingest::add_blob(const Reader& reader, uint64_t limit) {
    GT_TRY_VAR(blob, store_.content_->stage(reader, limit));
    return add_staged(std::move(blob));
}

Result<spec::oci::Descriptor> Ingest::add_blob_from(const Producer& producer, uint64_t limit) {
    GT_TRY_VAR(blob, store_.content_->stage_from(producer, limit));
    return add_staged(std::move(blob));
}

Result<spec::oci::Descriptor> Ingest::add_staged(StagedBlob blob) {
    spec::oci::Descriptor descriptor;
    descriptor.digest = blob.digest();
    descriptor.size = static_cast<int64_t>(blob.size());
    staged_.emplace(blob.digest(), std::move(blob));
    return descriptor;
}

Result<spec::oci::Descriptor> Ingest::add_blob(std::string_view bytes) {
    return add_blob(read_from_memory(bytes), bytes.size());
}

Result<> Ingest::keep(const Image& image) {
    std::vector<Digest> blobs{Digest(image.id.str()), image.manifest.digest};
    for (const spec::oci::Descriptor& layer : image.blobs) {
        blobs.push_back(layer.digest);
    }
    for (const Digest& digest : blobs) {
        lease(blob_key(digest));
        touched_blobs_.push_back(digest);
        if (!store_.content_->contains(digest)) {
            return fail(Kind::kNotFound,
                        fmt::format("image {}: blob {} is missing", image.id.str(), digest.str()));
        }
    }
    return {};
}

bool Ingest::has_blob(const Digest& digest) const {
    return staged_.contains(digest) || store_.content_->contains(digest);
}

Result<UniqueFd> Ingest::open_blob(const Digest& digest) const {
    const auto staged = staged_.find(digest);
    return staged != staged_.end() ? staged->second.open()
                                   : store_.content_->open_blob(digest, Verify::kTrust);
}

Result<std::string> Ingest::read_blob(const Digest& digest, size_t limit) const {
    const auto staged = staged_.find(digest);
    return staged != staged_.end() ? staged->second.read(limit)
                                   : store_.content_->read_blob(digest, limit);
}

Result<IngestedImage> Ingest::commit(const IncomingImage& incoming, const LayerProgress& progress) {
    GT_TRY_VAR(plan, make_plan(incoming));
    GT_TRY(unpack_missing(plan, progress));
    keep_present(plan);
    GT_TRY(publish_blobs(plan));
    return record_image(plan);
}

/// An image that is here and whole keeps the blobs it came with: the same layers compressed
/// otherwise would only take up space.
void Ingest::keep_present(Plan& plan) {
    const auto present = store_.get(ImageId(plan.incoming.config.str()));
    // ORDER: found first, then kept; once kept, a removal cannot take the blobs away any more.
    if (present && keep(**present)) {
        plan.manifest = (*present)->manifest;
        plan.incoming.layers = (*present)->blobs;
    }
}

Result<Ingest::Plan> Ingest::make_plan(const IncomingImage& incoming) {
    Plan plan{.incoming = incoming, .config = {}, .manifest = {}, .chain = {}};
    lease(blob_key(incoming.config));
    touched_blobs_.push_back(incoming.config);
    GT_TRY_VAR(config_text, read_blob(incoming.config, kMaxImageDocument));
    GT_TRY_VAR(config, spec::oci::parse_image_config(config_text));
    GT_TRY(check_image_config(config));
    plan.config = std::move(config);
    const std::vector<Digest>& diff_ids = plan.config.rootfs.diff_ids;
    if (diff_ids.size() != incoming.layers.size()) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid manifest, layers length mismatch: expected {}, got {}",
                                incoming.layers.size(), diff_ids.size()));
    }
    plan.chain = chain_ids(diff_ids);
    for (size_t i = 0; i < plan.chain.size(); ++i) {
        lease(layer_key(plan.chain[i]));
        lease(blob_key(plan.blob(i).digest));
        touched_blobs_.push_back(plan.blob(i).digest);
        if (!has_blob(plan.blob(i).digest)) {
            return fail(Kind::kInvalid,
                        fmt::format("layer blob {} is missing", plan.blob(i).digest.str()));
        }
    }
    plan.manifest.digest = incoming.manifest;
    if (incoming.manifest.empty()) {
        spec::oci::Manifest manifest;
        manifest.media_type = spec::oci::media_type::kManifest;
        manifest.config.media_type = spec::oci::media_type::kConfig;
        manifest.config.digest = incoming.config;
        manifest.config.size = static_cast<int64_t>(config_text.size());
        manifest.layers = incoming.layers;
        GT_TRY_VAR(made, add_blob(spec::to_json(manifest)));
        plan.manifest = std::move(made);
    }
    lease(blob_key(plan.manifest.digest));
    touched_blobs_.push_back(plan.manifest.digest);
    GT_TRY_VAR(manifest_text, read_blob(plan.manifest.digest, kMaxImageDocument));
    plan.manifest.size = static_cast<int64_t>(manifest_text.size());
    plan.manifest.media_type = spec::oci::media_type::kManifest;
    return std::move(plan);
}

Result<> Ingest::unpack_missing(const Plan& plan, const LayerProgress& progress) {
    std::vector<size_t> missing;
    const ScopeGuard give_up([&] {
        for (const size_t layer : missing) {
            store_.claims_->give_up(layer_key(plan.chain[layer]));
        }
    });
    for (size_t i = 0; i < plan.chain.size(); ++i) {
        store_.claims_->claim(layer_key(plan.chain[i]));
        missing.push_back(i);
        GT_TRY_VAR(present, has_layer(plan.chain[i]));
        if (present) {
            store_.claims_->give_up(layer_key(plan.chain[i]));
            missing.pop_back();
            GT_TRY(verify_blob(plan, i));
        }
    }
    if (missing.empty()) {
        return {};
    }
    GT_TRY_VAR(layers, unpack(plan, missing, progress));
    // Layers go in runs that stand on each other, so that each finds the one below it.
    for (size_t begin = 0; begin < missing.size();) {
        size_t end = begin + 1;
        while (end < missing.size() && missing[end] == missing[end - 1] + 1) {
            ++end;
        }
        const size_t first = missing[begin];
        GT_TRY(store_.layers_->publish(std::span(layers).subspan(begin, end - begin),
                                       std::span(plan.chain).subspan(first, end - begin),
                                       first == 0 ? ChainId() : plan.chain[first - 1]));
        begin = end;
    }
    return record_layers(plan, missing, layers);
}

/// A layer is there when the database knows it and its directory is in place.
Result<bool> Ingest::has_layer(const ChainId& id) {
    if (!store_.layers_->contains(id)) {
        return false;
    }
    GT_TRY_VAR(transaction, store_.database_.begin(CommitMode::kNormal));
    GT_TRY_VAR(query, transaction.prepare("SELECT 1 FROM layers WHERE id = ?"));
    return query.bind(1, id.str()).step();
}

/// A layer that need not be unpacked could come with any blob, and would be saved with it.
Result<> Ingest::verify_blob(const Plan& plan, size_t layer) {
    const Digest& digest = plan.blob(layer).digest;
    if (digest == plan.diff_id(layer)) {
        return {};
    }
    {
        GT_TRY_VAR(transaction, store_.database_.begin(CommitMode::kNormal));
        GT_TRY_VAR(query, transaction.prepare("SELECT 1 FROM layers WHERE id = ? AND blob = ?"));
        GT_TRY_VAR(known, query.bind(1, plan.chain[layer].str()).bind(2, digest.str()).step());
        if (known) {
            return {};
        }
    }
    GT_TRY_VAR(fd, open_blob(digest));
    GT_TRY_VAR(plain, decompressed(read_from_fd(fd.get())));
    Sha256 hash;
    std::string buffer(size_t{128} * 1024, '\0');
    for (;;) {
        GT_TRY_VAR(count, plain(buffer));
        if (count == 0) {
            break;
        }
        hash.update(std::string_view(buffer).substr(0, count));
    }
    if (const Digest found = hash.finish(); found != plan.diff_id(layer)) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid layer {}: its diff id is {:?}, expected {:?}", layer,
                                found.str(), plan.diff_id(layer).str()));
    }
    return {};
}

Result<std::vector<StagedLayer>> Ingest::unpack(const Plan& plan, std::span<const size_t> missing,
                                                const LayerProgress& progress) {
    std::vector<std::optional<Result<StagedLayer>>> results(missing.size());
    std::atomic<size_t> next = 0;
    std::atomic<bool> failed = false;
    Mutex progress_mutex;

    const auto unpack_one = [&](size_t layer) -> Result<StagedLayer> {
        const auto total = static_cast<uint64_t>(plan.blob(layer).size);
        GT_TRY_VAR(fd, open_blob(plan.blob(layer).digest));
        const Reader raw = read_from_fd(fd.get());
        uint64_t done = 0;
        return store_.layers_->stage(
            [&](std::span<char> into) -> Result<size_t> {
                if (failed) {
                    return fail(Kind::kCancelled, "another layer failed");
                }
                GT_TRY_VAR(count, raw(into));
                done += count;
                if (progress) {
                    MutexLock lock(progress_mutex);
                    GT_TRY(progress(plan.diff_id(layer), done, total));
                }
                return count;
            },
            plan.diff_id(layer));
    };
    const auto work = [&] {
        for (size_t i = next++; i < missing.size() && !failed; i = next++) {
            results[i].emplace(unpack_one(missing[i]));
            failed = failed || !*results[i];
        }
    };
    {
        const size_t wanted = std::min<size_t>(
            missing.size(), std::clamp(std::thread::hardware_concurrency(), 1U, kMaxUnpackThreads));
        std::vector<std::jthread> helpers;
        for (size_t i = 1; i < wanted; ++i) {
            helpers.emplace_back(work);
        }
        work();
    }
    std::vector<StagedLayer> layers;
    std::optional<Error> first;
    for (size_t i = 0; i < results.size(); ++i) {
        if (results[i] && *results[i]) {
            layers.push_back(std::move(**results[i]));
        } else if (results[i] && results[i]->error().kind() != Kind::kCancelled && !first) {
            first.emplace(std::move(results[i]->error()).in(fmt::format("layer {}", missing[i])));
        }
    }
    if (first) {
        return Failure(std::move(*first));
    }
    if (layers.size() != missing.size()) {
        return fail(Kind::kCancelled, "unpacking was cancelled");
    }
    return layers;
}

/// ORDER: the layers are in place and durable. Not kFull: the image's own commit makes it so, and
/// without an image the next start sweeps them.
Result<> Ingest::record_layers(const Plan& plan, std::span<const size_t> which,
                               std::span<const StagedLayer> layers) {
    GT_TRY_VAR(transaction, store_.database_.begin(CommitMode::kNormal));
    for (size_t i = 0; i < which.size(); ++i) {
        const size_t layer = which[i];
        GT_TRY(transaction.run(
            "INSERT INTO layers(id, parent, diff_id, blob, bytes) VALUES(?, ?, ?, ?, ?) "
            "ON CONFLICT(id) DO UPDATE SET blob = excluded.blob, bytes = excluded.bytes",
            plan.chain[layer].str(), layer == 0 ? std::string() : plan.chain[layer - 1].str(),
            plan.diff_id(layer).str(), plan.blob(layer).digest.str(),
            static_cast<int64_t>(layers[i].facts().content_bytes)));
    }
    return transaction.commit();
}

Result<> Ingest::publish_blobs(const Plan& plan) {
    std::vector<StagedBlob> blobs;
    const auto take = [&](const Digest& digest) {
        if (auto staged = staged_.extract(digest)) {
            // One that is there already may be damaged; ours was hashed a moment ago.
            blobs.push_back(std::move(staged.mapped()));
        }
    };
    take(plan.incoming.config);
    take(plan.manifest.digest);
    for (const spec::oci::Descriptor& layer : plan.incoming.layers) {
        take(layer.digest);
    }
    return store_.content_->publish(blobs);
}

Result<IngestedImage> Ingest::record_image(const Plan& plan) {
    const std::vector<std::string>& names = plan.incoming.names;
    const WallTime tagged = names.empty() ? WallTime{} : wall_now();
    const ImageId id(plan.incoming.config.str());
    GT_TRY_VAR(read, store_.read_image(id, plan.manifest.digest, tagged));
    auto image = std::make_shared<Image>(*read);
    IngestedImage result;
    {
        GT_TRY_VAR(transaction, store_.database_.begin(CommitMode::kFull));
        GT_TRY(write_records(transaction, plan, *image));
        GT_TRY(read_sizes(transaction, *image));
        transaction.after_commit([&] {
            store_.change_index(
                [&](ImageStore::Index& index) { result.renamed = index.put(image, names); });
        });
        GT_TRY(transaction.commit());
    }
    result.image = std::move(image);
    store_.write_mirror();
    return result;
}

Result<> Ingest::write_records(Transaction& transaction, const Plan& plan, const Image& image) {
    const std::string& id = image.id.str();
    GT_TRY(transaction.run(
        "INSERT INTO images(id, manifest, last_tagged) VALUES(?, ?, ?) "
        "ON CONFLICT(id) DO UPDATE SET manifest = excluded.manifest, "
        "last_tagged = MAX(last_tagged, excluded.last_tagged)",
        id, plan.manifest.digest.str(), image.last_tagged.time_since_epoch().count()));
    // An image that came before with other blobs, of which one is lost, has these from now on.
    GT_TRY_VAR(before, blobs_of(transaction, image.id));
    touched_blobs_.insert(touched_blobs_.end(), before.begin(), before.end());
    GT_TRY(transaction.run("DELETE FROM image_blobs WHERE image = ?", id));
    GT_TRY(transaction.run("DELETE FROM image_layers WHERE image = ?", id));
    std::set<std::string> blobs{plan.incoming.config.str(), plan.manifest.digest.str()};
    for (size_t i = 0; i < plan.chain.size(); ++i) {
        blobs.insert(plan.blob(i).digest.str());
        GT_TRY(transaction.run("INSERT INTO image_layers(image, position, layer) VALUES(?, ?, ?)",
                               id, static_cast<int64_t>(i), plan.chain[i].str()));
    }
    for (const std::string& digest : blobs) {
        GT_TRY(transaction.run("INSERT INTO image_blobs(image, digest) VALUES(?, ?)", id, digest));
    }
    for (const std::string& name : plan.incoming.names) {
        GT_TRY(
            transaction.run("INSERT INTO names(name, image) VALUES(?, ?) "
                            "ON CONFLICT(name) DO UPDATE SET image = excluded.image",
                            name, id));
    }
    return {};
}

Result<std::vector<Digest>> Ingest::blobs_of(Transaction& transaction, const ImageId& id) {
    GT_TRY_VAR(query, transaction.prepare("SELECT digest FROM image_blobs WHERE image = ?"));
    query.bind(1, id.str());
    std::vector<Digest> blobs;
    for (;;) {
        GT_TRY_VAR(more, query.step());
        if (!more) {
            return blobs;
        }
        blobs.emplace_back(std::string(query.text(0)));
    }
}

Result<> Ingest::read_sizes(Transaction& transaction, Image& image) {
    GT_TRY_VAR(query, transaction.prepare("SELECT bytes FROM layers WHERE id = ?"));
    for (const ChainId& id : image.chain) {
        GT_TRY_VAR(found, query.bind(1, id.str()).step());
        image.layer_bytes.push_back(found ? static_cast<uint64_t>(query.number(0)) : 0);
        image.size += image.layer_bytes.back();
        GT_TRY(query.run());
    }
    return {};
}

}  // namespace gantry::store
