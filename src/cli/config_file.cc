#include "cli/config_file.h"

#include <cstdlib>

#include "cli/read_file.h"
#include "spec/value.h"

namespace gantry::cli {
namespace {

constexpr size_t kMaxSize = 1 << 20;

std::string text_of(const spec::Value& file, std::string_view key) {
    const spec::Value* value = file.find(key);
    return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

std::vector<std::string> texts_of(const spec::Value& file, std::string_view key) {
    std::vector<std::string> texts;
    const spec::Value* value = file.find(key);
    if (value != nullptr && value->is_array()) {
        for (const spec::Value& item : value->as_array()) {
            if (item.is_string()) {
                texts.push_back(item.as_string());
            }
        }
    }
    return texts;
}

}  // namespace

Result<ConfigFile> load_config_file(const std::string& directory) {
    ConfigFile config;
    const std::string path = directory + "/config.json";
    auto text = read_file(path, kMaxSize);
    if (!text) {
        if (text.error().kind() == Kind::kNotFound) {
            return config;
        }
        return Failure(std::move(text).error());
    }
    auto file = spec::Value::parse(*text);
    if (!file) {
        return Failure(std::move(file).error().in(path));
    }
    config.ps_format = text_of(*file, "psFormat");
    config.images_format = text_of(*file, "imagesFormat");
    config.volumes_format = text_of(*file, "volumesFormat");
    config.stats_format = text_of(*file, "statsFormat");
    config.detach_keys = text_of(*file, "detachKeys");
    config.prune_filters = texts_of(*file, "pruneFilters");
    return config;
}

std::string default_config_dir() {
    if (const char* directory = std::getenv("DOCKER_CONFIG"); directory != nullptr && *directory) {
        return directory;
    }
    const char* home = std::getenv("HOME");
    return std::string(home != nullptr ? home : "") + "/.docker";
}

}  // namespace gantry::cli
