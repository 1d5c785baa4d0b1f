#include "runtime/impl/dbus_message.h"

#include <cstring>

namespace gantry::runtime {

namespace {

constexpr size_t kFixedHeader = 16;  // up to the length of the fields, which is part of it
constexpr size_t kMostBytes = size_t{16} << 20;
constexpr uint8_t kVersion = 1;

/// The header's fields by their codes.
enum Field : uint8_t {
    kPath = 1,
    kInterface = 2,
    kMember = 3,
    kErrorName = 4,
    kReplySerial = 5,
    kDestination = 6,
    kSignature = 8,
};

size_t rounded(size_t position, size_t boundary) {
    return (position + boundary - 1) / boundary * boundary;
}

uint32_t read_u32(const char* bytes) {
    uint32_t value = 0;
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

Failure malformed() {
    return fail(Kind::kInvalid, "malformed D-Bus message");
}

}  // namespace

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "messages are written as they lie");

void DbusWriter::align(size_t boundary) {
    bytes_.resize(rounded(bytes_.size(), boundary), '\0');
}

void DbusWriter::put_byte(uint8_t value) {
    bytes_ += static_cast<char>(value);
}

void DbusWriter::put_u32(uint32_t value) {
    align(sizeof value);
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    bytes_.append(bytes, sizeof bytes);
}

void DbusWriter::put_u64(uint64_t value) {
    align(sizeof value);
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    bytes_.append(bytes, sizeof bytes);
}

void DbusWriter::put_string(std::string_view text) {
    put_u32(static_cast<uint32_t>(text.size()));
    bytes_ += text;
    bytes_ += '\0';
}

void DbusWriter::put_signature(std::string_view text) {
    put_byte(static_cast<uint8_t>(text.size()));
    bytes_ += text;
    bytes_ += '\0';
}

void DbusWriter::put_variant(std::string_view signature, const std::function<void()>& value) {
    put_signature(signature);
    value();
}

void DbusWriter::put_array(size_t alignment, const std::function<void()>& elements) {
    put_u32(0);
    const size_t length_at = bytes_.size() - sizeof(uint32_t);
    align(alignment);  // not counted in the length
    const size_t begin = bytes_.size();
    elements();
    const auto length = static_cast<uint32_t>(bytes_.size() - begin);
    std::memcpy(bytes_.data() + length_at, &length, sizeof length);
}

std::string_view DbusReader::take(size_t size) {
    if (failed_ || size > bytes_.size() - position_) {
        failed_ = true;
        return {};
    }
    const std::string_view taken = bytes_.substr(position_, size);
    position_ += size;
    return taken;
}

void DbusReader::align(size_t boundary) {
    (void)take(rounded(position_, boundary) - position_);
}

uint8_t DbusReader::byte() {
    const std::string_view taken = take(1);
    return taken.empty() ? 0 : static_cast<uint8_t>(taken[0]);
}

uint32_t DbusReader::u32() {
    align(sizeof(uint32_t));
    const std::string_view taken = take(sizeof(uint32_t));
    return taken.empty() ? 0 : read_u32(taken.data());
}

std::string_view DbusReader::string() {
    const uint32_t size = u32();
    const std::string_view text = take(size);
    (void)take(1);
    return failed_ ? std::string_view() : text;
}

std::string_view DbusReader::signature() {
    const uint8_t size = byte();
    const std::string_view text = take(size);
    (void)take(1);
    return failed_ ? std::string_view() : text;
}

size_t DbusReader::array_end(size_t alignment) {
    const uint32_t size = u32();
    align(alignment);
    if (failed_ || size > bytes_.size() - position_) {
        failed_ = true;
        return position_;
    }
    return position_ + size;
}

std::string serialize(const DbusMessage& message) {
    DbusWriter writer;
    writer.put_byte('l');
    writer.put_byte(static_cast<uint8_t>(message.type));
    writer.put_byte(0);
    writer.put_byte(kVersion);
    writer.put_u32(static_cast<uint32_t>(message.body.size()));
    writer.put_u32(message.serial);
    auto put_text = [&](Field code, std::string_view signature, const std::string& text) {
        if (!text.empty()) {
            writer.align(8);
            writer.put_byte(code);
            writer.put_variant(signature, [&] {
                code == kSignature ? writer.put_signature(text) : writer.put_string(text);
            });
        }
    };
    writer.put_array(8, [&] {
        put_text(kPath, "o", message.path);
        put_text(kInterface, "s", message.interface);
        put_text(kMember, "s", message.member);
        put_text(kErrorName, "s", message.error_name);
        if (message.reply_serial != 0) {
            writer.align(8);
            writer.put_byte(kReplySerial);
            writer.put_variant("u", [&] { writer.put_u32(message.reply_serial); });
        }
        put_text(kDestination, "s", message.destination);
        put_text(kSignature, "g", message.signature);
    });
    writer.align(8);
    writer.append(message.body);
    return writer.bytes();
}

Result<std::optional<size_t>> dbus_message_size(std::string_view bytes) {
    if (bytes.size() < kFixedHeader) {
        return std::optional<size_t>();
    }
    if (bytes[0] != 'l' || bytes[3] != kVersion) {
        return malformed();
    }
    const size_t body = read_u32(bytes.data() + 4);
    const size_t fields = read_u32(bytes.data() + 12);
    if (body > kMostBytes || fields > kMostBytes) {
        return malformed();
    }
    return std::optional(rounded(kFixedHeader + fields, 8) + body);
}

Result<DbusMessage> parse_dbus_message(std::string_view bytes) {
    GT_TRY_VAR(size, dbus_message_size(bytes));
    if (!size || *size != bytes.size()) {
        return malformed();
    }
    DbusReader reader(bytes);
    DbusMessage message;
    (void)reader.byte();
    const uint8_t type = reader.byte();
    (void)reader.byte();
    (void)reader.byte();
    const uint32_t body = reader.u32();
    message.type = static_cast<DbusMessage::Type>(type);
    message.serial = reader.u32();
    const size_t end = reader.array_end(8);
    while (!reader.failed() && reader.position() < end) {
        reader.align(8);
        const uint8_t code = reader.byte();
        const std::string_view signature = reader.signature();
        if (signature == "u") {
            const uint32_t value = reader.u32();
            message.reply_serial = code == kReplySerial ? value : message.reply_serial;
            continue;
        }
        if (signature != "s" && signature != "o" && signature != "g") {
            return malformed();
        }
        const std::string text(signature == "g" ? reader.signature() : reader.string());
        switch (code) {
            case kPath: message.path = text; break;
            case kInterface: message.interface = text; break;
            case kMember: message.member = text; break;
            case kErrorName: message.error_name = text; break;
            case kDestination: message.destination = text; break;
            case kSignature: message.signature = text; break;
            default: break;  // the sender, or something newer
        }
    }
    if (reader.failed() || type < 1 || type > 4) {
        return malformed();
    }
    message.body = bytes.substr(bytes.size() - body);
    return message;
}

}  // namespace gantry::runtime
