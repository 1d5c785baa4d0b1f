#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/stream.h"
#include "base/unique_fd.h"

namespace gantry::store {

/// A blob that is written but not visible yet: a file in tmp/ with its digest known. Removes the
/// file unless it was published.
class StagedBlob {
public:
    StagedBlob(StagedBlob&& other) noexcept;
    StagedBlob& operator=(StagedBlob&& other) noexcept;
    ~StagedBlob();

    const Digest& digest() const { return digest_; }
    uint64_t size() const { return size_; }

    /// For reading, from the start.
    Result<UniqueFd> open() const;
    /// All of it; kInvalid if it is larger than LIMIT.
    Result<std::string> read(size_t limit) const;

private:
    friend class ContentStore;
    StagedBlob(int directory, std::string name, Digest digest, uint64_t size);
    void drop();

    int directory_;  // of the ContentStore
    std::string name_;
    Digest digest_;
    uint64_t size_;
};

enum class Verify { kTrust, kCheck };

/// Blobs by digest under content/, which is a valid OCI image layout (image-spec 1.1,
/// image-layout.md). A blob becomes visible whole and durable or not at all; it never changes.
///
/// Thread-safe, blocking. Knows nothing about who needs a blob: ImageStore does.
class ContentStore {
public:
    /// Makes content/ and tmp/ below DATA_ROOT as needed.
    static Result<std::unique_ptr<ContentStore>> open(const std::string& data_root);

    /// Writes what READER gives to a staged file, hashing on the way. kInvalid when it is more than
    /// LIMIT bytes.
    Result<StagedBlob> stage(const Reader& reader, uint64_t limit);
    Result<StagedBlob> stage(std::string_view bytes);
    /// The same for what PRODUCER writes.
    Result<StagedBlob> stage_from(const Producer& producer, uint64_t limit);

    /// Makes all of BLOBS visible and durable: fsync of each, rename, fsync of the directory.
    /// Publishing a digest that is there already is success.
    Result<> publish(std::span<StagedBlob> blobs);

    bool contains(const Digest& digest) const;

    /// kNotFound if there is no such blob. kCheck reads it all and compares: kDataLoss if it is not
    /// what its name says.
    Result<UniqueFd> open_blob(const Digest& digest, Verify verify) const;
    /// kInvalid if it is larger than LIMIT; always checked against DIGEST.
    Result<std::string> read_blob(const Digest& digest, size_t limit) const;

    Result<uint64_t> size(const Digest& digest) const;

    /// Removes the blob; a missing one is success.
    Result<> remove(const Digest& digest);

    Result<std::vector<Digest>> list() const;

    /// Replaces index.json, durably: the images by name, for other OCI tools and for the day the
    /// database is lost.
    Result<> write_index(std::string_view json);
    Result<std::string> read_index() const;

private:
    ContentStore() = default;

    UniqueFd content_;
    UniqueFd blobs_;  // blobs/sha256
    UniqueFd tmp_;
};

}  // namespace gantry::store
