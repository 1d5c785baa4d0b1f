#include "volume/driver_options.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <netdb.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "spec/units.h"
#include "sys/mounts.h"

namespace gantry::volume {

namespace {

std::string value_of(const StringMap& options, const char* name) {
    const auto found = options.find(name);
    return found == options.end() ? std::string() : found->second;
}

Result<> need(const StringMap& options, const char* name,
              std::initializer_list<const char*> others) {
    for (const char* other : others) {
        if (options.contains(name) && !options.contains(other)) {
            return fail(Kind::kInvalid, fmt::format("missing required option: \"{}\"", other));
        }
    }
    return {};
}

/// A word of `o` that is about the mount and not the file system.
struct Word {
    std::string_view name;
    sys::MountAttr set = 0;
    sys::MountAttr clear = 0;
    uint64_t propagation = 0;
};

constexpr std::array kWords = {
    Word{.name = "defaults"},
    Word{.name = "rw", .clear = MOUNT_ATTR_RDONLY},
    Word{.name = "ro", .set = MOUNT_ATTR_RDONLY},
    Word{.name = "suid", .clear = MOUNT_ATTR_NOSUID},
    Word{.name = "nosuid", .set = MOUNT_ATTR_NOSUID},
    Word{.name = "dev", .clear = MOUNT_ATTR_NODEV},
    Word{.name = "nodev", .set = MOUNT_ATTR_NODEV},
    Word{.name = "exec", .clear = MOUNT_ATTR_NOEXEC},
    Word{.name = "noexec", .set = MOUNT_ATTR_NOEXEC},
    Word{.name = "noatime", .set = MOUNT_ATTR_NOATIME, .clear = MOUNT_ATTR__ATIME},
    Word{.name = "relatime", .clear = MOUNT_ATTR__ATIME},
    Word{.name = "strictatime", .set = MOUNT_ATTR_STRICTATIME, .clear = MOUNT_ATTR__ATIME},
    Word{.name = "nodiratime", .set = MOUNT_ATTR_NODIRATIME},
    Word{.name = "diratime", .clear = MOUNT_ATTR_NODIRATIME},
    Word{.name = "private", .propagation = MS_PRIVATE},
    Word{.name = "rprivate", .propagation = MS_PRIVATE},
    Word{.name = "shared", .propagation = MS_SHARED},
    Word{.name = "rshared", .propagation = MS_SHARED},
    Word{.name = "slave", .propagation = MS_SLAVE},
    Word{.name = "rslave", .propagation = MS_SLAVE},
    Word{.name = "async"},
};

/// `o`, sorted by who understands it.
struct ParsedOptions {
    sys::MountChange change;
    bool bind = false;
    sys::Tree bind_tree = sys::Tree::kOne;
    std::vector<sys::FsOption> file_system;
};

ParsedOptions parse_options(std::string_view text) {
    ParsedOptions parsed;
    for (const std::string_view part : split(text, ',')) {
        if (part.empty()) {
            continue;
        }
        if (part == "bind" || part == "rbind") {
            parsed.bind = true;
            parsed.bind_tree = part == "rbind" ? sys::Tree::kRecursive : sys::Tree::kOne;
            continue;
        }
        const auto* word = std::ranges::find(kWords, part, &Word::name);
        if (word == kWords.end()) {
            const Cut pair = cut(part, '=');
            parsed.file_system.push_back({std::string(pair.before), std::string(pair.after)});
            continue;
        }
        parsed.change.set = (parsed.change.set & ~word->clear) | word->set;
        parsed.change.clear = (parsed.change.clear & ~word->set) | word->clear;
        if (word->propagation != 0) {
            parsed.change.propagation = word->propagation;
        }
        if (part == "ro") {
            parsed.file_system.push_back({"ro", ""});
        }
    }
    return parsed;
}

/// COMPAT: the kernel's network file systems want an address, people write names.
Result<> resolve_address(std::vector<sys::FsOption>& options) {
    for (sys::FsOption& option : options) {
        std::array<unsigned char, sizeof(in6_addr)> buffer{};
        if (option.key != "addr" ||
            ::inet_pton(AF_INET, option.value.c_str(), buffer.data()) == 1 ||
            ::inet_pton(AF_INET6, option.value.c_str(), buffer.data()) == 1) {
            continue;
        }
        addrinfo* found = nullptr;
        if (const int error = ::getaddrinfo(option.value.c_str(), nullptr, nullptr, &found);
            error != 0) {
            return fail(Kind::kInvalid, fmt::format("error resolving passed in network volume "
                                                    "address: lookup {}: {}",
                                                    option.value, ::gai_strerror(error)));
        }
        const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
        std::array<char, 64> text{};
        if (::getnameinfo(list->ai_addr, list->ai_addrlen, text.data(), text.size(), nullptr, 0,
                          NI_NUMERICHOST) == 0) {
            option.value = text.data();
        }
    }
    return {};
}

Result<UniqueFd> make_mount(const StringMap& options, ParsedOptions& parsed) {
    const std::string device = value_of(options, "device");
    if (parsed.bind) {
        return sys::clone_mount(AT_FDCWD, device.c_str(), parsed.bind_tree);
    }
    GT_TRY(resolve_address(parsed.file_system));
    parsed.file_system.insert(parsed.file_system.begin(), {"source", device});
    return sys::make_mount(value_of(options, "type").c_str(), parsed.file_system, 0);
}

}  // namespace

Result<> check_driver_options(const StringMap& options) {
    constexpr std::array<std::string_view, 4> kKnown = {"type", "o", "device", "size"};
    for (const auto& [name, value] : options) {
        if (std::ranges::find(kKnown, name) == kKnown.end()) {
            return fail(Kind::kInvalid, fmt::format("invalid option: \"{}\"", name.substr(0, 256)));
        }
        if (value.find('\0') != std::string::npos) {
            return fail(Kind::kInvalid, fmt::format("invalid option: NUL in \"{}\"", name));
        }
    }
    GT_TRY(need(options, "device", {"type"}));
    GT_TRY(need(options, "type", {"device"}));
    GT_TRY(need(options, "o", {"device", "type"}));
    if (const auto size = options.find("size"); size != options.end()) {
        GT_TRY(spec::parse_ram(size->second));
        return fail(Kind::kInvalid, "quota size requested but no quota support");
    }
    return {};
}

Result<UniqueFd> make_driver_mount(const StringMap& options) {
    ParsedOptions parsed = parse_options(value_of(options, "o"));
    auto mount = make_mount(options, parsed);
    if (mount && (parsed.change.set | parsed.change.clear | parsed.change.propagation) != 0) {
        if (auto changed = sys::change_mount(mount->get(), parsed.change); !changed) {
            return Failure(std::move(changed).error().in("failed to mount local volume"));
        }
    }
    if (!mount) {
        return Failure(std::move(mount).error().in("failed to mount local volume"));
    }
    return mount;
}

}  // namespace gantry::volume
