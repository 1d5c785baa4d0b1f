#include "store/content.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/failpoint.h"
#include "base/scope_guard.h"
#include "store/impl/sha256.h"
#include "sys/files.h"

namespace gantry::store {
namespace {

constexpr size_t kChunk = size_t{256} * 1024;
constexpr size_t kMaxIndex = size_t{64} << 20;
constexpr std::string_view kPrefix = "sha256:";

bool is_hex_name(std::string_view name) {
    return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == name.npos;
}

/// The file name of DIGEST. SAFETY: digests reach us from manifests; nothing else than 64 hex
/// digits may become part of a path.
Result<std::string> file_name(const Digest& digest) {
    const std::string& text = digest.str();
    if (!text.starts_with(kPrefix) || !is_hex_name(text.substr(kPrefix.size()))) {
        return fail(Kind::kInvalid, fmt::format("invalid digest {:?}", text));
    }
    return text.substr(kPrefix.size());
}

Result<UniqueFd> open_for_reading(int directory, const std::string& name) {
    UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) {
        return fail_errno(fmt::format("open blob {}", name));
    }
    return fd;
}

Result<Digest> hash_file(int fd) {
    Sha256 hash;
    std::string buffer(kChunk, '\0');
    const Reader reader = read_from_fd(fd);
    for (;;) {
        GT_TRY_VAR(count, reader(buffer));
        if (count == 0) {
            return hash.finish();
        }
        hash.update(std::string_view(buffer).substr(0, count));
    }
}

}  // namespace

StagedBlob::StagedBlob(int directory, std::string name, Digest digest, uint64_t size)
    : directory_(directory), name_(std::move(name)), digest_(std::move(digest)), size_(size) {}

StagedBlob::StagedBlob(StagedBlob&& other) noexcept
    : directory_(other.directory_),
      name_(std::exchange(other.name_, {})),
      digest_(std::move(other.digest_)),
      size_(other.size_) {}

StagedBlob& StagedBlob::operator=(StagedBlob&& other) noexcept {
    drop();
    directory_ = other.directory_;
    name_ = std::exchange(other.name_, {});
    digest_ = std::move(other.digest_);
    size_ = other.size_;
    return *this;
}

StagedBlob::~StagedBlob() {
    drop();
}

void StagedBlob::drop() {
    if (!name_.empty()) {
        // What cannot be removed now, the next start's sweep of tmp/ removes.
        (void)::unlinkat(directory_, name_.c_str(), 0);
        name_.clear();
    }
}

Result<UniqueFd> StagedBlob::open() const {
    return open_for_reading(directory_, name_);
}

Result<std::string> StagedBlob::read(size_t limit) const {
    GT_TRY_VAR(fd, open());
    return sys::read_all(fd.get(), limit);
}

Result<std::unique_ptr<ContentStore>> ContentStore::open(const std::string& data_root) {
    const std::string content = data_root + "/content";
    const std::string blobs = content + "/blobs/sha256";
    const std::string tmp = data_root + "/tmp";
    GT_TRY(sys::make_dirs(blobs.c_str(), 0700));
    GT_TRY(sys::make_dirs(tmp.c_str(), 0700));
    std::unique_ptr<ContentStore> store(new ContentStore);
    GT_TRY_VAR(content_fd, sys::open_file(AT_FDCWD, content.c_str(), O_RDONLY | O_DIRECTORY));
    GT_TRY_VAR(blobs_fd, sys::open_file(AT_FDCWD, blobs.c_str(), O_RDONLY | O_DIRECTORY));
    GT_TRY_VAR(tmp_fd, sys::open_file(AT_FDCWD, tmp.c_str(), O_RDONLY | O_DIRECTORY));
    store->content_ = std::move(content_fd);
    store->blobs_ = std::move(blobs_fd);
    store->tmp_ = std::move(tmp_fd);
    if (::faccessat(store->content_.get(), "oci-layout", F_OK, 0) < 0) {
        GT_TRY(sys::replace_file(store->content_.get(), "oci-layout",
                                 R"({"imageLayoutVersion":"1.0.0"})", 0600,
                                 sys::Durability::kDurable));
    }
    return std::move(store);
}

Result<StagedBlob> ContentStore::stage(const Reader& reader, uint64_t limit) {
    return stage_from(
        [&](const Writer& out) -> Result<> {
            std::string buffer(kChunk, '\0');
            for (;;) {
                GT_TRY_VAR(count, reader(buffer));
                if (count == 0) {
                    return {};
                }
                GT_TRY(out(std::string_view(buffer).substr(0, count)));
            }
        },
        limit);
}

