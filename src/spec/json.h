#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::spec {

namespace impl {
class Codec;
/// Defined in a .cc of this folder for every type of api/ and oci/, and for vectors of those that
/// are whole documents. A type that is not bound fails at link time.
template <class T>
const Codec& codec();

Result<> read_document(std::string_view text, const Codec& codec, void* value);
std::string write_document(const Codec& codec, const void* value);
}  // namespace impl

/// Reads one JSON document as Go's encoding/json reads it for Docker: member names match without
/// regard to case (an exact match wins nothing: the later member wins), unknown members are
/// skipped, null means absent, a member given twice counts as given last (its parts are merged when
/// it is an object). Anything but white space behind the document is refused.
///
/// kInvalid in Go's wording ("unexpected EOF", "EOF" for no text at all, "json: cannot unmarshal
/// string into Go struct field ContainerConfig.Tty of type bool"). Nesting beyond kMaxJsonDepth is
/// refused. The caller limits the size of TEXT; time and memory are linear in it.
template <class T>
Result<T> parse_json(std::string_view text) {
    T value{};
    GT_TRY(impl::read_document(text, impl::codec<T>(), &value));
    return value;
}

/// Compact JSON in Go's manner: fields in the order of Docker's types, empty ones omitted or null
/// where Docker omits or nulls them, no HTML escaping, invalid UTF-8 replaced by U+FFFD.
template <class T>
std::string to_json(const T& value) {
    return impl::write_document(impl::codec<T>(), &value);
}

inline constexpr size_t kMaxJsonDepth = 64;

}  // namespace gantry::spec
