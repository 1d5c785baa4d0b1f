#include "api/encode.h"

namespace gantry::api {
namespace {

void fit_networks(spec::EndpointMap& networks, ApiVersion version) {
    if (version < ApiVersion{1, 44}) {
        for (auto& [name, endpoint] : networks) {
            endpoint.dns_names.clear();
        }
    }
}

}  // namespace

void fit_version(spec::ContainerInspect& container, ApiVersion version) {
    fit_networks(container.network_settings.networks, version);
    if (version < ApiVersion{1, 48}) {
        container.image_manifest_descriptor.reset();
    }
}

void fit_version(spec::ContainerSummary& container, ApiVersion version) {
    fit_networks(container.network_settings.networks, version);
    if (version < ApiVersion{1, 46}) {
        container.host_config.annotations.clear();
    }
    if (version < ApiVersion{1, 48}) {
        container.image_manifest_descriptor.reset();
    }
}

void fit_version(spec::ImageInspect& image, ApiVersion version) {
    if (version < ApiVersion{1, 44}) {
        image.virtual_size = image.size;
    }
    if (version < ApiVersion{1, 45}) {
        image.container = "";
        image.container_config = spec::ContainerConfig{};
    }
    if (version < ApiVersion{1, 48}) {
        image.descriptor.reset();
    }
    if (version < ApiVersion{1, 50}) {
        image.config.legacy = spec::LegacyImageConfig{};
    }
}

void fit_version(spec::ImageSummary& image, ApiVersion version) {
    if (version < ApiVersion{1, 43} && image.repo_tags.empty()) {
        image.repo_tags = {"<none>:<none>"};
    }
    if (version < ApiVersion{1, 43} && image.repo_digests.empty()) {
        image.repo_digests = {"<none>@<none>"};
    }
    if (version < ApiVersion{1, 44}) {
        image.virtual_size = image.size;
    }
    if (version < ApiVersion{1, 48}) {
        image.descriptor.reset();
    }
    if (version < ApiVersion{1, 51}) {
        image.containers = -1;
    }
}

void fit_version(spec::Info& info, ApiVersion version) {
    if (version < ApiVersion{1, 49}) {
        info.firewall_backend.reset();
        for (spec::CommitInfo* commit :
             {&info.containerd_commit, &info.runc_commit, &info.init_commit}) {
            commit->expected = commit->id;
        }
    }
}

}  // namespace gantry::api
