#include "spec/value.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "spec/impl/binding.h"

namespace gantry::spec {
namespace {

using impl::Reader;
using impl::Writer;

Value number_of(std::string_view literal) {
    const char* const end = literal.data() + literal.size();
    int64_t integer = 0;
    if (const auto [stop, error] = std::from_chars(literal.data(), end, integer);
        stop == end && error == std::errc()) {
        return integer;
    }
    uint64_t large = 0;
    if (const auto [stop, error] = std::from_chars(literal.data(), end, large);
        stop == end && error == std::errc()) {
        return large;
    }
    double number = 0;
    if (std::from_chars(literal.data(), end, number).ec == std::errc::result_out_of_range) {
        // Too large or too small: the nearest that JSON can say again.
        const bool is_tiny =
            literal.find("e-") != literal.npos || literal.find("E-") != literal.npos;
        number = is_tiny ? 0 : std::numeric_limits<double>::max();
        return literal.starts_with('-') ? -number : number;
    }
    return number;
}

/// Keeps the last member of each name, at the place of its first. Sorting keeps hostile objects of
/// many members cheap.
void merge_duplicates(Value::Object& object) {
    std::vector<size_t> order(object.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::sort(order, {}, [&](size_t at) {
        return std::pair<std::string_view, size_t>(object[at].first, at);
    });
    std::vector<bool> dropped(object.size());
    bool any = false;
    for (size_t at = 0; at + 1 < order.size(); ++at) {
        size_t last = at;
        while (last + 1 < order.size() &&
               object[order[last + 1]].first == object[order[at]].first) {
            dropped[order[++last]] = true;
            any = true;
        }
        if (last != at) {
            object[order[at]].second = std::move(object[order[last]].second);
            at = last;
        }
    }
    if (any) {
        size_t at = 0;
        std::erase_if(object, [&](const Value::Member&) { return dropped[at++]; });
    }
}

Value read_value(Reader& reader) {
    switch (reader.peek()) {
        case Reader::Type::kBool: return reader.read_bool();
        case Reader::Type::kNumber: return number_of(reader.read_number());
        case Reader::Type::kString: return reader.read_string();
        case Reader::Type::kArray: {
            Value::Array array;
            for (reader.enter_array(); reader.next_element();) {
                array.push_back(read_value(reader));
            }
            return array;
        }
        case Reader::Type::kObject: {
            Value::Object object;
            std::string name;
            for (reader.enter_object(); reader.next_member(name);) {
                object.emplace_back(name, read_value(reader));
            }
            merge_duplicates(object);
            return object;
        }
        case Reader::Type::kNull: reader.read_null(); break;
        case Reader::Type::kError: break;
    }
    return nullptr;
}

void write_value(Writer& writer, const Value& value) {
    if (value.is_null()) {
        writer.null();
    } else if (value.is_bool()) {
        writer.boolean(value.as_bool());
    } else if (value.is_int()) {
        writer.integer(value.as_int());
    } else if (value.is_uint()) {
        writer.unsigned_integer(value.as_uint());
    } else if (value.is_double()) {
        writer.number(value.as_double());
    } else if (value.is_string()) {
        writer.string(value.as_string());
    } else if (value.is_array()) {
        writer.open('[');
        for (const Value& item : value.as_array()) {
            writer.separate();
            write_value(writer, item);
        }
        writer.close(']');
    } else {
        writer.open('{');
        for (const auto& [name, item] : value.as_object()) {
            writer.separate();
            writer.name(name);
            write_value(writer, item);
        }
        writer.close('}');
    }
}

class ValueCodec : public impl::Codec {
public:
    void read(Reader& reader, void* value) const override {
        *static_cast<Value*>(value) = read_value(reader);
    }
    void read_null(void* value) const override { *static_cast<Value*>(value) = nullptr; }
    void write(Writer& writer, const void* value) const override {
        write_value(writer, *static_cast<const Value*>(value));
    }
    bool is_empty(const void* value) const override {
        return static_cast<const Value*>(value)->is_null();
    }
    std::string go_name() const override { return "interface {}"; }
};

}  // namespace

Value::Value(uint64_t value) {
    if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        data_ = static_cast<int64_t>(value);
    } else {
        data_ = value;
    }
}

Result<Value> Value::parse(std::string_view text) {
    return parse_json<Value>(text);
}

bool Value::as_bool() const {
    GT_CHECK(is_bool());
    return std::get<bool>(data_);
}

int64_t Value::as_int() const {
    GT_CHECK(is_int());
    return std::get<int64_t>(data_);
}

uint64_t Value::as_uint() const {
    GT_CHECK(is_uint() || (is_int() && as_int() >= 0));
    return is_uint() ? std::get<uint64_t>(data_) : static_cast<uint64_t>(as_int());
}

double Value::as_double() const {
    GT_CHECK(is_number());
    if (is_int()) {
        return static_cast<double>(as_int());
    }
    return is_uint() ? static_cast<double>(as_uint()) : std::get<double>(data_);
}

const std::string& Value::as_string() const {
    GT_CHECK(is_string());
    return std::get<std::string>(data_);
}

const Value::Array& Value::as_array() const {
    GT_CHECK(is_array());
    return std::get<Array>(data_);
}

Value::Array& Value::as_array() {
    GT_CHECK(is_array());
    return std::get<Array>(data_);
}

const Value::Object& Value::as_object() const {
    GT_CHECK(is_object());
    return std::get<Object>(data_);
}

Value::Object& Value::as_object() {
    GT_CHECK(is_object());
    return std::get<Object>(data_);
}

const Value* Value::find(std::string_view name) const {
    if (!is_object()) {
        return nullptr;
    }
    const auto& members = as_object();
    const auto member = std::ranges::find(members, name, &Member::first);
    return member == members.end() ? nullptr : &member->second;
}

void Value::set(std::string_view name, Value value) {
    if (is_null()) {
        data_ = Object{};
    }
    auto& members = as_object();
    const auto member = std::ranges::find(members, name, &Member::first);
    if (member == members.end()) {
        members.emplace_back(name, std::move(value));
    } else {
        member->second = std::move(value);
    }
}

std::string Value::serialize() const {
    return to_json(*this);
}

std::string Value::pretty(int indent) const {
    Writer writer(indent);
    write_value(writer, *this);
    return writer.take();
}

namespace impl {

template <>
const Codec& codec<Value>() {
    static const ValueCodec instance;
    return instance;
}

}  // namespace impl
}  // namespace gantry::spec
