#include "spec/reference.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "spec/digest.h"

namespace gantry::spec {
namespace {

constexpr std::string_view kDefaultDomain = "docker.io";
constexpr std::string_view kLegacyDomain = "index.docker.io";
constexpr std::string_view kOfficialPrefix = "library/";
constexpr size_t kMaxPath = 255;
/// No valid reference is longer: domain 255, path 255, tag 128, digest 71 and separators.
constexpr size_t kMaxReference = 1024;

bool is_lower_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_alnum(char c) {
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/// [a-z0-9]+ joined by one ".", one or two "_", or any number of "-".
bool is_path_component(std::string_view text) {
    if (text.empty() || !is_lower_alnum(text.front()) || !is_lower_alnum(text.back())) {
        return false;
    }
    for (size_t at = 0; at < text.size();) {
        if (is_lower_alnum(text[at])) {
            ++at;
            continue;
        }
        const char separator = text[at];
        const size_t end = std::min(text.find_first_not_of(separator, at), text.size());
        const size_t longest = separator == '-'   ? text.size()
                               : separator == '_' ? 2
                               : separator == '.' ? 1
                                                  : 0;
        // Two different separators may not meet.
        if (end - at > longest || !is_lower_alnum(text[end])) {
            return false;
        }
        at = end;
    }
    return true;
}

bool is_path(std::string_view text) {
    return std::ranges::all_of(split(text, '/'), is_path_component);
}

bool is_host(std::string_view host) {
    if (host.starts_with('[')) {
        return host.size() > 2 && host.ends_with(']') &&
               host.find_first_not_of("0123456789abcdefABCDEF:", 1) == host.size() - 1;
    }
    return std::ranges::all_of(split(host, '.'), [](std::string_view label) {
        return !label.empty() && is_alnum(label.front()) && is_alnum(label.back()) &&
               std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; });
    });
}

bool is_domain(std::string_view text) {
    const size_t colon = text.find(':', text.starts_with('[') ? text.find(']') : 0);
    if (colon == text.npos) {
        return is_host(text);
    }
    const std::string_view port = text.substr(colon + 1);
    return is_host(text.substr(0, colon)) && !port.empty() &&
           port.find_first_not_of("0123456789") == port.npos;
}

/// The first part of TEXT if it is a registry's name and not the first part of a path.
std::string_view find_domain(std::string_view text) {
    const size_t slash = text.find('/');
    if (slash == text.npos) {
        return {};
    }
    const std::string_view first = text.substr(0, slash);
    const bool is_host_like =
        first.find_first_of(".:") != first.npos || first == "localhost" || to_lower(first) != first;
    return is_host_like ? first : std::string_view();
}

/// Takes "@digest" and then ":tag" off the end of REST.
Result<> take_suffixes(std::string_view& rest, Reference& reference) {
    if (const size_t at = rest.find('@'); at != rest.npos) {
        auto digest = parse_digest(rest.substr(at + 1));
        if (!digest) {
            const bool is_unsupported = digest.error().text() == "unsupported digest algorithm";
            return is_unsupported ? Result<>(Failure(std::move(digest).error()))
                                  : Result<>(fail(Kind::kInvalid, "invalid reference format"));
        }
        reference.digest = std::move(*digest);
        rest = rest.substr(0, at);
    }
    if (const size_t colon = rest.find(':'); colon != rest.npos) {
        reference.tag = rest.substr(colon + 1);
        if (!is_tag(reference.tag)) {
            return fail(Kind::kInvalid, "invalid reference format");
        }
        rest = rest.substr(0, colon);
    }
    return {};
}

}  // namespace

bool is_tag(std::string_view text) {
    const auto is_word = [](char c) { return is_alnum(c) || c == '_'; };
    return !text.empty() && text.size() <= 128 && is_word(text[0]) &&
           std::ranges::all_of(text, [&](char c) { return is_word(c) || c == '.' || c == '-'; });
}

Result<Reference> parse_reference(std::string_view text) {
    if (text.size() > kMaxReference) {
        return fail(Kind::kInvalid, "invalid reference format");
    }
    if (text.size() == 64 && is_lower_hex(text)) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid repository name ({}), cannot specify 64-byte hexadecimal "
                                "strings",
                                text));
    }
    Reference reference;
    std::string_view rest = text;
    if (const std::string_view domain = find_domain(text); !domain.empty()) {
        rest.remove_prefix(domain.size() + 1);
        reference.domain = domain == kLegacyDomain ? kDefaultDomain : domain;
    } else {
        reference.domain = kDefaultDomain;
    }
    const std::string_view path = rest.substr(0, rest.find_first_of(":@"));
    reference.path = path;
    if (reference.domain == kDefaultDomain && path.find('/') == path.npos && !path.empty()) {
        reference.path = std::string(kOfficialPrefix) + reference.path;
    }
    if (to_lower(path) != path && is_path(to_lower(path))) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid reference format: repository name ({}) must be lowercase",
                                reference.path));
    }
    GT_TRY(take_suffixes(rest, reference));
    if (rest != path || !is_path(path) || !is_domain(reference.domain)) {
        return fail(Kind::kInvalid, "invalid reference format");
    }
    if (reference.path.size() > kMaxPath) {
        return fail(Kind::kInvalid, "repository name must not be longer than 255 characters");
    }
    return reference;
}

std::string Reference::name() const {
    return domain + "/" + path;
}

static std::string with_suffixes(std::string name, const Reference& reference) {
    if (!reference.tag.empty()) {
        name += ":" + reference.tag;
    }
    if (reference.digest) {
        name += "@" + reference.digest->str();
    }
    return name;
}

std::string Reference::str() const {
    return with_suffixes(name(), *this);
}

std::string Reference::familiar_name() const {
    if (domain != kDefaultDomain) {
        return name();
    }
    const std::string_view official = std::string_view(path).substr(
        path.starts_with(kOfficialPrefix) ? kOfficialPrefix.size() : 0);
    return official.find('/') == official.npos ? std::string(official) : path;
}

std::string Reference::familiar() const {
    return with_suffixes(familiar_name(), *this);
}

Reference Reference::with_default_tag() const {
    Reference result = *this;
    if (result.name_only()) {
        result.tag = "latest";
    }
    return result;
}

}  // namespace gantry::spec
