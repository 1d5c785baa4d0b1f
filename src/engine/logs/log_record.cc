#include "engine/logs/log_record.h"

#include <charconv>

#include "spec/value.h"

namespace gantry::engine {
namespace {

constexpr size_t kTimeDigits = 16;

}  // namespace

std::optional<LogRecord> parse_json_record(std::string_view line) {
    auto value = spec::Value::parse(line);
    if (!value) {
        return std::nullopt;
    }
    const spec::Value* const text = value->find("log");
    const spec::Value* const stream = value->find("stream");
    const spec::Value* const time = value->find("time");
    if (text == nullptr || !text->is_string() || stream == nullptr || !stream->is_string() ||
        time == nullptr || !time->is_string()) {
        return std::nullopt;
    }
    const auto when = parse_rfc3339(time->as_string());
    if (!when) {
        return std::nullopt;
    }
    LogRecord record{stream->as_string() == "stderr", *when, text->as_string()};
    const spec::Value* const attributes = value->find("attrs");
    if (attributes != nullptr && attributes->is_object()) {
        for (const auto& [name, attribute] : attributes->as_object()) {
            if (attribute.is_string()) {
                record.attributes.emplace_back(name, attribute.as_string());
            }
        }
    }
    return record;
}

std::optional<LogRecord> parse_local_record(std::string_view line) {
    const size_t text = 1 + kTimeDigits + 1;
    if (line.size() < text || line[text - 1] != ' ') {
        return std::nullopt;
    }
    uint64_t time = 0;
    const char* const begin = line.data() + 1;
    const auto [end, error] = std::from_chars(begin, begin + kTimeDigits, time, 16);
    const std::string_view kinds = "oeOE";
    const size_t kind = kinds.find(line[0]);
    if (error != std::errc() || end != begin + kTimeDigits || kind == kinds.npos) {
        return std::nullopt;
    }
    LogRecord record{kind % 2 == 1, WallTime(std::chrono::nanoseconds(time)),
                     std::string(line.substr(text))};
    if (kind < 2) {
        record.text += '\n';
    }
    return record;
}

}  // namespace gantry::engine
