#include "cli/template/functions.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/quote.h"
#include "cli/template/compare.h"
#include "cli/template/escape.h"
#include "cli/template/printf.h"

namespace gantry::cli {
namespace {

using spec::Value;
using Arguments = std::span<const Value* const>;

Failure failure(std::string text) {
    return fail(Kind::kInvalid, std::move(text));
}

/// The N-th argument as a string, or an error in Go's words.
Result<std::string_view> text_argument(Arguments arguments, size_t n) {
    if (!arguments[n]->is_string()) {
        return failure(
            fmt::format("wrong type for value; expected string; got {}", go_type(*arguments[n])));
    }
    return std::string_view(arguments[n]->as_string());
}

Result<int64_t> integer_argument(Arguments arguments, size_t n) {
    if (!arguments[n]->is_int()) {
        return failure(
            fmt::format("wrong type for value; expected int; got {}", go_type(*arguments[n])));
    }
    return arguments[n]->as_int();
}

/// Bounds what `pad` and `index` take from a template.
constexpr int64_t kMaxPadding = 10'000;

Result<Value> call_json(Arguments arguments) {
    return Value(arguments[0]->serialize());
}

Result<Value> call_split(Arguments arguments) {
    GT_TRY_VAR(text, text_argument(arguments, 0));
    GT_TRY_VAR(separator, text_argument(arguments, 1));
    Value::Array parts;
    while (true) {
        const size_t end = separator.empty() ? (text.empty() ? std::string_view::npos
                                                             : first_characters(text, 1).size())
                                             : text.find(separator);
        if (end == std::string_view::npos || (separator.empty() && end == text.size())) {
            break;
        }
        parts.emplace_back(std::string(text.substr(0, end)));
        text.remove_prefix(end + separator.size());
    }
    if (!separator.empty() || !text.empty()) {
        parts.emplace_back(std::string(text));
    }
    return Value(std::move(parts));
}

Result<Value> call_join(Arguments arguments) {
    GT_TRY_VAR(separator, text_argument(arguments, 1));
    if (arguments[0]->is_null()) {
        return Value(std::string());
    }
    if (!arguments[0]->is_array()) {
        return failure(
            fmt::format("wrong type for value; expected []string; got {}", go_type(*arguments[0])));
    }
    std::string out;
    for (const Value& part : arguments[0]->as_array()) {
        if (&part != &arguments[0]->as_array().front()) {
            out += separator;
        }
        out += print_value(part);
    }
    return Value(std::move(out));
}

Result<Value> call_title(Arguments arguments) {
    GT_TRY_VAR(text, text_argument(arguments, 0));
    std::string out(text);
    bool at_start = true;
    for (char& c : out) {
        if (at_start && c >= 'a' && c <= 'z') {
            c = static_cast<char>(c - 'a' + 'A');
        }
        const auto byte = static_cast<unsigned char>(c);
        at_start = std::isalnum(byte) == 0 && c != '_' && c != '\'' && byte < 0x80;
    }
    return Value(std::move(out));
}

Result<Value> call_lower(Arguments arguments) {
    GT_TRY_VAR(text, text_argument(arguments, 0));
    return Value(to_lower(text));
}

Result<Value> call_upper(Arguments arguments) {
    GT_TRY_VAR(text, text_argument(arguments, 0));
    return Value(to_upper(text));
}

Result<Value> call_pad(Arguments arguments) {
    GT_TRY_VAR(text, text_argument(arguments, 0));
    GT_TRY_VAR(before, integer_argument(arguments, 1));
    GT_TRY_VAR(after, integer_argument(arguments, 2));
    if (before < 0 || after < 0 || before > kMaxPadding || after > kMaxPadding) {
        return failure("padding out of range");
    }
    if (text.empty()) {
        return Value(std::string());
    }
    return Value(std::string(static_cast<size_t>(before), ' ') + std::string(text) +
                 std::string(static_cast<size_t>(after), ' '));
}

Result<Value> call_truncate(Arguments arguments) {
    GT_TRY_VAR(text, text_argument(arguments, 0));
    GT_TRY_VAR(length, integer_argument(arguments, 1));
    if (length < 0) {
        return failure(fmt::format("slice bounds out of range [:{}]", length));
    }
    return Value(std::string(text.substr(0, static_cast<size_t>(length))));
}

Result<Value> call_not(Arguments arguments) {
    return Value(!is_true(*arguments[0]));
}

Result<Value> call_len(Arguments arguments) {
    const Value& value = *arguments[0];
    if (value.is_string()) {
        return Value(static_cast<int64_t>(value.as_string().size()));
    }
    if (value.is_array()) {
        return Value(static_cast<int64_t>(value.as_array().size()));
    }
    if (value.is_object()) {
        return Value(static_cast<int64_t>(value.as_object().size()));
    }
    if (value.is_null()) {
        return Value(int64_t{0});
    }
    return failure(fmt::format("len of type {}", go_type(value)));
}

/// The missing element of a map[string]string is "", of others nil.
Value zero_element(const Value& object) {
    for (const auto& [key, element] : object.as_object()) {
        if (!element.is_string()) {
            return Value();
        }
    }
    return Value(std::string());
}

Result<Value> call_index(Arguments arguments) {
    const Value* item = arguments[0];
    Value made;
    for (const Value* key : arguments.subspan(1)) {
        if (item->is_object()) {
            if (!key->is_string()) {
                return failure(fmt::format("value has type {}; should be string", go_type(*key)));
            }
            if (const Value* found = item->find(key->as_string()); found != nullptr) {
                item = found;
            } else {
                made = zero_element(*item);
                item = &made;
            }
            continue;
        }
        if (item->is_null()) {
            return failure("index of untyped nil");
        }
        if (!item->is_array() && !item->is_string()) {
            return failure(fmt::format("can't index item of type {}", go_type(*item)));
        }
        if (!key->is_int()) {
            return failure(fmt::format("cannot index slice/array with type {}", go_type(*key)));
        }
        const size_t size = item->is_array() ? item->as_array().size() : item->as_string().size();
        if (key->as_int() < 0 || static_cast<uint64_t>(key->as_int()) >= size) {
            return failure(fmt::format("index out of range: {}", key->as_int()));
        }
        const auto position = static_cast<size_t>(key->as_int());
        if (item->is_array()) {
            item = &item->as_array()[position];
        } else {
            made = Value(static_cast<int64_t>(static_cast<uint8_t>(item->as_string()[position])));
            item = &made;
        }
    }
    return *item;
}

Result<Value> call_slice(Arguments arguments) {
    const Value& item = *arguments[0];
    if (!item.is_array() && !item.is_string()) {
        return failure(fmt::format("can't slice item of type {}", go_type(item)));
    }
    if (arguments.size() > 3) {
        return failure(item.is_string()
                           ? "cannot 3-index slice a string"
                           : "too many slice indexes: " + std::to_string(arguments.size() - 1));
    }
    const size_t size = item.is_array() ? item.as_array().size() : item.as_string().size();
    std::array<size_t, 2> bounds = {0, size};
    for (size_t i = 1; i < arguments.size(); ++i) {
        GT_TRY_VAR(bound, integer_argument(arguments, i));
        if (bound < 0 || static_cast<uint64_t>(bound) > size) {
            return failure(fmt::format("index out of range: {}", bound));
        }
        bounds[i - 1] = static_cast<size_t>(bound);
    }
    if (bounds[0] > bounds[1]) {
        return failure(fmt::format("invalid slice index: {} > {}", bounds[0], bounds[1]));
    }
    if (item.is_string()) {
        return Value(item.as_string().substr(bounds[0], bounds[1] - bounds[0]));
    }
    Value::Array part;
    for (size_t i = bounds[0]; i < bounds[1]; ++i) {
        part.push_back(item.as_array()[i]);
    }
    return Value(std::move(part));
}

/// Go's Sprint: a blank between two operands if neither is a string.
std::string print_all(Arguments arguments) {
    std::string out;
    for (size_t i = 0; i < arguments.size(); ++i) {
        if (i > 0 && !arguments[i]->is_string() && !arguments[i - 1]->is_string()) {
            out += ' ';
        }
        out += print_value(*arguments[i]);
    }
    return out;
}

Result<Value> call_print(Arguments arguments) {
    return Value(print_all(arguments));
}

Result<Value> call_println(Arguments arguments) {
    std::string out;
    for (size_t i = 0; i < arguments.size(); ++i) {
        out += i == 0 ? "" : " ";
        out += print_value(*arguments[i]);
    }
    return Value(out + "\n");
}

Result<Value> call_printf(Arguments arguments) {
    GT_TRY_VAR(format, text_argument(arguments, 0));
    return Value(template_printf(format, arguments.subspan(1)));
}

Result<Value> call_html(Arguments arguments) {
    return Value(escape_html(print_all(arguments)));
}

Result<Value> call_js(Arguments arguments) {
    return Value(escape_js(print_all(arguments)));
}

Result<Value> call_urlquery(Arguments arguments) {
    return Value(escape_query(print_all(arguments)));
}

Result<Value> call_call(Arguments arguments) {
    return failure(arguments[0]->is_null()
                       ? "call of nil"
                       : fmt::format("non-function of type {}", go_type(*arguments[0])));
}

struct Function {
    std::string_view name;
    size_t least;
    /// least and most are equal for a fixed number.
    size_t most;
    Result<Value> (*run)(Arguments);
    /// In a table's header it gives its first argument back.
    bool plain_in_header = false;
};

constexpr size_t kAny = SIZE_MAX;

/// `and` and `or` are here for their names only: the executor evaluates them.
constexpr std::array kFunctions = {
    Function{"and", 1, kAny, nullptr},
    Function{"call", 1, kAny, call_call},
    Function{"eq", 1, kAny, compare_equal},
    Function{"ge", 2, 2, compare_greater_or_equal},
    Function{"gt", 2, 2, compare_greater},
    Function{"html", 0, kAny, call_html},
    Function{"index", 1, kAny, call_index},
    Function{"join", 2, 2, call_join, true},
    Function{"js", 0, kAny, call_js},
    Function{"json", 1, 1, call_json, true},
    Function{"le", 2, 2, compare_less_or_equal},
    Function{"len", 1, 1, call_len},
    Function{"lower", 1, 1, call_lower, true},
    Function{"lt", 2, 2, compare_less},
    Function{"ne", 2, 2, compare_not_equal},
    Function{"not", 1, 1, call_not},
    Function{"or", 1, kAny, nullptr},
    Function{"pad", 3, 3, call_pad},
    Function{"print", 0, kAny, call_print},
    Function{"printf", 1, kAny, call_printf},
    Function{"println", 0, kAny, call_println},
    Function{"slice", 1, kAny, call_slice},
    Function{"split", 2, 2, call_split, true},
    Function{"title", 1, 1, call_title, true},
    Function{"truncate", 2, 2, call_truncate, true},
    Function{"upper", 1, 1, call_upper, true},
    Function{"urlquery", 0, kAny, call_urlquery},
};

const Function* find_function(std::string_view name) {
    const auto found = std::ranges::find(kFunctions, name, &Function::name);
    return found == kFunctions.end() ? nullptr : &*found;
}

/// The shortest digits that give the same number, in Go's %v form: an exponent from 1e21 up and
/// below 1e-4.
std::string print_real(double number) {
    if (std::isnan(number)) {
        return "NaN";
    }
    if (std::isinf(number)) {
        return number < 0 ? "-Inf" : "+Inf";
    }
    const double magnitude = std::fabs(number);
    const bool scientific = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e21);
    std::array<char, 64> buffer = {};
    const auto [end, error] =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                      scientific ? std::chars_format::scientific : std::chars_format::fixed);
    return error == std::errc() ? std::string(buffer.data(), end) : "NaN";
}