Result<StagedBlob> ContentStore::stage_from(const Producer& producer, uint64_t limit) {
    std::string name = "blob-" + random_id();
    const UniqueFd file(
        ::openat(tmp_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) {
        return fail_errno(fmt::format("create tmp/{}", name));
    }
    StagedBlob blob(tmp_.get(), std::move(name), {}, 0);
    Sha256 hash;
    GT_TRY(producer([&](std::string_view bytes) -> Result<> {
        if (bytes.size() > limit - blob.size_) {
            return fail(Kind::kInvalid, fmt::format("larger than {} bytes", limit));
        }
        hash.update(bytes);
        blob.size_ += bytes.size();
        return sys::write_all(file.get(), bytes);
    }));
    blob.digest_ = hash.finish();
    GT_FAILPOINT("store.blob_staged");
    return std::move(blob);
}

Result<StagedBlob> ContentStore::stage(std::string_view bytes) {
    return stage(read_from_memory(bytes), bytes.size());
}

Result<> ContentStore::publish(std::span<StagedBlob> blobs) {
    for (const StagedBlob& blob : blobs) {
        GT_TRY_VAR(file, blob.open());
        if (::fsync(file.get()) < 0) {
            return fail_errno("sync a blob");
        }
    }
    GT_FAILPOINT("store.blob_synced");
    for (StagedBlob& blob : blobs) {
        GT_TRY_VAR(name, file_name(blob.digest()));
        if (::renameat(tmp_.get(), blob.name_.c_str(), blobs_.get(), name.c_str()) < 0) {
            return fail_errno(fmt::format("rename blob {}", name));
        }
        blob.name_.clear();
        GT_FAILPOINT("store.blob_renamed");
    }
    return sys::sync_dir(blobs_.get());
}

bool ContentStore::contains(const Digest& digest) const {
    return size(digest).has_value();
}

Result<UniqueFd> ContentStore::open_blob(const Digest& digest, Verify verify) const {
    GT_TRY_VAR(name, file_name(digest));
    GT_TRY_VAR(fd, open_for_reading(blobs_.get(), name));
    if (verify == Verify::kCheck) {
        GT_TRY_VAR(found, hash_file(fd.get()));
        if (found != digest) {
            return fail(Kind::kDataLoss, fmt::format("blob {} is damaged: it hashes to {}",
                                                     digest.str(), found.str()));
        }
        if (::lseek(fd.get(), 0, SEEK_SET) < 0) {
            return fail_errno("seek");
        }
    }
    return std::move(fd);
}

Result<std::string> ContentStore::read_blob(const Digest& digest, size_t limit) const {
    GT_TRY_VAR(fd, open_blob(digest, Verify::kTrust));
    GT_TRY_VAR(bytes, sys::read_all(fd.get(), limit));
    if (sha256(bytes) != digest) {
        return fail(Kind::kDataLoss, fmt::format("blob {} is damaged", digest.str()));
    }
    return std::move(bytes);
}

Result<uint64_t> ContentStore::size(const Digest& digest) const {
    GT_TRY_VAR(name, file_name(digest));
    struct stat status{};
    if (::fstatat(blobs_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
        return fail_errno(fmt::format("blob {}", name));
    }
    return static_cast<uint64_t>(status.st_size);
}

Result<> ContentStore::remove(const Digest& digest) {
    GT_TRY_VAR(name, file_name(digest));
    if (::unlinkat(blobs_.get(), name.c_str(), 0) < 0 && errno != ENOENT) {
        return fail_errno(fmt::format("remove blob {}", name));
    }
    return {};
}

Result<std::vector<Digest>> ContentStore::list() const {
    GT_TRY_VAR(names, sys::list_dir(blobs_.get(), "."));
    std::vector<Digest> digests;
    for (const std::string& name : names) {
        if (is_hex_name(name)) {
            digests.emplace_back(std::string(kPrefix) + name);
        }
    }
    return digests;
}

Result<> ContentStore::write_index(std::string_view json) {
    GT_FAILPOINT("store.index");
    return sys::replace_file(content_.get(), "index.json", json, 0600, sys::Durability::kDurable);
}

Result<std::string> ContentStore::read_index() const {
    return sys::read_file_at(content_.get(), "index.json", kMaxIndex);
}

}  // namespace gantry::store
