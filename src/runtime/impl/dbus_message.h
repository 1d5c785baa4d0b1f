#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::runtime {

/// Writes values as D-Bus has them on the wire, little endian; offsets count from where it began.
/// What is written must match the signature that goes with it: nothing here looks.
class DbusWriter {
public:
    void put_byte(uint8_t value);
    void put_bool(bool value) { put_u32(value ? 1 : 0); }
    void put_u32(uint32_t value);
    void put_u64(uint64_t value);
    /// Also an object path.
    void put_string(std::string_view text);
    void put_signature(std::string_view text);
    /// A variant with one basic value in it, written by VALUE.
    void put_variant(std::string_view signature, const std::function<void()>& value);
    /// An array of elements of ALIGNMENT (8 for structs), written by ELEMENTS.
    void put_array(size_t alignment, const std::function<void()>& elements);
    /// A struct begins at a multiple of 8.
    void align(size_t boundary);
    void append(std::string_view bytes) { bytes_ += bytes; }

    const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_;
};

/// Reads what DbusWriter writes, from a peer that may send anything: an error is sticky, and after
/// it every value is empty.
class DbusReader {
public:
    explicit DbusReader(std::string_view bytes) : bytes_(bytes) {}

    uint8_t byte();
    uint32_t u32();
    std::string_view string();
    std::string_view signature();
    void align(size_t boundary);
    /// The end of an array that begins here, whose elements have ALIGNMENT.
    size_t array_end(size_t alignment);

    size_t position() const { return position_; }
    bool failed() const { return failed_; }
    void fail() { failed_ = true; }

private:
    std::string_view take(size_t size);

    std::string_view bytes_;
    size_t position_ = 0;
    bool failed_ = false;
};

/// One message. Of a call, path, interface and member say what; of an error, `error_name`.
struct DbusMessage {
    enum class Type : uint8_t { kCall = 1, kReturn = 2, kError = 3, kSignal = 4 };

    Type type = Type::kCall;
    uint32_t serial = 0;
    uint32_t reply_serial = 0;
    std::string destination;
    std::string path;
    std::string interface;
    std::string member;
    std::string error_name;
    std::string signature;
    std::string body;
};

std::string serialize(const DbusMessage& message);

/// How long the message is that begins with BYTES; empty while too little is there to know.
/// kInvalid if it is none, or longer than any that we want.
Result<std::optional<size_t>> dbus_message_size(std::string_view bytes);

/// BYTES is one whole message.
Result<DbusMessage> parse_dbus_message(std::string_view bytes);

}  // namespace gantry::runtime