std::string print_struct(const Value& object, bool (*is_map)(std::string_view field)) {
    std::string out = "{";
    for (const auto& [name, member] : object.as_object()) {
        out += &name == &object.as_object().front().first ? "" : " ";
        out += print_value(member, name, is_map);
    }
    return out + "}";
}

}  // namespace

bool is_template_function(std::string_view name) {
    return find_function(name) != nullptr;
}

Result<Value> call_template_function(std::string_view name, Arguments arguments,
                                     FunctionMode mode) {
    const Function* function = find_function(name);
    if (function == nullptr || function->run == nullptr) {
        return fail(Kind::kInvalid, fmt::format("{} is not a function", name));
    }
    if (arguments.size() < function->least || arguments.size() > function->most) {
        return fail(Kind::kConflict, fmt::format("wrong number of args for {}: want {}{} got {}",
                                                 name, function->most == kAny ? "at least " : "",
                                                 function->least, arguments.size()));
    }
    if (mode == FunctionMode::kHeader && function->plain_in_header) {
        return *arguments[0];
    }
    return function->run(arguments);
}

bool is_true(const Value& value) {
    if (value.is_bool()) {
        return value.as_bool();
    }
    if (value.is_int()) {
        return value.as_int() != 0;
    }
    if (value.is_double()) {
        return value.as_double() != 0;
    }
    if (value.is_string()) {
        return !value.as_string().empty();
    }
    if (value.is_array()) {
        return !value.as_array().empty();
    }
    return value.is_object() && !value.as_object().empty();
}

