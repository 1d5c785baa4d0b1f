// ImageService::load() and import(): images that come as archives.

#include <fmt/core.h>

#include <chrono>
#include <map>
#include <utility>

#include "engine/image/archive_reader.h"
#include "engine/image/image_changes.h"
#include "engine/image/image_name.h"
#include "engine/image/image_service.h"
#include "spec/api/progress.h"
#include "spec/digest.h"
#include "spec/json.h"
#include "spec/platform.h"
#include "spec/reference.h"
#include "store/compression.h"
#include "store/ingest.h"

namespace gantry::engine {
namespace {

constexpr uint64_t kMaxLayer = uint64_t{1} << 38;
constexpr auto kProgressInterval = std::chrono::milliseconds(100);

spec::ProgressMessage stream_line(std::string text) {
    spec::ProgressMessage message;
    message.stream = std::move(text) + "\n";
    return message;
}

/// Passes a layer's progress on, at its end and otherwise not too often.
class LayerReporter {
public:
    explicit LayerReporter(const ProgressSink& sink) : sink_(sink) {}

    Result<> report(const Digest& diff_id, uint64_t done, uint64_t total) {
        const auto now = std::chrono::steady_clock::now();
        auto& last = last_[diff_id];
        if (done != total && now - last < kProgressInterval) {
            return {};
        }
        last = now;
        spec::ProgressMessage message;
        message.status = "Loading layer";
        message.id = short_id(spec::digest_hex(diff_id));
        message.progress_detail.emplace();
        message.progress_detail->current = static_cast<int64_t>(done);
        message.progress_detail->total = static_cast<int64_t>(total);
        return sink_(message);
    }

private:
    const ProgressSink& sink_;
    std::map<Digest, std::chrono::steady_clock::time_point> last_;
};

Result<> report_loaded(const store::IngestedImage& loaded, std::span<const std::string> names,
                       const ProgressSink& progress) {
    for (const auto& [name, loser] : loaded.renamed) {
        GT_TRY_VAR(reference, spec::parse_reference(name));
        GT_TRY(progress(stream_line(
            fmt::format("The image {} already exists, renaming the old one with ID {} to empty "
                        "string",
                        reference.familiar(), loser.str()))));
    }
    if (names.empty()) {
        return progress(stream_line(fmt::format("Loaded image ID: {}", loaded.image->id.str())));
    }
    for (const std::string& name : names) {
        GT_TRY_VAR(reference, spec::parse_reference(name));
        GT_TRY(progress(stream_line(fmt::format("Loaded image: {}", reference.familiar()))));
    }
    return {};
}

Result<spec::oci::Platform> wanted_platform(const std::string& text) {
    return text.empty() ? Result<spec::oci::Platform>(spec::native_platform())
                        : spec::parse_platform(text, spec::native_platform());
}

/// Where an import's REPO and TAG point; "" for no name.
Result<std::string> import_name(const ImageImportOptions& options) {
    if (options.repo.empty()) {
        return std::string();
    }
    GT_TRY_VAR(reference, spec::parse_reference(options.repo));
    GT_TRY(check_new_name(reference));
    if (!options.tag.empty()) {
        if (!spec::is_tag(options.tag)) {
            return fail(Kind::kInvalid, "invalid tag format");
        }
        reference.tag = options.tag;
    }
    return reference.with_default_tag().str();
}

/// Both are for the same layer: what the image says about itself.
spec::oci::ImageConfig import_config(const Digest& diff_id, const spec::oci::Platform& platform,
                                     const std::string& message, spec::ContainerConfig run) {
    spec::oci::ImageConfig config;
    config.created = wall_now();
    config.architecture = platform.architecture;
    config.variant = platform.variant;
    config.os = platform.os;
    config.comment = message;
    config.config = std::move(run);
    config.rootfs.type = "layers";
    config.rootfs.diff_ids = {diff_id};
    spec::oci::History step;
    step.created = config.created;
    step.comment = message;
    config.history.push_back(std::move(step));
    return config;
}

}  // namespace

Result<> ImageService::load(const Reader& archive, const ImageLoadOptions& options,
                            const ProgressSink& progress) {
    GT_TRY_VAR(platform, wanted_platform(options.platform));
    const std::unique_ptr<store::Ingest> ingest = images_.begin_ingest();
    ArchiveReader reader(*ingest);
    GT_TRY(reader.read(archive));
    GT_TRY_VAR(images, reader.images(platform));
    LayerReporter layers(progress);
    store::LayerProgress layer_progress;
    if (!options.quiet) {
        layer_progress = [&](const Digest& diff_id, uint64_t done, uint64_t total) {
            return layers.report(diff_id, done, total);
        };
    }
    for (const store::IncomingImage& incoming : images) {
        GT_TRY_VAR(loaded, ingest->commit(incoming, layer_progress));
        announce("load", *loaded.image, loaded.image->id.str());
        GT_TRY(report_loaded(loaded, incoming.names, progress));
    }
    return {};
}

Result<> ImageService::import(const Reader& archive, const ImageImportOptions& options,
                              const ProgressSink& progress) {
    GT_TRY_VAR(platform, wanted_platform(options.platform));
    GT_TRY_VAR(name, import_name(options));
    spec::ContainerConfig run;
    GT_TRY(apply_changes(options.changes, run));
    const std::unique_ptr<store::Ingest> ingest = images_.begin_ingest();
    // Stored uncompressed: its digest is the diff id then.
    GT_TRY_VAR(plain, store::decompressed(archive));
    GT_TRY_VAR(layer, ingest->add_blob(plain, kMaxLayer));
    layer.media_type = spec::oci::media_type::kLayer;
    GT_TRY_VAR(config, ingest->add_blob(spec::to_json(import_config(
                           layer.digest, platform, options.message, std::move(run)))));
    store::IncomingImage incoming;
    incoming.config = config.digest;
    incoming.layers = {layer};
    if (!name.empty()) {
        incoming.names = {name};
    }
    GT_TRY_VAR(imported, ingest->commit(incoming));
    announce("import", *imported.image, imported.image->id.str());
    spec::ProgressMessage message;
    message.status = imported.image->id.str();
    return progress(message);
}

}  // namespace gantry::engine
