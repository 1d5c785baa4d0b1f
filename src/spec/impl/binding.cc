#include "spec/impl/binding.h"

#include "base/text.h"

namespace gantry::spec::impl {
namespace {

void* member_of(const Field& field, void* object) {
    char* base = static_cast<char*>(object);
    if (field.group.make != nullptr) {
        base = static_cast<char*>(field.group.make(base + field.group.offset));
    }
    return base + field.offset;
}

const void* member_of(const Field& field, const void* object) {
    const char* base = static_cast<const char*>(object);
    if (field.group.find != nullptr) {
        base = static_cast<const char*>(field.group.find(base + field.group.offset));
    }
    return base == nullptr ? nullptr : base + field.offset;
}

}  // namespace

/// HINT is where the search starts: clients send members in the order of the table.
const Field* ObjectCodec::find(std::string_view name, size_t& hint) const {
    for (size_t count = 0; count < fields_.size(); ++count) {
        const size_t at = (hint + count) % fields_.size();
        if (fields_[at].name.size() == name.size() &&
            equals_ignoring_case(fields_[at].name, name)) {
            hint = at + 1;
            return &fields_[at];
        }
    }
    return nullptr;
}

void ObjectCodec::read(Reader& reader, void* value) const {
    if (!accepts(reader, Reader::Type::kObject)) {
        return;
    }
    std::string name;
    size_t hint = 0;
    for (reader.enter_object(); reader.next_member(name);) {
        const Field* field = find(name, hint);
        if (field == nullptr) {
            reader.skip_value();
            continue;
        }
        field->codec->read_any(reader, member_of(*field, value));
        if (!reader.ok()) {
            reader.in_field(field->name);
            return;
        }
    }
}

void ObjectCodec::write(Writer& writer, const void* value) const {
    writer.open('{');
    for (const Field& field : fields_) {
        const void* member = member_of(field, value);
        if (member == nullptr || field.rule == Rule::kReadOnly) {
            continue;
        }
        const bool is_empty = field.rule != Rule::kAlways && field.codec->is_empty(member);
        if (is_empty && field.rule == Rule::kOmit) {
            continue;
        }
        writer.separate();
        writer.name(field.name);
        if (is_empty) {
            writer.null();
        } else {
            field.codec->write(writer, member);
        }
    }
    writer.close('}');
}

}  // namespace gantry::spec::impl
