#include "shim/impl/container_log.h"

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

void ContainerLog::open(const File& file, LogPeer* peer) {
    attrs_ = file.attrs.size() <= kMaxAttrs ? file.attrs : std::string_view();
    format_ = file.format;
    peer_ = peer;
    carry_ = static_cast<decltype(carry_)>(map_memory(2 * sizeof carry_[0]));
    if (carry_ != nullptr && format_ != LogFormat::kNone) {
        file_.open(file.path, file.max_size, file.max_files);
    }
}

void ContainerLog::trim() {
    // Whole pages only: others live behind it.
    (void)madvise(g_buffer, sizeof g_buffer & ~size_t{4095}, MADV_DONTNEED);
}

void ContainerLog::put(int stream, const char* data, size_t size) {
    if (format_ != LogFormat::kNone) {
        put_in_file(stream, data, size);
    }
    if (peer_ != nullptr) {
        peer_->write(stream, {data, size}, now_);
    }
}

void ContainerLog::put_in_file(int stream, const char* data, size_t size) {
    if (file_.is_full(pending_) || sizeof g_buffer - pending_ < kMaxEncoded) {
        flush();
        if (file_.is_full(0)) {
            file_.rotate();
        }
    }
    char* const out = g_buffer + pending_;
    char* const end = format_ == LogFormat::kJsonFile ? append_json(out, stream, data, size)
                                                      : append_local(out, stream, data, size);
    pending_ = static_cast<size_t>(end - g_buffer);
}

char* ContainerLog::append_json(char* out, int stream, const char* data, size_t size) {
    const bool ends = data[size - 1] == '\n';
    out = append(out, "{\"log\":\"");
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
    return append(out, "\"}\n");
}

char* ContainerLog::append_local(char* out, int stream, const char* data, size_t size) const {
    const bool ends = data[size - 1] == '\n';
    *out++ = stream == 0 ? (ends ? 'o' : 'O') : (ends ? 'e' : 'E');
    for (int shift = 60; shift >= 0; shift -= 4) {
        *out++ = "0123456789abcdef"[static_cast<uint64_t>(now_) >> shift & 15];
    }
    *out++ = ' ';
    out = append(out, {data, size});
    if (!ends) {
        *out++ = '\n';
    }
    return out;
}

void ContainerLog::set_time(int64_t now) {
    now_ = now;
    if (format_ == LogFormat::kJsonFile) {
        time_size_ = static_cast<size_t>(formatter_.append(time_, now) - time_);
    }
}

void ContainerLog::flush() {
    if (pending_ > 0) {
        file_.write(g_buffer, pending_);
        pending_ = 0;
    }
}

void ContainerLog::write(int stream, char* data, size_t size, int64_t now) {
    set_time(now);
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

void ContainerLog::finish(int stream, int64_t now) {
    if (carry_size_[stream] > 0) {
        set_time(now);
        put(stream, carry_[stream], carry_size_[stream]);
        carry_size_[stream] = 0;
        flush();
    }
}

}  // namespace gantry::shim
