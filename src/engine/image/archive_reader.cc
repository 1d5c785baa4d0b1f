#include "engine/image/archive_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "engine/image/image_name.h"
#include "pack/tar_reader.h"
#include "spec/digest.h"
#include "spec/docker_archive.h"
#include "spec/json.h"
#include "spec/platform.h"
#include "spec/reference.h"
#include "store/compression.h"

namespace gantry::engine {
namespace {

constexpr size_t kMaxDocument = size_t{16} << 20;
constexpr uint64_t kMaxFile = uint64_t{1} << 40;
constexpr size_t kMaxFiles = 200'000;
constexpr int kMaxIndexDepth = 4;
constexpr int kMaxLinks = 8;
constexpr std::string_view kBlobs = "blobs/sha256/";

constexpr std::array<std::string_view, 4> kDocuments = {"manifest.json", "index.json", "oci-layout",
                                                        "repositories"};

/// PATH as seen from DIRECTORY ("a/b"), without "." and "..": archive names are only compared with
/// each other, so what climbs too high simply names nothing.
std::string clean_path(std::string_view directory, std::string_view path) {
    std::vector<std::string_view> parts;
    const auto add = [&](std::string_view text) {
        for (const std::string_view part : split(text, '/')) {
            if (part == ".." && !parts.empty()) {
                parts.pop_back();
            } else if (!part.empty() && part != "." && part != "..") {
                parts.push_back(part);
            }
        }
    };
    if (!path.starts_with('/')) {
        add(directory);
    }
    add(path);
    std::string clean;
    for (const std::string_view part : parts) {
        clean += (clean.empty() ? "" : "/");
        clean += part;
    }
    return clean;
}

std::string_view directory_of(std::string_view path) {
    const size_t slash = path.rfind('/');
    return slash == path.npos ? "" : path.substr(0, slash);
}

Result<std::string> read_document(const Reader& content, uint64_t size) {
    if (size > kMaxDocument) {
        return fail(Kind::kInvalid, fmt::format("larger than {} bytes", kMaxDocument));
    }
    std::string text;
    std::array<char, 16384> buffer;
    for (;;) {
        GT_TRY_VAR(count, content(buffer));
        if (count == 0) {
            return text;
        }
        text.append(buffer.data(), count);
        if (text.size() > kMaxDocument) {
            return fail(Kind::kInvalid, fmt::format("larger than {} bytes", kMaxDocument));
        }
    }
}

/// The normalized name that TEXT, from a manifest.json, stands for.
Result<std::string> tag_name(const std::string& text) {
    const auto reference = spec::parse_reference(text);
    if (!reference || reference->tag.empty() || !check_new_name(*reference)) {
        return fail(Kind::kInvalid, fmt::format("invalid tag {:?}", text));
    }
    return reference->str();
}

/// The name an index entry carries; "" for none that is one.
std::string annotated_name(const spec::oci::Annotations& annotations) {
    for (const char* key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"}) {
        const auto found = annotations.find(key);
        if (found == annotations.end()) {
            continue;
        }
        // The second key mostly holds a bare tag, which would read as a repository.
        const bool complete = found->second.find_first_of(":/@") != std::string::npos;
        const auto reference = spec::parse_reference(found->second);
        if (complete && reference && check_new_name(*reference)) {
            return reference->with_default_tag().str();
        }
    }
    return {};
}

bool is_attestation(const spec::oci::Descriptor& descriptor) {
    return descriptor.platform && descriptor.platform->os == "unknown";
}

}  // namespace

Result<> ArchiveReader::read(const Reader& archive) {
    GT_TRY_VAR(plain, store::decompressed(archive));
    pack::TarReader tar(plain);
    for (size_t count = 0;; ++count) {
        GT_TRY_VAR(entry, tar.next());
        if (!entry) {
            break;
        }
        if (count >= kMaxFiles) {
            return fail(Kind::kInvalid, fmt::format("more than {} files", kMaxFiles));
        }
        const std::string name = clean_path("", entry->path);
        if (entry->type == pack::TarType::kFile) {
            auto taken = take_file(name, entry->size, tar.content());
            if (!taken) {
                return Failure(std::move(taken).error().in(name));
            }
        } else if (entry->type == pack::TarType::kSymlink) {
            links_[name] = clean_path(directory_of(name), entry->target);
        } else if (entry->type == pack::TarType::kHardLink) {
            links_[name] = clean_path("", entry->target);
        }
    }
    // To the end, as the client expects its body to be read.
    std::array<char, 16384> rest;
    for (;;) {
        GT_TRY_VAR(count, plain(rest));
        if (count == 0) {
            return {};
        }
    }
}

Result<> ArchiveReader::take_file(const std::string& name, uint64_t size, const Reader& content) {
    if (std::ranges::find(kDocuments, name) != kDocuments.end()) {
        GT_TRY_VAR(text, read_document(content, size));
        documents_[name] = std::move(text);
        return {};
    }
    GT_TRY_VAR(blob, ingest_.add_blob(content, kMaxFile));
    if (name.starts_with(kBlobs) && name.substr(kBlobs.size()) != spec::digest_hex(blob.digest)) {
        return fail(Kind::kInvalid,
                    fmt::format("the blob's digest is {}, not its name", blob.digest.str()));
    }
    files_[name] = std::move(blob);
    return {};
}

const spec::oci::Descriptor* ArchiveReader::find(std::string_view name) const {
    std::string path = clean_path("", name);
    for (int turn = 0; turn < kMaxLinks; ++turn) {
        if (const auto file = files_.find(path); file != files_.end()) {
            return &file->second;
        }
        const auto link = links_.find(path);
        if (link == links_.end()) {
            return nullptr;
        }
        path = link->second;
    }
    return nullptr;
}

Result<std::vector<store::IncomingImage>> ArchiveReader::images(
    const spec::oci::Platform& platform) const {
    if (documents_.contains("manifest.json")) {
        return docker_images();
    }
    if (documents_.contains("index.json")) {
        return oci_images(platform);
    }
    return fail(Kind::kInvalid, "invalid archive: it has neither manifest.json nor index.json");
}

/// The descriptor of the layer file NAME, whose media type its first bytes tell.
Result<spec::oci::Descriptor> ArchiveReader::layer_descriptor(std::string_view name) const {
    const spec::oci::Descriptor* file = find(name);
    if (file == nullptr) {
        return fail(Kind::kInvalid, fmt::format("invalid archive: layer {:?} is missing", name));
    }
    spec::oci::Descriptor layer = *file;
    GT_TRY_VAR(fd, ingest_.open_blob(layer.digest));
    std::array<char, 4> head{};
    GT_TRY_VAR(count, read_from_fd(fd.get())(head));
    const std::string_view magic(head.data(), count);
    layer.media_type = magic.starts_with("\x1f\x8b") ? spec::oci::media_type::kLayerGzip
                       : magic == "\x28\xb5\x2f\xfd" ? spec::oci::media_type::kLayerZstd
                                                     : spec::oci::media_type::kLayer;
    return layer;
}

Result<std::vector<store::IncomingImage>> ArchiveReader::docker_images() const {
    GT_TRY_VAR(listed, spec::parse_json<std::vector<spec::ArchiveImage>>(
                           documents_.find("manifest.json")->second));
    std::vector<store::IncomingImage> images;
    for (const spec::ArchiveImage& entry : listed) {
        const spec::oci::Descriptor* config = find(entry.config);
        if (config == nullptr) {
            return fail(Kind::kInvalid,
                        fmt::format("invalid archive: config {:?} is missing", entry.config));
        }
        store::IncomingImage image;
        image.config = config->digest;
        for (const std::string& name : entry.layers) {
            GT_TRY_VAR(layer, layer_descriptor(name));
            image.layers.push_back(std::move(layer));
        }
        for (const std::string& text : entry.repo_tags) {
            GT_TRY_VAR(name, tag_name(text));
            image.names.push_back(std::move(name));
        }
        keep_manifest(image);
        images.push_back(std::move(image));
    }
    return images;
}

/// Archives of recent Dockers say everything twice. If index.json has a manifest of just this
/// image, it is kept byte for byte, so that its digest stays.
void ArchiveReader::keep_manifest(store::IncomingImage& image) const {
    const auto document = documents_.find("index.json");
    if (document == documents_.end()) {
        return;
    }
    const auto index = spec::oci::parse_index(document->second);
    if (!index) {
        return;
    }
    for (const spec::oci::Descriptor& descriptor : index->manifests) {
        const auto text = ingest_.read_blob(descriptor.digest, kMaxDocument);
        const auto manifest = text ? spec::oci::parse_manifest(*text)
                                   : Result<spec::oci::Manifest>(fail(Kind::kNotFound, ""));
        if (manifest && manifest->config.digest == image.config &&
            std::ranges::equal(manifest->layers, image.layers, {}, &spec::oci::Descriptor::digest,
                               &spec::oci::Descriptor::digest)) {
            image.manifest = descriptor.digest;
            image.layers = manifest->layers;
            return;
        }
    }
}

Result<std::vector<store::IncomingImage>> ArchiveReader::oci_images(
    const spec::oci::Platform& platform) const {
    GT_TRY_VAR(index, spec::oci::parse_index(documents_.find("index.json")->second));
    std::vector<store::IncomingImage> images;
    for (const spec::oci::Descriptor& descriptor : index.manifests) {
        if (!is_attestation(descriptor)) {
            GT_TRY(add_descriptor(descriptor, annotated_name(descriptor.annotations), platform, 0,
                                  images));
        }
    }
    return images;
}

Result<> ArchiveReader::add_descriptor(const spec::oci::Descriptor& descriptor,
                                       std::string_view name, const spec::oci::Platform& platform,
                                       int depth, std::vector<store::IncomingImage>& images) const {
    if (depth > kMaxIndexDepth) {
        return fail(Kind::kInvalid, "invalid archive: index within index within index");
    }
    if (!ingest_.has_blob(descriptor.digest)) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid archive: blob {} is missing", descriptor.digest.str()));
    }
    GT_TRY_VAR(text, ingest_.read_blob(descriptor.digest, kMaxDocument));
    GT_TRY_VAR(kind, spec::oci::document_kind(text));
    if (kind == spec::oci::DocumentKind::kManifest) {
        return add_manifest(descriptor.digest, name, images);
    }
    GT_TRY_VAR(index, spec::oci::parse_index(text));
    for (const spec::oci::Descriptor& child : index.manifests) {
        const bool fits = !child.platform || spec::platform_matches(platform, *child.platform);
        // An archive need not hold all the platforms that its index lists.
        if (!is_attestation(child) && fits && ingest_.has_blob(child.digest)) {
            return add_descriptor(child, name, platform, depth + 1, images);
        }
    }
    return fail(Kind::kNotFound, fmt::format("no image for platform {} in the archive",
                                             spec::format_platform(platform)));
}

Result<> ArchiveReader::add_manifest(const Digest& digest, std::string_view name,
                                     std::vector<store::IncomingImage>& images) const {
    const auto same = std::ranges::find(images, digest, &store::IncomingImage::manifest);
    if (same != images.end()) {
        if (!name.empty()) {
            same->names.emplace_back(name);
        }
        return {};
    }
    GT_TRY_VAR(text, ingest_.read_blob(digest, kMaxDocument));
    GT_TRY_VAR(manifest, spec::oci::parse_manifest(text));
    store::IncomingImage image;
    image.config = manifest.config.digest;
    image.layers = std::move(manifest.layers);
    image.manifest = digest;
    if (!name.empty()) {
        image.names.emplace_back(name);
    }
    images.push_back(std::move(image));
    return {};
}

}  // namespace gantry::engine
