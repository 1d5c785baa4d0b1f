#pragma once

#include <string>
#include <string_view>

#include "spec/impl/reader.h"
#include "spec/impl/writer.h"

namespace gantry::spec::impl {

/// How values of one C++ type are read and written, with the type erased so that tables of fields
/// are data and compile cheaply. Codecs are immutable and live as long as the program.
class Codec {
public:
    virtual ~Codec() = default;

    /// Reads the next value, which is not null, into VALUE. Errors stay in READER.
    virtual void read(Reader& reader, void* value) const = 0;
    /// Takes a null: what can be absent becomes absent, the rest stays as it is (Go's rule).
    virtual void read_null(void* /*value*/) const {}
    virtual void write(Writer& writer, const void* value) const = 0;
    /// What Go's omitempty leaves out. A struct never is.
    virtual bool is_empty(const void* value) const = 0;
    /// The Go type in error messages: "string", "[]string".
    virtual std::string go_name() const = 0;
    /// Set for structs: the name that stands before a field's path.
    virtual std::string_view struct_name() const { return {}; }

    /// read() or read_null().
    void read_any(Reader& reader, void* value) const;

protected:
    /// Reads nothing, and fails with the type mismatch, unless the next value is of type WANTED.
    bool accepts(Reader& reader, Reader::Type wanted) const;
};

}  // namespace gantry::spec::impl
