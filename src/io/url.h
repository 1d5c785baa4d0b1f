#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::io {

/// Replaces %XX by its byte. Empty on a broken escape and on an encoded NUL. A '+' stays a '+'.
std::optional<std::string> percent_decode(std::string_view text);

/// Encodes every byte but the unreserved ones of RFC 3986, so that the result fits any part of a
/// URL: a path segment as well as a query value.
std::string percent_encode(std::string_view text);

/// The query of a URL: `all=1&filters=%7B%7D`. Keys may repeat; the order is kept.
class Query {
public:
    Query() = default;

    /// Decodes TEXT, the part after '?'. '+' is a blank. Empty on a broken escape.
    static std::optional<Query> parse(std::string_view text);

    /// The first value of KEY, or null when it is absent. `?all` and `?all=` both give "".
    const std::string* find(std::string_view key) const;

    /// The first value of KEY, or "".
    std::string_view get(std::string_view key) const;

    /// Every value of a repeatable KEY.
    std::vector<std::string> all(std::string_view key) const;

    void add(std::string key, std::string value);

    /// The encoded form without '?'; "" when there is nothing in it.
    std::string to_string() const;

private:
    std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace gantry::io
