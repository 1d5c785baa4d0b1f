#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spec/impl/codec.h"
#include "spec/json.h"

namespace gantry::spec::impl {

// Codecs of std::vector, std::array, std::map and std::optional over the codec of what they hold.
// One value of each T per instantiation; codec_for() finds them.

template <class T>
const Codec& codec_for();

template <class T>
class VectorCodec : public Codec {
public:
    void read(Reader& reader, void* value) const override {
        auto& items = *static_cast<std::vector<T>*>(value);
        items.clear();
        if (!accepts(reader, Reader::Type::kArray)) {
            return;
        }
        for (reader.enter_array(); reader.next_element();) {
            codec_for<T>().read_any(reader, &items.emplace_back());
        }
    }
    void read_null(void* value) const override { static_cast<std::vector<T>*>(value)->clear(); }
    void write(Writer& writer, const void* value) const override {
        writer.open('[');
        for (const T& item : *static_cast<const std::vector<T>*>(value)) {
            writer.separate();
            codec_for<T>().write(writer, &item);
        }
        writer.close(']');
    }
    bool is_empty(const void* value) const override {
        return static_cast<const std::vector<T>*>(value)->empty();
    }
    std::string go_name() const override { return "[]" + codec_for<T>().go_name(); }
};

/// COMPAT: as Go fills an array: missing elements are zero, surplus ones are skipped.
template <class T, size_t N>
class ArrayCodec : public Codec {
public:
    void read(Reader& reader, void* value) const override {
        auto& items = *static_cast<std::array<T, N>*>(value);
        items = {};
        if (!accepts(reader, Reader::Type::kArray)) {
            return;
        }
        size_t count = 0;
        for (reader.enter_array(); reader.next_element(); ++count) {
            if (count < N) {
                codec_for<T>().read_any(reader, &items[count]);
            } else {
                reader.skip_value();
            }
        }
    }
    void write(Writer& writer, const void* value) const override {
        writer.open('[');
        for (const T& item : *static_cast<const std::array<T, N>*>(value)) {
            writer.separate();
            codec_for<T>().write(writer, &item);
        }
        writer.close(']');
    }
    bool is_empty(const void* /*value*/) const override { return false; }
    std::string go_name() const override {
        return "[" + std::to_string(N) + "]" + codec_for<T>().go_name();
    }
};

template <class T>
class MapCodec : public Codec {
public:
    using Map = std::map<std::string, T>;

    void read(Reader& reader, void* value) const override {
        auto& items = *static_cast<Map*>(value);
        if (!accepts(reader, Reader::Type::kObject)) {
            return;
        }
        std::string name;
        for (reader.enter_object(); reader.next_member(name);) {
            T item{};
            codec_for<T>().read_any(reader, &item);
            items.insert_or_assign(name, std::move(item));
        }
    }
    void read_null(void* value) const override { static_cast<Map*>(value)->clear(); }
    void write(Writer& writer, const void* value) const override {
        writer.open('{');
        for (const auto& [name, item] : *static_cast<const Map*>(value)) {
            writer.separate();
            writer.name(name);
            codec_for<T>().write(writer, &item);
        }
        writer.close('}');
    }
    bool is_empty(const void* value) const override {
        return static_cast<const Map*>(value)->empty();
    }
    std::string go_name() const override { return "map[string]" + codec_for<T>().go_name(); }
};

template <class T>
class OptionalCodec : public Codec {
public:
    explicit OptionalCodec(const Codec& inner) : inner_(inner) {}

    void read(Reader& reader, void* value) const override {
        auto& item = *static_cast<std::optional<T>*>(value);
        inner_.read(reader, item ? &*item : &item.emplace());
    }
    void read_null(void* value) const override { static_cast<std::optional<T>*>(value)->reset(); }
    void write(Writer& writer, const void* value) const override {
        const auto& item = *static_cast<const std::optional<T>*>(value);
        if (item) {
            inner_.write(writer, &*item);
        } else {
            writer.null();
        }
    }
    bool is_empty(const void* value) const override {
        return !static_cast<const std::optional<T>*>(value)->has_value();
    }
    std::string go_name() const override { return inner_.go_name(); }

private:
    const Codec& inner_;
};

template <class T>
struct CodecFor {
    static const Codec& get() { return codec<T>(); }
};
template <class T>
struct CodecFor<std::vector<T>> {
    static const Codec& get() {
        static const VectorCodec<T> instance;
        return instance;
    }
};
template <class T, size_t N>
struct CodecFor<std::array<T, N>> {
    static const Codec& get() {
        static const ArrayCodec<T, N> instance;
        return instance;
    }
};
template <class T>
struct CodecFor<std::map<std::string, T>> {
    static const Codec& get() {
        static const MapCodec<T> instance;
        return instance;
    }
};
template <class T>
struct CodecFor<std::optional<T>> {
    static const Codec& get() {
        static const OptionalCodec<T> instance(codec_for<T>());
        return instance;
    }
};

template <class T>
const Codec& codec_for() {
    return CodecFor<T>::get();
}

}  // namespace gantry::spec::impl