std::string print_value(const Value& value, std::string_view field,
                        bool (*is_map)(std::string_view field)) {
    if (value.is_null()) {
        return "<nil>";
    }
    if (value.is_bool()) {
        return value.as_bool() ? "true" : "false";
    }
    if (value.is_int()) {
        return std::to_string(value.as_int());
    }
    if (value.is_uint()) {
        return std::to_string(value.as_uint());
    }
    if (value.is_double()) {
        return print_real(value.as_double());
    }
    if (value.is_string()) {
        return value.as_string();
    }
    if (value.is_array()) {
        std::string out = "[";
        for (const Value& element : value.as_array()) {
            out += &element == &value.as_array().front() ? "" : " ";
            out += print_value(element, {}, is_map);
        }
        return out + "]";
    }
    if (is_map != nullptr && !is_map(field)) {
        return print_struct(value, is_map);
    }
    std::vector<std::pair<std::string_view, const Value*>> sorted;
    for (const auto& [key, element] : value.as_object()) {
        sorted.emplace_back(key, &element);
    }
    std::ranges::sort(sorted, {}, [](const auto& entry) { return entry.first; });
    std::string out;
    for (const auto& [key, element] : sorted) {
        out +=
            fmt::format("{}{}:{}", out.empty() ? "" : " ", key, print_value(*element, {}, is_map));
    }
    return "map[" + out + "]";
}

std::string print_value(const Value& value) {
    return print_value(value, {}, nullptr);
}

std::string_view go_type(const Value& value) {
    if (value.is_bool()) {
        return "bool";
    }
    if (value.is_int()) {
        return "int";
    }
    if (value.is_uint()) {
        return "uint64";
    }
    if (value.is_double()) {
        return "float64";
    }
    if (value.is_string()) {
        return "string";
    }
    if (value.is_array()) {
        return "[]interface {}";
    }
    return value.is_object() ? "map[string]interface {}" : "<nil>";
}

}  // namespace gantry::cli
