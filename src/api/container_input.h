#pragma once

#include <string_view>

#include "api/version.h"
#include "engine/container/attach.h"
#include "engine/container/container_service.h"
#include "engine/logs/log_service.h"
#include "io/url.h"
#include "spec/api/container.h"

namespace gantry::api {

// What the queries of the container routes say, as the engine wants to hear it. Pure.

Result<engine::ListOptions> decode_list(const io::Query& query);
Result<engine::StopOptions> decode_stop(const io::Query& query, ApiVersion version);
engine::RemoveOptions decode_remove(const io::Query& query);
engine::AttachRequest decode_attach(const io::Query& query);
/// The same for a web socket.
engine::AttachRequest decode_attach_ws(const io::Query& query, ApiVersion version);
Result<engine::LogQuery> decode_logs(const io::Query& query);
/// `dry-run=1` of Gantry's own: every prune tells what it would remove.
engine::PruneMode prune_mode(const io::Query& query);

/// "" or "restart" of an update's Change and of a rollback.
Result<engine::Apply> decode_apply(std::string_view text);

/// Takes out of a create request what its version does not have, so that an old client's stray
/// fields do nothing. kInvalid for what that version forbids.
Result<> adjust_create(spec::ContainerCreateRequest& request, ApiVersion version);

/// The same for an update; here "no limit" must be said, since what is absent stays.
void adjust_update(spec::ContainerUpdateRequest& request, ApiVersion version);

}  // namespace gantry::api
