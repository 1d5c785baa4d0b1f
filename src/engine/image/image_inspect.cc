// ImageService::inspect() and history().

#include <algorithm>

#include "engine/image/image_service.h"
#include "spec/api/image.h"

namespace gantry::engine {
namespace {

spec::ImageRunConfig run_config(const spec::ContainerConfig& config) {
    spec::ImageRunConfig result;
    result.legacy.emplace();
    result.cmd = config.cmd;
    result.entrypoint = config.entrypoint;
    result.env = config.env;
    result.labels = config.labels;
    result.on_build = config.on_build;
    result.user = config.user;
    result.volumes = config.volumes;
    result.working_dir = config.working_dir;
    result.exposed_ports = config.exposed_ports;
    result.stop_signal = config.stop_signal;
    result.healthcheck = config.healthcheck;
    result.shell = config.shell;
    result.args_escaped = config.args_escaped;
    return result;
}

/// COMPAT: scanners read overlay2's form: UpperDir is the top layer, LowerDir those below it.
spec::GraphDriver graph_driver(const store::Image& image, const store::Layers& layers) {
    spec::GraphDriver driver;
    driver.name = "overlay2";
    if (image.chain.empty()) {
        return driver;
    }
    driver.data["UpperDir"] = layers.diff_path(image.chain.back());
    std::string lower;
    for (size_t i = image.chain.size() - 1; i-- > 0;) {
        lower += (lower.empty() ? "" : ":") + layers.diff_path(image.chain[i]);
    }
    if (!lower.empty()) {
        driver.data["LowerDir"] = lower;
    }
    return driver;
}

}  // namespace

Result<spec::ImageInspect> ImageService::inspect(std::string_view ref) const {
    GT_TRY_VAR(image, images_.find(ref));
    const spec::oci::ImageConfig& config = image->config;
    spec::ImageInspect result;
    result.id = image->id.str();
    result.repo_tags = image->repo_tags;
    result.repo_digests = image->repo_digests;
    result.comment = config.comment;
    if (result.comment.empty() && !config.history.empty()) {
        result.comment = config.history.back().comment;
    }
    result.created = config.created;
    result.container = config.container;
    result.container_config = config.container_config.value_or(spec::ContainerConfig{});
    result.docker_version = config.docker_version;
    result.author = config.author;
    result.config = run_config(config.config);
    result.architecture = config.architecture;
    result.variant = config.variant;
    result.os = config.os.empty() ? "linux" : config.os;
    result.os_version = config.os_version;
    result.size = static_cast<int64_t>(image->size);
    result.virtual_size = result.size;
    result.graph_driver = graph_driver(*image, images_.layers());
    result.root_fs.type = "layers";
    for (const Digest& diff_id : config.rootfs.diff_ids) {
        result.root_fs.layers.push_back(diff_id.str());
    }
    result.metadata.last_tag_time = image->last_tagged;
    return result;
}

Result<std::vector<spec::HistoryItem>> ImageService::history(std::string_view ref) const {
    GT_TRY_VAR(image, images_.find(ref));
    std::vector<spec::HistoryItem> items;
    size_t layer = 0;
    for (const spec::oci::History& step : image->config.history) {
        spec::HistoryItem item;
        item.id = "<missing>";
        if (step.created) {
            item.created =
                std::chrono::floor<std::chrono::seconds>(*step.created).time_since_epoch().count();
        }
        item.created_by = step.created_by;
        item.comment = step.comment;
        if (!step.empty_layer && layer < image->layer_bytes.size()) {
            item.size = static_cast<int64_t>(image->layer_bytes[layer++]);
        }
        items.push_back(std::move(item));
    }
    std::ranges::reverse(items);
    if (!items.empty()) {
        items.front().id = image->id.str();
        items.front().tags = image->repo_tags;
    }
    return items;
}

}  // namespace gantry::engine
