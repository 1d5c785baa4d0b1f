#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace gantry::spec {

/// Any JSON value, for the few places where the shape is not ours: option files, templates over
/// API answers, extension fields. Objects keep the order of their members; a name given twice
/// counts as given last. Numbers stay exact when they fit 64 bits.
class Value {
public:
    using Array = std::vector<Value>;
    using Member = std::pair<std::string, Value>;
    using Object = std::vector<Member>;

    Value() = default;
    Value(std::nullptr_t) {}                               // NOLINT: implicit, as JSON text is
    Value(bool value) : data_(value) {}                    // NOLINT
    Value(int64_t value) : data_(value) {}                 // NOLINT
    Value(uint64_t value);                                 // NOLINT
    Value(int value) : data_(int64_t{value}) {}            // NOLINT
    Value(double value) : data_(value) {}                  // NOLINT
    Value(std::string value) : data_(std::move(value)) {}  // NOLINT
    Value(std::string_view value) : data_(std::string(value)) {}  // NOLINT
    Value(const char* value) : data_(std::string(value)) {}       // NOLINT
    Value(Array value) : data_(std::move(value)) {}               // NOLINT
    Value(Object value) : data_(std::move(value)) {}              // NOLINT

    /// One document; the errors and limits of parse_json().
    static Result<Value> parse(std::string_view text);

    bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
    bool is_bool() const { return std::holds_alternative<bool>(data_); }
    /// Any of the three kinds of number.
    bool is_number() const { return is_int() || is_uint() || is_double(); }
    bool is_int() const { return std::holds_alternative<int64_t>(data_); }
    /// An integer that only fits uint64_t; smaller ones are is_int().
    bool is_uint() const { return std::holds_alternative<uint64_t>(data_); }
    bool is_double() const { return std::holds_alternative<double>(data_); }
    bool is_string() const { return std::holds_alternative<std::string>(data_); }
    bool is_array() const { return std::holds_alternative<Array>(data_); }
    bool is_object() const { return std::holds_alternative<Object>(data_); }

    // The kind must be the right one: a GT_CHECK stands in each.
    bool as_bool() const;
    int64_t as_int() const;
    uint64_t as_uint() const;
    /// Of any number.
    double as_double() const;
    const std::string& as_string() const;
    const Array& as_array() const;
    Array& as_array();
    const Object& as_object() const;
    Object& as_object();

    /// The member NAME (exact case) of an object; null when there is none or this is no object.
    const Value* find(std::string_view name) const;
    /// Sets or replaces a member. A null value becomes an object first.
    void set(std::string_view name, Value value);

    /// Compact, in Go's manner (to_json()).
    std::string serialize() const;
    /// One member or element a line, INDENT spaces deep each level, ": " after names, as Go's
    /// json.MarshalIndent prints it; no newline at the end.
    std::string pretty(int indent = 4) const;

    friend bool operator==(const Value&, const Value&) = default;

private:
    std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Array, Object> data_;
};

}  // namespace gantry::spec
