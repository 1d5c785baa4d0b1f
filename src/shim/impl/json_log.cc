#include "shim/impl/json_log.h"

#include <string.h>
#include <sys/mman.h>

#include "shim/impl/memory.h"

namespace gantry::shim {

namespace {

constexpr size_t kMaxAttrs = 32768;
/// The longest record: the text escaped, attrs, and the fixed parts.
constexpr size_t kMaxEncoded = max_escaped_size(kMaxRecord) + kMaxAttrs + 128;

/// Only what is used of it becomes memory. Shared by all logs of the process: empty between calls.
alignas(4096) char g_buffer[2 * kMaxEncoded];

char* append(char* out, std::string_view text) {
    memcpy(out, text.data(), text.size());
    return out + text.size();
}

}  // namespace

void JsonLog::open(const char* path, int64_t max_size, uint32_t max_files, std::string_view attrs) {
    attrs_ = attrs.size() <= kMaxAttrs ? attrs : std::string_view();
    carry_ = static_cast<decltype(carry_)>(map_memory(2 * sizeof carry_[0]));
    if (carry_ != nullptr) {
        file_.open(path, max_size, max_files);
    }
}

void JsonLog::trim() {
    // Whole pages only: others live behind it.
    (void)madvise(g_buffer, sizeof g_buffer & ~size_t{4095}, MADV_DONTNEED);
}

void JsonLog::put(int stream, const char* data, size_t size) {
    if (file_.is_full(pending_) || sizeof g_buffer - pending_ < kMaxEncoded) {
        flush();
        if (file_.is_full(0)) {
            file_.rotate();
        }
    }
    const bool ends = data[size - 1] == '\n';
    char* out = append(g_buffer + pending_, "{\"log\":\"");
    out = append_json_escaped(out, data, ends ? size - 1 : size);
    if (ends) {
        out = append(out, "\\n");
    }
    out = append(out, stream == 0 ? "\",\"stream\":\"stdout\"" : "\",\"stream\":\"stderr\"");
    if (!attrs_.empty()) {
        out = append(append(out, ",\"attrs\":"), attrs_);
    }
    out = append(out, ",\"time\":\"");
    out = append(out, {time_, time_size_});
    out = append(out, "\"}\n");
    pending_ = static_cast<size_t>(out - g_buffer);
}

void JsonLog::flush() {
    if (pending_ > 0) {
        file_.write(g_buffer, pending_);
        pending_ = 0;
    }
}

void JsonLog::write(int stream, char* data, size_t size, int64_t now) {
    time_size_ = static_cast<size_t>(formatter_.append(time_, now) - time_);
    const size_t carried = carry_size_[stream];
    const char* at = data - carried;
    memcpy(data - carried, carry_[stream], carried);
    const char* end = data + size;
    // The carried part is known to hold no newline.
    const char* search = data;
    while (at < end) {
        const size_t left = static_cast<size_t>(end - at);
        const size_t limit = left < kMaxRecord ? left : kMaxRecord;
        const auto* newline = static_cast<const char*>(
            memchr(search, '\n', limit - static_cast<size_t>(search - at)));
        if (newline == nullptr && left < kMaxRecord) {
            break;
        }
        const size_t record =
            newline != nullptr ? static_cast<size_t>(newline - at) + 1 : kMaxRecord;
        put(stream, at, record);
        at += record;
        search = at;
    }
    carry_size_[stream] = static_cast<size_t>(end - at);
    memcpy(carry_[stream], at, carry_size_[stream]);
    flush();
}

void JsonLog::finish(int stream, int64_t now) {
    if (carry_size_[stream] > 0) {
        time_size_ = static_cast<size_t>(formatter_.append(time_, now) - time_);
        put(stream, carry_[stream], carry_size_[stream]);
        carry_size_[stream] = 0;
        flush();
    }
}

}  // namespace gantry::shim
