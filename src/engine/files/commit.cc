// FileService::commit(): an image out of what a container has written.

#include <fmt/core.h>

#include <utility>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/scope_guard.h"
#include "base/text.h"
#include "engine/container/config_merge.h"
#include "engine/container/core.h"
#include "engine/event/event_bus.h"
#include "engine/files/file_service.h"
#include "engine/files/setup_files.h"
#include "engine/image/image_changes.h"
#include "engine/image/image_name.h"
#include "pack/tree_archive.h"
#include "spec/json.h"
#include "spec/oci/image.h"
#include "spec/platform.h"
#include "spec/reference.h"
#include "store/images.h"
#include "store/ingest.h"
#include "store/snapshots.h"

namespace gantry::engine {
namespace {

constexpr uint64_t kMaxLayer = uint64_t{1} << 40;

/// The normalized name for the image; "" for none.
Result<std::string> commit_name(const CommitRequest& request) {
    if (request.repo.empty()) {
        return std::string();
    }
    GT_TRY_VAR(reference, spec::parse_reference(request.repo));
    if (reference.digest) {
        return fail(Kind::kInvalid, "cannot import digest reference");
    }
    if (!request.tag.empty()) {
        if (!spec::is_tag(request.tag)) {
            return fail(Kind::kInvalid, "invalid tag format");
        }
        reference.tag = request.tag;
    }
    GT_TRY(check_new_name(reference));
    return reference.with_default_tag().str();
}

Result<spec::ContainerConfig> commit_config(const CommitRequest& request,
                                            const ContainerRecord& record) {
    spec::ContainerConfig config = request.config.value_or(record.config);
    GT_TRY(apply_changes(request.changes, config));
    merge_image_config(config, record.config);
    return config;
}

/// What the new image stands on: the container's image, or what is left of it.
struct Base {
    spec::oci::ImageConfig config;
    std::vector<spec::oci::Descriptor> blobs;
};

Result<Base> find_base(ContainerCore& core, const ContainerRecord& record, store::Ingest& ingest) {
    const auto image = core.parts.images.get(record.image);
    if (image && ingest.keep(**image)) {
        return Base{.config = (*image)->config, .blobs = (*image)->blobs};
    }
    // The image was removed, its layers stay for the container; its history is gone.
    GT_TRY_VAR(chain, core.parts.snapshots.chain(record.id));
    GT_TRY_VAR(origins, core.parts.images.layer_origins(chain));
    Base base;
    const spec::oci::Platform native = spec::native_platform();
    base.config.architecture = native.architecture;
    base.config.variant = native.variant;
    base.config.os = native.os;
    base.config.rootfs.type = "layers";
    for (store::ImageStore::LayerOrigin& origin : origins) {
        base.config.rootfs.diff_ids.push_back(origin.diff_id);
        base.blobs.push_back(std::move(origin.blob));
        spec::oci::History step;
        step.comment = "of an image that was removed";
        base.config.history.push_back(std::move(step));
    }
    return base;
}

/// The container's writable layer as a blob; empty if nothing was written.
Result<std::optional<spec::oci::Descriptor>> read_layer(ContainerCore& core, const ContainerId& id,
                                                        store::Ingest& ingest) {
    GT_TRY_VAR(upper, core.parts.snapshots.open_upper(id));
    bool is_empty = true;
    GT_TRY_VAR(layer, ingest.add_blob_from(
                          [&](const Writer& out) -> Result<> {
                              pack::TarWriter tar([&](std::string_view bytes) {
                                  is_empty = false;
                                  return out(bytes);
                              });
                              pack::TreeArchive archive(
                                  tar, {.form = pack::TreeOptions::Form::kOverlayLayer,
                                        .xattrs = pack::TreeOptions::Xattrs::kUser,
                                        .skip = [fd = upper.get()](std::string_view path) {
                                            return is_setup_file(fd, path);
                                        }});
                              GT_TRY(archive.add_directory(upper.get(), ""));
                              const bool nothing = is_empty;
                              GT_TRY(tar.finish());
                              is_empty = nothing;
                              return {};
                          },
                          kMaxLayer));
    layer.media_type = spec::oci::media_type::kLayer;
    return is_empty ? std::optional<spec::oci::Descriptor>() : std::optional(std::move(layer));
}

/// Makes the new image's config out of the base's.
spec::oci::ImageConfig child_config(spec::oci::ImageConfig base, const CommitRequest& request,
                                    const ContainerRecord& record, spec::ContainerConfig run,
                                    const std::optional<spec::oci::Descriptor>& layer) {
    base.created = wall_now();
    base.author = request.author;
    base.comment = request.comment;
    base.container = record.id.str();
    base.container_config = record.config;
    base.config = std::move(run);
    if (layer) {
        base.rootfs.type = "layers";
        base.rootfs.diff_ids.push_back(layer->digest);
    }
    spec::oci::History step;
    step.created = base.created;
    step.created_by = join(record.config.cmd, " ");
    step.author = request.author;
    step.comment = request.comment;
    step.empty_layer = !layer;
    base.history.push_back(std::move(step));
    return base;
}

Result<> check_committable(const ContainerEntry& entry) {
    const Phase phase = entry.snapshot()->life.phase;
    if (phase != Phase::kDead && phase != Phase::kRemoving && !entry.removal_claimed()) {
        return {};
    }
    return fail(Kind::kConflict,
                fmt::format("You cannot commit container {} which is {}", entry.id().str(),
                            phase == Phase::kDead ? "Dead" : "being removed"));
}

/// Reads the layer while the container stands still, if that is wanted. Nobody changes the
/// container meanwhile: the caller holds its Operation.
Result<std::optional<spec::oci::Descriptor>> read_layer_paused(ContainerCore& core,
                                                               const ContainerEntry& entry,
                                                               bool pause, store::Ingest& ingest) {
    const auto run = entry.run();
    const SnapshotPtr snapshot = entry.snapshot();
    if (!pause || run == nullptr || snapshot->life.phase != Phase::kRunning) {
        return read_layer(core, entry.id(), ingest);
    }
    GT_TRY(run->cgroup.freeze());
    publish_event(core, *snapshot, "pause");
    const ScopeGuard thaw([&] {
        if (const auto thawed = run->cgroup.thaw(); !thawed) {
            log::error("cannot let a committed container go on",
                       {{"container", entry.id().str()}, {"error", thawed.error().text()}});
        }
        publish_event(core, *snapshot, "unpause");
    });
    GT_FAILPOINT("files.commit.frozen");
    return read_layer(core, entry.id(), ingest);
}

}  // namespace

Result<ImageId> FileService::commit(const CommitRequest& request) {
    GT_TRY_VAR(name, commit_name(request));
    GT_TRY_VAR(entry, core_.table.find(request.container));
    GT_TRY(check_committable(*entry));
    const SnapshotPtr snapshot = entry->snapshot();
    const ContainerRecord& record = *snapshot->record;
    GT_TRY_VAR(run, commit_config(request, record));
    const std::unique_ptr<store::Ingest> ingest = core_.parts.images.begin_ingest();
    store::IncomingImage incoming;
    {
        // INVARIANT: layers and blobs below the container stay as long as it does.
        const auto operation = entry->begin();
        GT_TRY(check_committable(*entry));
        GT_TRY_VAR(base, find_base(core_, record, *ingest));
        GT_TRY_VAR(layer, read_layer_paused(core_, *entry, request.pause, *ingest));
        incoming.layers = std::move(base.blobs);
        if (layer) {
            incoming.layers.push_back(*layer);
        }
        GT_TRY_VAR(config, ingest->add_blob(spec::to_json(child_config(
                               std::move(base.config), request, record, std::move(run), layer))));
        incoming.config = config.digest;
    }
    if (!name.empty()) {
        incoming.names = {name};
    }
    GT_FAILPOINT("files.commit.read");
    GT_TRY_VAR(made, ingest->commit(incoming));
    std::string shown;
    if (!name.empty()) {
        GT_TRY_VAR(reference, spec::parse_reference(name));
        shown = reference.familiar();
        core_.parts.events.publish("image", "tag", made.image->id.str(), {{"name", shown}});
    }
    publish_event(
        core_, *snapshot, "commit",
        {{"comment", request.comment}, {"imageID", made.image->id.str()}, {"imageRef", shown}});
    return made.image->id;
}

}  // namespace gantry::engine
