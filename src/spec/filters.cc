#include "spec/filters.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "spec/regexp.h"
#include "spec/value.h"

namespace gantry::spec {
namespace {

const Filters::Values kNoValues;

Failure invalid_value(std::string_view key, const Filters::Values& values) {
    std::string list;
    for (const std::string& value : values) {
        list += (list.empty() ? "" : " ") + value;
    }
    return fail(Kind::kInvalid, fmt::format("invalid filter '{}=[{}]'", key, list));
}

/// The values of one key in either form.
Result<Filters::Values> read_values(const Value& value) {
    Filters::Values values;
    if (value.is_array()) {
        for (const Value& item : value.as_array()) {
            if (!item.is_string()) {
                return fail(Kind::kInvalid, "invalid filter");
            }
            values.insert(item.as_string());
        }
        return values;
    }
    if (value.is_null()) {
        return values;
    }
    if (!value.is_object()) {
        return fail(Kind::kInvalid, "invalid filter");
    }
    for (const auto& [name, flag] : value.as_object()) {
        if (!flag.is_bool()) {
            return fail(Kind::kInvalid, "invalid filter");
        }
        if (flag.as_bool()) {
            values.insert(name);
        }
    }
    return values;
}

bool holds(std::string_view wanted, const std::map<std::string, std::string>& labels) {
    const Cut parts = cut(wanted, '=');
    const auto label = labels.find(std::string(parts.before));
    return label != labels.end() && (!parts.found || label->second == parts.after);
}

}  // namespace

Result<Filters> Filters::parse(std::string_view json) {
    Filters filters;
    if (json.empty()) {
        return filters;
    }
    const auto document = Value::parse(json);
    if (!document || !(document->is_object() || document->is_null())) {
        return fail(Kind::kInvalid, "invalid filter");
    }
    if (document->is_null()) {
        return filters;
    }
    for (const auto& [key, value] : document->as_object()) {
        GT_TRY_VAR(values, read_values(value));
        filters.keys_.insert_or_assign(key, std::move(values));
    }
    return filters;
}

std::string Filters::to_json() const {
    Value document(Value::Object{});
    for (const auto& [key, values] : keys_) {
        Value::Object flags;
        for (const std::string& value : values) {
            flags.emplace_back(value, true);
        }
        document.set(key, std::move(flags));
    }
    return document.serialize();
}

void Filters::add(std::string_view key, std::string_view value) {
    keys_[std::string(key)].insert(std::string(value));
}

bool Filters::contains(std::string_view key) const {
    return keys_.find(key) != keys_.end();
}

const Filters::Values& Filters::values(std::string_view key) const {
    const auto found = keys_.find(key);
    return found == keys_.end() ? kNoValues : found->second;
}

Result<> Filters::check_keys(std::span<const std::string_view> allowed) const {
    for (const auto& [key, values] : keys_) {
        if (std::ranges::find(allowed, key) == allowed.end()) {
            return fail(Kind::kInvalid, fmt::format("invalid filter '{}'", key));
        }
    }
    return {};
}

Result<> Filters::check_keys(std::initializer_list<std::string_view> allowed) const {
    return check_keys(std::span(allowed.begin(), allowed.size()));
}

Result<bool> Filters::bool_value(std::string_view key, bool fallback) const {
    if (!contains(key)) {
        return fallback;
    }
    const Values& given = values(key);
    const bool is_true = given.contains("1") || given.contains("true");
    const bool is_false = given.contains("0") || given.contains("false");
    if (is_true == is_false) {
        return invalid_value(key, given);
    }
    return is_true;
}

bool Filters::match_exact(std::string_view key, std::string_view value) const {
    const Values& wanted = values(key);
    return wanted.empty() || wanted.contains(std::string(value));
}

bool Filters::match_prefix(std::string_view key, std::string_view value) const {
    const Values& wanted = values(key);
    return wanted.empty() || std::ranges::any_of(wanted, [&](const std::string& prefix) {
               return value.starts_with(prefix);
           });
}

bool Filters::match_labels(std::string_view key,
                           const std::map<std::string, std::string>& labels) const {
    return std::ranges::all_of(values(key),
                               [&](const std::string& wanted) { return holds(wanted, labels); });
}

bool Filters::match_regexp(std::string_view key, std::string_view value) const {
    const Values& wanted = values(key);
    return wanted.empty() || std::ranges::any_of(wanted, [&](const std::string& pattern) {
               if (pattern == value) {
                   return true;
               }
               const auto regexp = Regexp::compile(pattern);
               return regexp && regexp->search(value);
           });
}

}  // namespace gantry::spec
