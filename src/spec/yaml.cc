#include "spec/yaml.h"

#include <fmt/core.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "spec/json.h"

namespace gantry::spec {
namespace {

constexpr size_t kMaxValues = 100'000;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

template <class T>
std::optional<T> number(std::string_view text, int base) {
    T value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base);
    return error == std::errc() && stop == end && !text.empty() ? std::optional(value)
                                                                : std::nullopt;
}

std::optional<int64_t> integer(std::string_view text) {
    if (text.starts_with("0x")) {
        return number<int64_t>(text.substr(2), 16);
    }
    if (text.starts_with("0o")) {
        return number<int64_t>(text.substr(2), 8);
    }
    if (text.size() > 1 && text.starts_with('0')) {
        return number<int64_t>(text.substr(1), 8);
    }
    return number<int64_t>(text.starts_with('+') ? text.substr(1) : text, 10);
}

Value plain_scalar(const std::string& text) {
    if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) {
        return {};
    }
    if (is_one_of(text, {"true", "True", "TRUE", "yes", "on"})) {
        return true;
    }
    if (is_one_of(text, {"false", "False", "FALSE", "no", "off"})) {
        return false;
    }
    if (const auto whole = integer(text)) {
        return *whole;
    }
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && stop == end) {
        return value;
    }
    return text;
}

class Converter {
public:
    Result<Value> convert(const YAML::Node& node, size_t depth) {
        if (depth > kMaxJsonDepth || ++count_ > kMaxValues) {
            return fail(Kind::kInvalid, "yaml: the document is too deep or too large");
        }
        switch (node.Type()) {
            case YAML::NodeType::Undefined:
            case YAML::NodeType::Null: return Value();
            case YAML::NodeType::Scalar:
                // "!" is the tag of what stands in quotes.
                return node.Tag() == "!" ? Value(node.Scalar()) : plain_scalar(node.Scalar());
            case YAML::NodeType::Sequence: return sequence(node, depth);
            case YAML::NodeType::Map: return map(node, depth);
        }
        return Value();
    }

private:
    Result<Value> sequence(const YAML::Node& node, size_t depth) {
        Value::Array array;
        for (const YAML::Node& item : node) {
            GT_TRY_VAR(value, convert(item, depth + 1));
            array.push_back(std::move(value));
        }
        return Value(std::move(array));
    }

    Result<Value> map(const YAML::Node& node, size_t depth) {
        Value::Object object;
        for (const auto& member : node) {
            if (!member.first.IsScalar()) {
                return fail(Kind::kInvalid, "yaml: a name is no scalar");
            }
            GT_TRY_VAR(value, convert(member.second, depth + 1));
            object.emplace_back(member.first.Scalar(), std::move(value));
        }
        return Value(std::move(object));
    }

    size_t count_ = 0;
};

}  // namespace

Result<Value> parse_yaml(std::string_view text) {
    // The library throws; nothing of that leaves here.
    try {
        return Converter().convert(YAML::Load(std::string(text)), 0);
    } catch (const YAML::Exception& error) {
        return fail(Kind::kInvalid, error.what());
    }
}

}  // namespace gantry::spec
