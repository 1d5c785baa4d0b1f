#include "spec/api/image.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(RootFsInspect, "RootFS",
        .field("Type", &RootFsInspect::type).field("Layers", &RootFsInspect::layers, Rule::kOmit))

GT_JSON(ImageMetadata, "Metadata", .field("LastTagTime", &ImageMetadata::last_tag_time))

GT_JSON(LegacyImageConfig, "Config",
        .field("Hostname", &LegacyImageConfig::hostname)
            .field("Domainname", &LegacyImageConfig::domainname)
            .field("AttachStdin", &LegacyImageConfig::attach_stdin)
            .field("AttachStdout", &LegacyImageConfig::attach_stdout)
            .field("AttachStderr", &LegacyImageConfig::attach_stderr)
            .field("Tty", &LegacyImageConfig::tty)
            .field("OpenStdin", &LegacyImageConfig::open_stdin)
            .field("StdinOnce", &LegacyImageConfig::stdin_once)
            .field("Image", &LegacyImageConfig::image))

GT_JSON(ImageRunConfig, "DockerOCIImageConfig",
        .inlined(&ImageRunConfig::legacy)
            .field("Cmd", &ImageRunConfig::cmd, Rule::kNull, string_or_list())
            .field("Entrypoint", &ImageRunConfig::entrypoint, Rule::kAlways,
                   optional_string_or_list())
            .field("Env", &ImageRunConfig::env, Rule::kNull)
            .field("Labels", &ImageRunConfig::labels, Rule::kNull)
            .field("OnBuild", &ImageRunConfig::on_build, Rule::kNull)
            .field("User", &ImageRunConfig::user)
            .field("Volumes", &ImageRunConfig::volumes, Rule::kNull)
            .field("WorkingDir", &ImageRunConfig::working_dir)
            .field("ExposedPorts", &ImageRunConfig::exposed_ports, Rule::kOmit)
            .field("StopSignal", &ImageRunConfig::stop_signal, Rule::kOmit)
            .field("Healthcheck", &ImageRunConfig::healthcheck, Rule::kOmit)
            .field("Shell", &ImageRunConfig::shell, Rule::kOmit)
            .field("ArgsEscaped", &ImageRunConfig::args_escaped, Rule::kOmit))

GT_JSON(ImageInspect, "InspectResponse",
        .field("Id", &ImageInspect::id)
            .field("RepoTags", &ImageInspect::repo_tags)
            .field("RepoDigests", &ImageInspect::repo_digests)
            .field("Parent", &ImageInspect::parent)
            .field("Comment", &ImageInspect::comment)
            .field("Created", &ImageInspect::created, Rule::kOmit)
            .field("Container", &ImageInspect::container, Rule::kOmit)
            .field("ContainerConfig", &ImageInspect::container_config, Rule::kOmit)
            .field("DockerVersion", &ImageInspect::docker_version)
            .field("Author", &ImageInspect::author)
            .field("Config", &ImageInspect::config)
            .field("Architecture", &ImageInspect::architecture)
            .field("Variant", &ImageInspect::variant, Rule::kOmit)
            .field("Os", &ImageInspect::os)
            .field("OsVersion", &ImageInspect::os_version, Rule::kOmit)
            .field("Size", &ImageInspect::size)
            .field("VirtualSize", &ImageInspect::virtual_size, Rule::kOmit)
            .field("GraphDriver", &ImageInspect::graph_driver, Rule::kOmit)
            .field("RootFS", &ImageInspect::root_fs)
            .field("Metadata", &ImageInspect::metadata)
            .field("Descriptor", &ImageInspect::descriptor, Rule::kOmit))

GT_JSON(ImageSummary, "Summary",
        .field("Containers", &ImageSummary::containers)
            .field("Created", &ImageSummary::created)
            .field("Id", &ImageSummary::id)
            .field("Labels", &ImageSummary::labels)
            .field("ParentId", &ImageSummary::parent_id)
            .field("Descriptor", &ImageSummary::descriptor, Rule::kOmit)
            .field("RepoDigests", &ImageSummary::repo_digests)
            .field("RepoTags", &ImageSummary::repo_tags)
            .field("SharedSize", &ImageSummary::shared_size)
            .field("Size", &ImageSummary::size)
            .field("VirtualSize", &ImageSummary::virtual_size, Rule::kOmit))

GT_JSON(HistoryItem, "HistoryResponseItem",
        .field("Comment", &HistoryItem::comment)
            .field("Created", &HistoryItem::created)
            .field("CreatedBy", &HistoryItem::created_by)
            .field("Id", &HistoryItem::id)
            .field("Size", &HistoryItem::size)
            .field("Tags", &HistoryItem::tags, Rule::kNull))

GT_JSON(ImageDeleteItem, "DeleteResponse",
        .field("Deleted", &ImageDeleteItem::deleted, Rule::kOmit)
            .field("Untagged", &ImageDeleteItem::untagged, Rule::kOmit))

GT_JSON(ImagesPruneReport, "PruneReport",
        .field("ImagesDeleted", &ImagesPruneReport::images_deleted)
            .field("SpaceReclaimed", &ImagesPruneReport::space_reclaimed)
            .field("Objects", &ImagesPruneReport::objects, Rule::kOmit))

GT_JSON(IdResponse, "IDResponse", .field("Id", &IdResponse::id))

GT_JSON_DOCUMENT(std::vector<ImageSummary>)
GT_JSON_DOCUMENT(std::vector<HistoryItem>)
GT_JSON_DOCUMENT(std::vector<ImageDeleteItem>)

}  // namespace gantry::spec::impl
