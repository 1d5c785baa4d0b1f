#pragma once

namespace gantry::io {
class Loop;
}
namespace gantry::net {
class Networks;
}
namespace gantry::engine {
class ContainerService;
class EventBus;
class ExecService;
class FileService;
class ImageService;
class LogService;
class StatsService;
class SystemService;
class VolumeService;
}  // namespace gantry::engine

namespace gantry::api {

/// What the routes call. All of it outlives the Router and the server in front of it.
struct Services {
    engine::ContainerService& containers;
    engine::ExecService& execs;
    engine::FileService& files;
    engine::ImageService& images;
    engine::LogService& logs;
    engine::StatsService& stats;
    engine::SystemService& system;
    engine::VolumeService& volumes;
    engine::EventBus& events;
    net::Networks& networks;
    io::Loop& loop;
};

}  // namespace gantry::api
