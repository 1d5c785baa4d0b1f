#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/container/core.h"
#include "net/dns_files.h"

namespace gantry::engine {

// HostConfig.Links: other containers of the default bridge under names of one's own. They are lines
// in the hosts file and variables that tell addresses, ports and environment (COMPAT: Docker's
// legacy links). A record names them by id, "ID:alias", so that they survive renames.

/// create: the containers that RECORD's links name must exist and have an address of their own some
/// day. kInvalid, in Docker's words; also for what no link looks like.
Result<> resolve_links(const ContainerTable& table, ContainerRecord& record);

/// As inspect shows them, "/peer:/NAME/alias", without those whose container is gone.
std::vector<std::string> shown_links(const ContainerTable& table, const ContainerRecord& record,
                                     std::string_view name);

/// The further names of all linked containers, "/parent/alias", by their ids.
std::map<ContainerId, std::vector<std::string>> link_names(const ContainerTable& table);

/// Those that RECORD's links name; some may be gone. Pure.
std::vector<ContainerId> linked_containers(const ContainerRecord& record);

/// start: the lines for the hosts file. Who is linked must run and have an address (kConflict).
Result<std::vector<net::HostEntry>> link_hosts(const ContainerCore& core,
                                               const ContainerSnapshot& snapshot);

/// RECORD of SNAPSHOT with the variables of its links in front of its own, for a start or an exec.
ContainerRecord with_link_variables(const ContainerCore& core, const ContainerSnapshot& snapshot);

/// ENTRY runs, maybe at another address: running containers that link to it get to know.
void tell_linking(const ContainerCore& core, const ContainerEntry& entry);

/// DELETE /containers/{parent}/{alias}?link=1. kNotFound "No such container: x" for no such parent,
/// "Cannot get child for link: x" otherwise.
Result<> remove_link(ContainerCore& core, std::string_view name);

}  // namespace gantry::engine
