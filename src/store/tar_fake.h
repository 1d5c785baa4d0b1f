#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::store {

/// A tar archive for tests, entry by entry and with anything in the headers: the archives that
/// nobody's tar program would write.
class TarFake {
public:
    struct Entry {
        std::string name;
        char type = '0';
        std::string content = {};
        std::string target = {};
        unsigned mode = 0644;
        uint64_t uid = 0;
        uint64_t gid = 0;
        int64_t mtime = 1'700'000'000;
        unsigned major = 0;
        unsigned minor = 0;
        /// PAX records that stand before it: {"path", "..."}, {"SCHILY.xattr.user.x", "..."}.
        std::vector<std::pair<std::string, std::string>> pax = {};
        /// Instead of content.size() in the header.
        std::string size_field = {};
    };

    TarFake& add(const Entry& entry) {
        if (!entry.pax.empty()) {
            std::string records;
            for (const auto& [key, value] : entry.pax) {
                records += record(key, value);
            }
            Entry header{.name = "PaxHeaders/x", .type = 'x'};
            append(header, records);
        }
        append(entry, entry.content);
        return *this;
    }
    TarFake& file(std::string name, std::string content) {
        return add({.name = std::move(name), .content = std::move(content)});
    }
    TarFake& directory(std::string name, unsigned mode = 0755) {
        return add({.name = std::move(name), .type = '5', .mode = mode});
    }
    TarFake& symlink(std::string name, std::string target) {
        return add({.name = std::move(name), .type = '2', .target = std::move(target)});
    }
    TarFake& hard_link(std::string name, std::string target) {
        return add({.name = std::move(name), .type = '1', .target = std::move(target)});
    }

    std::string str() const { return bytes_ + std::string(1024, '\0'); }
    /// Without the end mark.
    const std::string& unfinished() const { return bytes_; }

private:
    /// "LENGTH key=value\n", where LENGTH counts itself.
    static std::string record(std::string_view key, std::string_view value) {
        const size_t rest = key.size() + value.size() + 3;
        size_t length = rest + 1;
        while (std::to_string(length).size() + rest != length) {
            length = std::to_string(length).size() + rest;
        }
        return fmt::format("{} {}={}\n", length, key, value);
    }

    void append(const Entry& entry, std::string_view content) {
        std::string header(512, '\0');
        const auto put = [&](size_t offset, std::string_view text) {
            header.replace(offset, text.size(), text);
        };
        const auto number = [](uint64_t value, int width) {
            return fmt::format("{:0{}o}", value, width);
        };
        put(0, std::string_view(entry.name).substr(0, 100));
        put(100, number(entry.mode, 7));
        put(108, number(entry.uid & 07777777, 7));
        put(116, number(entry.gid & 07777777, 7));
        put(124, entry.size_field.empty() ? number(content.size(), 11) : entry.size_field);
        put(136, number(static_cast<uint64_t>(entry.mtime), 11));
        put(148, "        ");
        header[156] = entry.type;
        put(157, std::string_view(entry.target).substr(0, 100));
        put(257, std::string_view("ustar\0"
                                  "00",
                                  8));
        put(329, number(entry.major, 7));
        put(337, number(entry.minor, 7));
        unsigned sum = 0;
        for (const char byte : header) {
            sum += static_cast<unsigned char>(byte);
        }
        put(148, number(sum, 6));
        header[154] = '\0';
        bytes_ += header;
        bytes_ += content;
        bytes_.resize((bytes_.size() + 511) / 512 * 512, '\0');
    }

    std::string bytes_;
};

}  // namespace gantry::store
