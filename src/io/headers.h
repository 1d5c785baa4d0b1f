#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::io {

/// The header fields of one HTTP message, in the order in which they came. Names compare without
/// regard to case. A message has a dozen of them, so a flat list beats a map.
class Headers {
public:
    using Field = std::pair<std::string, std::string>;

    /// The value of the first field of that name, or null. The pointer lives until the next change.
    const std::string* find(std::string_view name) const;

    /// The value of the first field of that name, or "".
    std::string_view get(std::string_view name) const;

    /// Replaces every field of that name by one.
    void set(std::string_view name, std::string value);

    /// Adds a field and keeps others of the same name.
    void add(std::string name, std::string value);

    /// Whether a comma-separated field holds TOKEN, as `Connection: keep-alive, Upgrade` does.
    bool has_token(std::string_view name, std::string_view token) const;

    bool empty() const { return fields_.empty(); }
    std::vector<Field>::const_iterator begin() const { return fields_.begin(); }
    std::vector<Field>::const_iterator end() const { return fields_.end(); }

private:
    std::vector<Field> fields_;
};

}  // namespace gantry::io
