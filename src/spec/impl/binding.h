#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "spec/impl/containers.h"

namespace gantry::spec::impl {

/// What an empty field looks like in the text.
enum class Rule {
    /// "", 0, false, [], {}; an absent optional is null.
    kAlways,
    /// Not there (Go's omitempty).
    kOmit,
    /// null, where Go holds a nil slice or map.
    kNull,
    /// Accepted, never written.
    kReadOnly,
};

/// One member of a JSON object. OFFSET leads from the object to the member or, when GROUP is set,
/// from the group (an optional part of the object whose members stand inline).
struct Field {
    struct Group {
        size_t offset = 0;
        /// The part inside the optional; null if it is absent.
        const void* (*find)(const void* optional) = nullptr;
        void* (*make)(void* optional) = nullptr;
    };

    std::string_view name;
    size_t offset = 0;
    const Codec* codec = nullptr;
    Rule rule = Rule::kAlways;
    Group group;
};

/// The codec of a struct: its table of fields.
class ObjectCodec : public Codec {
public:
    ObjectCodec(std::string_view go_name, std::vector<Field> fields)
        : name_(go_name), fields_(std::move(fields)) {}

    void read(Reader& reader, void* value) const override;
    void write(Writer& writer, const void* value) const override;
    bool is_empty(const void* /*value*/) const override { return false; }
    std::string go_name() const override { return std::string(name_); }
    std::string_view struct_name() const override { return name_; }
    const std::vector<Field>& fields() const { return fields_; }

private:
    const Field* find(std::string_view name, size_t& hint) const;

    std::string_view name_;
    std::vector<Field> fields_;
};

/// Builds the table of T: Table<T>("GoName").field("Name", &T::name, Rule::kOmit)...
template <class T>
class Table {
public:
    explicit Table(std::string_view go_name) : name_(go_name) {}

    template <class M>
    Table& field(std::string_view name, M T::* member, Rule rule = Rule::kAlways) {
        return field(name, member, rule, codec_for<M>());
    }
    /// With another codec than the one of the member's type.
    template <class M>
    Table& field(std::string_view name, M T::* member, Rule rule, const Codec& codec) {
        fields_.push_back({name, offset_of(member), &codec, rule, {}});
        return *this;
    }
    /// The members of a part stand at the level of T.
    template <class M>
    Table& inlined(M T::* member) {
        for (Field field : fields_of<M>()) {
            field.offset += offset_of(member);
            fields_.push_back(field);
        }
        return *this;
    }
    /// As above; absent, none of its members is written, and reading one makes it.
    template <class M>
    Table& inlined(std::optional<M> T::* member) {
        for (Field field : fields_of<M>()) {
            field.group = {offset_of(member), &find_part<M>, &make_part<M>};
            fields_.push_back(field);
        }
        return *this;
    }

    operator ObjectCodec() const { return {name_, fields_}; }  // NOLINT: ends the chain

private:
    template <class M>
    static size_t offset_of(M T::* member) {
        // offsetof is only conditionally supported for these types; a real object always is.
        static const T probe{};
        return static_cast<size_t>(reinterpret_cast<const char*>(&(probe.*member)) -
                                   reinterpret_cast<const char*>(&probe));
    }
    template <class M>
    static const std::vector<Field>& fields_of() {
        return static_cast<const ObjectCodec&>(codec<M>()).fields();
    }
    template <class M>
    static const void* find_part(const void* optional) {
        const auto& part = *static_cast<const std::optional<M>*>(optional);
        return part ? &*part : nullptr;
    }
    template <class M>
    static void* make_part(void* optional) {
        auto& part = *static_cast<std::optional<M>*>(optional);
        return part ? &*part : &part.emplace();
    }

    std::string_view name_;
    std::vector<Field> fields_;
};

/// A string or a list of strings into a vector (COMPAT: Docker's Cmd and Entrypoint).
const Codec& string_or_list();
const Codec& optional_string_or_list();
/// The keys of an object of empty objects into a std::set<std::string>.
const Codec& string_set();
/// A string of bytes as base64.
const Codec& base64_bytes();

}  // namespace gantry::spec::impl

/// Defines the codec of TYPE by a table: GT_JSON(Type, "GoName", .field(...)...).
#define GT_JSON(TYPE, GO_NAME, ...)                                           \
    template <>                                                               \
    const Codec& codec<TYPE>() {                                              \
        static const ObjectCodec instance = Table<TYPE>(GO_NAME) __VA_ARGS__; \
        return instance;                                                      \
    }

/// Lets TYPE, a container over bound types, be a whole document.
#define GT_JSON_DOCUMENT(...)            \
    template <>                          \
    const Codec& codec<__VA_ARGS__>() {  \
        return codec_for<__VA_ARGS__>(); \
    }
