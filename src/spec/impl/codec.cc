#include "spec/impl/codec.h"

#include "spec/json.h"

namespace gantry::spec::impl {

void Codec::read_any(Reader& reader, void* value) const {
    if (reader.peek() == Reader::Type::kNull) {
        reader.read_null();
        read_null(value);
    } else if (reader.ok()) {
        read(reader, value);
    }
}

bool Codec::accepts(Reader& reader, Reader::Type wanted) const {
    const Reader::Type type = reader.peek();
    if (type == wanted) {
        return true;
    }
    reader.fail_type(go_value_name(type), go_name());
    return false;
}

Result<> read_document(std::string_view text, const Codec& codec, void* value) {
    Reader reader(text);
    codec.read_any(reader, value);
    reader.finish();
    if (!reader.ok()) {
        return Failure(reader.take_error(codec.struct_name()));
    }
    return {};
}

std::string write_document(const Codec& codec, const void* value) {
    Writer writer;
    codec.write(writer, value);
    return writer.take();
}

}  // namespace gantry::spec::impl
