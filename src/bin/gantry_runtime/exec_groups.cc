#include "bin/gantry_runtime/exec_groups.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "sys/files.h"

namespace gantry::standalone {

namespace {

/// One --cgroup; without controllers it is for all.
struct Wanted {
    std::vector<std::string> controllers;
    std::string path;  // "/sub" or ""
};

Result<Wanted> parse(const std::string& text) {
    const Cut parts = cut(text, ':');
    Wanted wanted;
    if (parts.found) {
        for (const std::string_view name : split(parts.before, ',')) {
            wanted.controllers.emplace_back(name);
        }
    }
    for (const std::string_view part : split(parts.found ? parts.after : text, '/')) {
        if (part == "..") {
            return fail(Kind::kInvalid, fmt::format("bad sub cgroup path: {}", text));
        }
        if (!part.empty() && part != ".") {
            wanted.path += "/" + std::string(part);
        }
    }
    return wanted;
}

Result<std::vector<Wanted>> parse_all(const std::vector<std::string>& texts) {
    std::vector<Wanted> list;
    for (const std::string& text : texts) {
        GT_TRY_VAR(wanted, parse(text));
        list.push_back(std::move(wanted));
    }
    return list;
}

Result<> add_file(std::vector<UniqueFd>& files, const std::string& group, const char* name) {
    GT_TRY_VAR(file, sys::open_file(AT_FDCWD, (group + "/" + name).c_str(), O_WRONLY));
    files.push_back(std::move(file));
    return {};
}

Result<> check_controllers(const sys::CgroupLayout& layout, const std::vector<Wanted>& list) {
    for (const Wanted& wanted : list) {
        for (const std::string& name : wanted.controllers) {
            if (layout.find_v1(name) == nullptr) {
                return fail(Kind::kInvalid, fmt::format("unknown controller {:?}", name));
            }
        }
    }
    return {};
}

Result<std::vector<UniqueFd>> open_v1(const sys::Cgroup& cgroup, const std::vector<Wanted>& list) {
    GT_TRY(check_controllers(cgroup.layout(), list));
    std::vector<UniqueFd> files;
    for (const sys::CgroupHierarchy& hierarchy : cgroup.layout().v1) {
        std::string place = hierarchy.mount_point + cgroup.path();
        for (const Wanted& wanted : list) {
            const bool meant =
                wanted.controllers.empty() ||
                std::ranges::find_first_of(wanted.controllers, hierarchy.controllers) !=
                    wanted.controllers.end();
            if (meant) {
                place = hierarchy.mount_point + cgroup.path() + wanted.path;
            }
        }
        GT_TRY(add_file(files, place, "tasks"));
    }
    return files;
}

/// The container's own group, or that of its first process.
Result<std::string> usual_v2_place(const sys::Cgroup& cgroup, pid_t init) {
    constexpr size_t kMaxFile = size_t{64} << 10;
    const std::string& mount = cgroup.layout().v2_mount_point;
    std::string place = mount + cgroup.path();
    GT_TRY_VAR(divided, sys::read_file((place + "/cgroup.subtree_control").c_str(), kMaxFile));
    if (trim(divided).empty()) {
        return place;
    }
    GT_TRY_VAR(own, sys::read_file(fmt::format("/proc/{}/cgroup", init).c_str(), kMaxFile));
    constexpr std::string_view kV2 = "0::";
    for (const std::string_view line : split(own, '\n')) {
        if (line.starts_with(kV2)) {
            place = mount + std::string(line.substr(kV2.size()));
        }
    }
    return place;
}

}  // namespace

Result<std::vector<UniqueFd>> open_groups(const sys::Cgroup& cgroup, pid_t init,
                                          const std::vector<std::string>& wanted) {
    GT_TRY_VAR(list, parse_all(wanted));
    if (cgroup.layout().mode != sys::CgroupMode::kV2) {
        return open_v1(cgroup, list);
    }
    std::string place;
    if (list.empty()) {
        GT_TRY_VAR(usual, usual_v2_place(cgroup, init));
        place = usual;
    } else if (!list.back().controllers.empty()) {
        return fail(Kind::kInvalid, "unknown controller: cgroup v2 has one hierarchy for all");
    } else {
        place = cgroup.layout().v2_mount_point + cgroup.path() + list.back().path;
    }
    std::vector<UniqueFd> files;
    GT_TRY(add_file(files, place, "cgroup.procs"));
    return files;
}

}  // namespace gantry::standalone
