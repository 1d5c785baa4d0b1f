#include "cli/template/compare.h"

#include <compare>

namespace gantry::cli {
namespace {

using spec::Value;
using Arguments = std::span<const Value* const>;

bool is_basic(const Value& value) {
    return value.is_bool() || value.is_int() || value.is_double() || value.is_string();
}

Result<bool> equal(const Value& a, const Value& b) {
    if (a.is_null() || b.is_null()) {
        return a.is_null() && b.is_null();
    }
    if (!is_basic(a) || !is_basic(b)) {
        return fail(Kind::kInvalid, "non-comparable type");
    }
    if (a.is_bool() && b.is_bool()) {
        return a.as_bool() == b.as_bool();
    }
    if (a.is_int() && b.is_int()) {
        return a.as_int() == b.as_int();
    }
    if (a.is_double() && b.is_double()) {
        return a.as_double() == b.as_double();
    }
    if (a.is_string() && b.is_string()) {
        return a.as_string() == b.as_string();
    }
    return fail(Kind::kInvalid, "incompatible types for comparison");
}

Result<std::partial_ordering> order(Arguments arguments) {
    const Value& a = *arguments[0];
    const Value& b = *arguments[1];
    if (a.is_int() && b.is_int()) {
        return a.as_int() <=> b.as_int();
    }
    if (a.is_double() && b.is_double()) {
        return a.as_double() <=> b.as_double();
    }
    if (a.is_string() && b.is_string()) {
        return a.as_string() <=> b.as_string();
    }
    const bool orderable = is_basic(a) && is_basic(b) && !(a.is_bool() && b.is_bool());
    return fail(Kind::kInvalid,
                orderable ? "incompatible types for comparison" : "invalid type for comparison");
}

}  // namespace

Result<Value> compare_equal(Arguments arguments) {
    if (arguments.size() < 2) {
        return fail(Kind::kInvalid, "missing argument for comparison");
    }
    for (const Value* candidate : arguments.subspan(1)) {
        GT_TRY_VAR(same, equal(*arguments[0], *candidate));
        if (same) {
            return Value(true);
        }
    }
    return Value(false);
}

Result<Value> compare_not_equal(Arguments arguments) {
    GT_TRY_VAR(same, equal(*arguments[0], *arguments[1]));
    return Value(!same);
}

Result<Value> compare_less(Arguments arguments) {
    GT_TRY_VAR(result, order(arguments));
    return Value(result == std::partial_ordering::less);
}

Result<Value> compare_less_or_equal(Arguments arguments) {
    GT_TRY_VAR(result, order(arguments));
    return Value(result == std::partial_ordering::less ||
                 result == std::partial_ordering::equivalent);
}

Result<Value> compare_greater(Arguments arguments) {
    GT_TRY_VAR(result, order(arguments));
    return Value(result == std::partial_ordering::greater);
}

Result<Value> compare_greater_or_equal(Arguments arguments) {
    GT_TRY_VAR(result, order(arguments));
    return Value(result == std::partial_ordering::greater ||
                 result == std::partial_ordering::equivalent);
}

}  // namespace gantry::cli
