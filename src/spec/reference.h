#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/id.h"

namespace gantry::spec {

/// A parsed image reference, normalized: the domain is there ("docker.io") and Hub's one-part names
/// have "library/" before them. Made only by parse_reference(), so its parts are within the grammar
/// of distribution/reference and safe in URLs.
struct Reference {
    std::string domain;
    std::string path;
    /// At least one of the two may be empty; neither is added by parsing.
    std::string tag;
    std::optional<Digest> digest;

    /// "docker.io/library/alpine".
    std::string name() const;
    /// name() with tag and digest: "docker.io/library/alpine:3.10".
    std::string str() const;
    /// What people see: "alpine:3.10", "quay.io/a/b@sha256:...".
    std::string familiar() const;
    /// familiar() without tag and digest.
    std::string familiar_name() const;
    /// This, with ":latest" if it has neither tag nor digest.
    Reference with_default_tag() const;
    bool name_only() const { return tag.empty() && !digest; }
};

/// [domain/]path[:tag][@digest] as people type it (behaviours E6). kInvalid in Docker's wording:
/// "invalid reference format", "invalid reference format: repository name (library/UPPER) must be
/// lowercase", "repository name must not be longer than 255 characters". A bare name of 64 hex
/// digits is refused, as Docker does: it would be taken for an id.
Result<Reference> parse_reference(std::string_view text);

/// TEXT as a tag alone: [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}.
bool is_tag(std::string_view text);

}  // namespace gantry::spec
