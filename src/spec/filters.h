#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::spec {

/// The `filters` parameter of lists, prunes and events: keys with sets of values. Keys AND, values
/// of one key OR, except for label where they AND (behaviours B1).
class Filters {
public:
    using Values = std::set<std::string>;

    /// {"key": {"value": true}} or the old {"key": ["value"]}; "" gives none. A value whose flag is
    /// false is left out. kInvalid "invalid filter" for other JSON.
    static Result<Filters> parse(std::string_view json);

    /// In the current form, for requests.
    std::string to_json() const;

    void add(std::string_view key, std::string_view value);
    bool empty() const { return keys_.empty(); }
    bool contains(std::string_view key) const;
    /// No values for a key that is not there.
    const Values& values(std::string_view key) const;
    const std::map<std::string, Values, std::less<>>& all() const { return keys_; }

    /// kInvalid "invalid filter 'foo'" for the first key that is not among ALLOWED.
    Result<> check_keys(std::span<const std::string_view> allowed) const;
    Result<> check_keys(std::initializer_list<std::string_view> allowed) const;

    /// "0", "1", "true" or "false" (any of Go's two spellings), and not both; FALLBACK when absent.
    /// kInvalid "invalid filter 'dangling=[maybe]'" (behaviours B6).
    Result<bool> bool_value(std::string_view key, bool fallback) const;

    /// Whether VALUE is one of the values of KEY, or KEY is absent.
    bool match_exact(std::string_view key, std::string_view value) const;
    /// As match_exact(), and a value that is a prefix of VALUE matches too.
    bool match_prefix(std::string_view key, std::string_view value) const;
    /// Whether every "k" or "k=v" of KEY ("label") holds in LABELS; true when KEY is absent.
    bool match_labels(std::string_view key, const std::map<std::string, std::string>& labels) const;
    /// Whether one value of KEY, read as a regular expression (spec/regexp.h) or as plain text
    /// equal to VALUE, is found in VALUE; true when KEY is absent. A value that is no regular
    /// expression we know matches only by equality.
    bool match_regexp(std::string_view key, std::string_view value) const;

private:
    std::map<std::string, Values, std::less<>> keys_;
};

}  // namespace gantry::spec
