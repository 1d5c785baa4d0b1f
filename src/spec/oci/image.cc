#include "spec/oci/image.h"

#include <fmt/core.h>

#include "base/text.h"
#include "spec/json.h"
#include "spec/value.h"

namespace gantry::spec::oci {
namespace {

bool is_index_type(std::string_view type) {
    return type == media_type::kIndex || type == media_type::kDockerList;
}

bool is_manifest_type(std::string_view type) {
    return type == media_type::kManifest || type == media_type::kDockerManifest;
}

/// The member of an object without regard to case, as the binding reads it: a document must not
/// mean two things by the case of a name.
const Value* find(const Value& document, std::string_view name) {
    const Value* found = nullptr;
    for (const auto& [key, value] : document.as_object()) {
        if (equals_ignoring_case(key, name) && !value.is_null()) {
            found = &value;
        }
    }
    return found;
}

Result<> check_descriptors(const std::vector<Descriptor>& descriptors) {
    for (const Descriptor& descriptor : descriptors) {
        if (descriptor.size < 0) {
            return fail(Kind::kInvalid, "invalid descriptor: negative size");
        }
        if (descriptor.digest.empty()) {
            return fail(Kind::kInvalid, "invalid descriptor: no digest");
        }
    }
    return {};
}

Result<> check_kind(std::string_view text, DocumentKind wanted) {
    GT_TRY_VAR(kind, document_kind(text));
    if (kind != wanted) {
        return fail(Kind::kInvalid, wanted == DocumentKind::kManifest
                                        ? "expected an image manifest, got an index"
                                        : "expected an image index, got a manifest");
    }
    return {};
}

Result<> check_schema(int64_t version) {
    if (version != 2) {
        return fail(Kind::kInvalid, fmt::format("unsupported manifest schema version {}", version));
    }
    return {};
}

}  // namespace

Result<DocumentKind> document_kind(std::string_view text) {
    GT_TRY_VAR(document, Value::parse(text));
    if (!document.is_object()) {
        return fail(Kind::kInvalid, "invalid manifest: not a JSON object");
    }
    const bool has_index = find(document, "manifests") != nullptr;
    const bool has_manifest =
        find(document, "layers") != nullptr || find(document, "config") != nullptr;
    const bool has_schema1 =
        find(document, "fsLayers") != nullptr || find(document, "history") != nullptr;
    if (has_schema1 && !has_manifest) {
        return fail(Kind::kInvalid, "image manifest version 2, schema 1 is not supported");
    }
    if (has_index == has_manifest || has_schema1) {
        return fail(Kind::kInvalid, has_index ? "ambiguous manifest: both layers and manifests"
                                              : "invalid manifest: neither layers nor manifests");
    }
    const Value* type = find(document, "mediaType");
    if (type != nullptr && !type->is_string()) {
        return fail(Kind::kInvalid, "invalid manifest: mediaType is not a string");
    }
    const std::string_view name = type == nullptr ? std::string_view() : type->as_string();
    if ((has_index && is_manifest_type(name)) || (has_manifest && is_index_type(name))) {
        return fail(Kind::kInvalid,
                    fmt::format("ambiguous manifest: mediaType {} does not fit its fields", name));
    }
    return has_index ? DocumentKind::kIndex : DocumentKind::kManifest;
}

Result<Manifest> parse_manifest(std::string_view text) {
    GT_TRY(check_kind(text, DocumentKind::kManifest));
    GT_TRY_VAR(manifest, parse_json<Manifest>(text));
    GT_TRY(check_schema(manifest.schema_version));
    GT_TRY(check_descriptors({manifest.config}));
    GT_TRY(check_descriptors(manifest.layers));
    return std::move(manifest);
}

Result<Index> parse_index(std::string_view text) {
    GT_TRY(check_kind(text, DocumentKind::kIndex));
    GT_TRY_VAR(index, parse_json<Index>(text));
    GT_TRY(check_schema(index.schema_version));
    GT_TRY(check_descriptors(index.manifests));
    return std::move(index);
}

Result<ImageConfig> parse_image_config(std::string_view text) {
    GT_TRY_VAR(config, parse_json<ImageConfig>(text));
    if (config.rootfs.type != "layers") {
        return fail(Kind::kInvalid,
                    fmt::format("invalid image config: rootfs type \"{}\"", config.rootfs.type));
    }
    const size_t layers = config.rootfs.diff_ids.size();
    if (layers > kMaxLayers) {
        return fail(Kind::kInvalid, "max depth exceeded");
    }
    size_t filled = 0;
    for (const History& entry : config.history) {
        filled += entry.empty_layer ? 0 : 1;
    }
    if (!config.history.empty() && filled != layers) {
        return fail(
            Kind::kInvalid,
            fmt::format("invalid image config: {} layers, but a history of {}", layers, filled));
    }
    return std::move(config);
}

}  // namespace gantry::spec::oci
