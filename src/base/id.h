#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace gantry {

/// A string that names one kind of thing and cannot be taken for another.
template <class Tag>
class StrongString {
public:
    StrongString() = default;
    explicit StrongString(std::string value) : value_(std::move(value)) {}

    const std::string& str() const { return value_; }
    bool empty() const { return value_.empty(); }
    auto operator<=>(const StrongString&) const = default;

private:
    std::string value_;
};

/// 64 lower-case hex digits, random, whose first twelve are never all digits (the short form must
/// not be read as a number: Docker behaviour E1).
using ContainerId = StrongString<struct ContainerIdTag>;
using ExecId = StrongString<struct ExecIdTag>;
using NetworkId = StrongString<struct NetworkIdTag>;
using EndpointId = StrongString<struct EndpointIdTag>;

/// "sha256:" and 64 lower-case hex digits. Made only by parse_digest() and by hashing.
using Digest = StrongString<struct DigestTag>;
/// The digest over a layer and all below it (OCI image-spec, config.md, "Layer ChainID").
using ChainId = StrongString<struct ChainIdTag>;
/// The digest of an image's config: Docker's image id.
using ImageId = StrongString<struct ImageIdTag>;

/// A fresh random id of 64 hex digits from getrandom(2).
std::string random_id();

/// The twelve digits that people see.
inline std::string_view short_id(std::string_view id) {
    return id.substr(0, 12);
}

}  // namespace gantry

template <class Tag>
struct std::hash<gantry::StrongString<Tag>> {
    size_t operator()(const gantry::StrongString<Tag>& id) const noexcept {
        return std::hash<std::string>()(id.str());
    }
};
