#include <charconv>
#include <cstdint>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/id.h"
#include "spec/base64.h"
#include "spec/digest.h"
#include "spec/impl/binding.h"

namespace gantry::spec::impl {
namespace {

class BoolCodec : public Codec {
public:
    void read(Reader& reader, void* value) const override {
        if (accepts(reader, Reader::Type::kBool)) {
            *static_cast<bool*>(value) = reader.read_bool();
        }
    }
    void write(Writer& writer, const void* value) const override {
        writer.boolean(*static_cast<const bool*>(value));
    }
    bool is_empty(const void* value) const override { return !*static_cast<const bool*>(value); }
    std::string go_name() const override { return "bool"; }
};

template <class T>
class NumberCodec : public Codec {
public:
    explicit NumberCodec(std::string_view go_name) : name_(go_name) {}

    void read(Reader& reader, void* value) const override {
        if (!accepts(reader, Reader::Type::kNumber)) {
            return;
        }
        const std::string_view literal = reader.read_number();
        T number{};
        const char* const end = literal.data() + literal.size();
        const auto [stop, error] = std::from_chars(literal.data(), end, number);
        if (stop != end || error != std::errc()) {
            reader.fail_type("number " + std::string(literal), name_);
            return;
        }
        *static_cast<T*>(value) = number;
    }
    void write(Writer& writer, const void* value) const override {
        const T number = *static_cast<const T*>(value);
        if constexpr (std::is_same_v<T, double>) {
            writer.number(number);
        } else if constexpr (std::is_signed_v<T>) {
            writer.integer(number);
        } else {
            writer.unsigned_integer(number);
        }
    }
    bool is_empty(const void* value) const override { return *static_cast<const T*>(value) == T{}; }
    std::string go_name() const override { return std::string(name_); }

private:
    std::string_view name_;
};

class StringCodec : public Codec {
public:
    void read(Reader& reader, void* value) const override {
        if (accepts(reader, Reader::Type::kString)) {
            *static_cast<std::string*>(value) = reader.read_string();
        }
    }
    void write(Writer& writer, const void* value) const override {
        writer.string(*static_cast<const std::string*>(value));
    }
    bool is_empty(const void* value) const override {
        return static_cast<const std::string*>(value)->empty();
    }
    std::string go_name() const override { return "string"; }
};

class TimeCodec : public Codec {
public:
    /// COMPAT: some daemons write "" for a time that is not known.
    void read(Reader& reader, void* value) const override {
        if (!accepts(reader, Reader::Type::kString)) {
            return;
        }
        const std::string text = reader.read_string();
        const auto time = text.empty() ? WallTime{} : parse_rfc3339(text);
        if (!reader.ok() || !time) {
            reader.fail("parsing time \"" + text + "\": not in RFC 3339 or out of range");
            return;
        }
        *static_cast<WallTime*>(value) = *time;
    }
    void write(Writer& writer, const void* value) const override {
        writer.string(format_rfc3339(*static_cast<const WallTime*>(value)));
    }
    bool is_empty(const void* /*value*/) const override { return false; }
    std::string go_name() const override { return "time.Time"; }
};

class DigestCodec : public Codec {
public:
    void read(Reader& reader, void* value) const override {
        if (!accepts(reader, Reader::Type::kString)) {
            return;
        }
        auto digest = parse_digest(reader.read_string());
        if (!digest) {
            reader.fail(digest.error().text());
            return;
        }
        *static_cast<Digest*>(value) = std::move(*digest);
    }
    void write(Writer& writer, const void* value) const override {
        writer.string(static_cast<const Digest*>(value)->str());
    }
    bool is_empty(const void* value) const override {
        return static_cast<const Digest*>(value)->empty();
    }
    std::string go_name() const override { return "digest.Digest"; }
};

class StringOrListCodec : public VectorCodec<std::string> {
public:
    void read(Reader& reader, void* value) const override {
        if (reader.peek() == Reader::Type::kString) {
            *static_cast<std::vector<std::string>*>(value) = {reader.read_string()};
        } else {
            VectorCodec::read(reader, value);
        }
    }
};

class StringSetCodec : public Codec {
public:
    void read(Reader& reader, void* value) const override {
        if (!accepts(reader, Reader::Type::kObject)) {
            return;
        }
        std::string name;
        for (reader.enter_object(); reader.next_member(name);) {
            const Reader::Type type = reader.peek();
            if (type != Reader::Type::kObject && type != Reader::Type::kNull) {
                reader.fail_type(go_value_name(type), "struct {}");
                return;
            }
            reader.skip_value();
            static_cast<std::set<std::string>*>(value)->insert(name);
        }
    }
    void read_null(void* value) const override {
        static_cast<std::set<std::string>*>(value)->clear();
    }
    void write(Writer& writer, const void* value) const override {
        writer.open('{');
        for (const std::string& name : *static_cast<const std::set<std::string>*>(value)) {
            writer.separate();
            writer.name(name);
            writer.open('{');
            writer.close('}');
        }
        writer.close('}');
    }
    bool is_empty(const void* value) const override {
        return static_cast<const std::set<std::string>*>(value)->empty();
    }
    std::string go_name() const override { return "map[string]struct {}"; }
};

class Base64Codec : public Codec {
public:
    void read(Reader& reader, void* value) const override {
        if (!accepts(reader, Reader::Type::kString)) {
            return;
        }
        auto bytes = decode_base64(reader.read_string());
        if (!bytes) {
            reader.fail("illegal base64 data");
            return;
        }
        *static_cast<std::string*>(value) = std::move(*bytes);
    }
    void write(Writer& writer, const void* value) const override {
        writer.string(encode_base64(*static_cast<const std::string*>(value)));
    }
    bool is_empty(const void* value) const override {
        return static_cast<const std::string*>(value)->empty();
    }
    std::string go_name() const override { return "[]uint8"; }
};

}  // namespace

template <>
const Codec& codec<bool>() {
    static const BoolCodec instance;
    return instance;
}

template <>
const Codec& codec<int64_t>() {
    static const NumberCodec<int64_t> instance("int64");
    return instance;
}

template <>
const Codec& codec<uint64_t>() {
    static const NumberCodec<uint64_t> instance("uint64");
    return instance;
}

template <>
const Codec& codec<uint32_t>() {
    static const NumberCodec<uint32_t> instance("uint32");
    return instance;
}

template <>
const Codec& codec<uint16_t>() {
    static const NumberCodec<uint16_t> instance("uint16");
    return instance;
}

template <>
const Codec& codec<double>() {
    static const NumberCodec<double> instance("float64");
    return instance;
}

template <>
const Codec& codec<std::string>() {
    static const StringCodec instance;
    return instance;
}

template <>
const Codec& codec<std::set<std::string>>() {
    return string_set();
}

template <>
const Codec& codec<WallTime>() {
    static const TimeCodec instance;
    return instance;
}

template <>
const Codec& codec<Digest>() {
    static const DigestCodec instance;
    return instance;
}

GT_JSON_DOCUMENT(std::vector<std::string>)
GT_JSON_DOCUMENT(std::map<std::string, std::string>)

const Codec& string_set() {
    static const StringSetCodec instance;
    return instance;
}

const Codec& string_or_list() {
    static const StringOrListCodec instance;
    return instance;
}

const Codec& optional_string_or_list() {
    static const OptionalCodec<std::vector<std::string>> instance(string_or_list());
    return instance;
}

const Codec& base64_bytes() {
    static const Base64Codec instance;
    return instance;
}

}  // namespace gantry::spec::impl
