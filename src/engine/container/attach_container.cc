#include "engine/container/attach_container.h"

#include <fmt/core.h>

#include <utility>

#include "base/log.h"
#include "spec/detach_keys.h"

namespace gantry::engine {

namespace {

void log_lost_client(const ContainerEntry& entry, const Error& error) {
    log::debug("an attached client was dropped",
               {{"container", entry.id().str()}, {"error", error.text()}});
}

/// Hands the client to the shim that runs, or keeps it for the start to come. A start in between
/// makes the first look stale, never the second.
void connect_stream(const EntryPtr& entry, PendingAttach attach) {
    if (!entry->snapshot()->life.alive()) {
        const auto queued = entry->queue_attach(attach);
        if (queued) {
            return;
        }
        if (queued.error().kind() != Kind::kConflict) {
            log_lost_client(*entry, queued.error());
            return;
        }
        // The start that came in between either has a run for us when it is done, or has failed.
        {
            const auto turn = entry->begin();
        }
        if (!entry->snapshot()->life.alive()) {
            return;
        }
    }
    const auto run = entry->run();
    if (run == nullptr) {
        return;
    }
    if (const auto attached = run->shim.attach(std::move(attach.socket), attach.options);
        !attached) {
        log_lost_client(*entry, attached.error());
    }
}

runtime::StreamFraming framing_of(const AttachRequest& request, const ContainerRecord& record) {
    using runtime::StreamFraming;
    switch (request.web_socket) {
        case WebSocket::kBinary: return StreamFraming::kWebSocket;
        case WebSocket::kText: return StreamFraming::kWebSocketText;
        case WebSocket::kNo: break;
    }
    return record.config.tty ? StreamFraming::kNone : StreamFraming::kStdcopy;
}

void connect(ContainerCore& core, const EntryPtr& entry, const AttachRequest& request,
             PendingAttach attach) {
    if (request.logs && core.settings.log_replay) {
        // The stored log ends where the live stream begins as nearly as two sources allow: output
        // between the two reads of the shim may be missing from both.
        const StreamSelection streams{.standard_output = request.standard_output,
                                      .standard_error = request.standard_error};
        if (const auto replayed = core.settings.log_replay(entry->id(), attach.socket.get(),
                                                           streams, attach.options.framing);
            !replayed) {
            log_lost_client(*entry, replayed.error());
            return;
        }
    }
    publish_event(core, *entry->snapshot(), "attach");
    if (request.stream) {
        connect_stream(entry, std::move(attach));
    }
}

}  // namespace

Result<std::string> detach_key_bytes(std::string_view notation) {
    return spec::parse_detach_keys(notation.empty() ? "ctrl-p,ctrl-q" : notation);
}

Result<StreamTicket> attach_container(ContainerCore& core, const EntryPtr& entry,
                                      const AttachRequest& request) {
    const SnapshotPtr snapshot = entry->snapshot();
    const ContainerRecord& record = *snapshot->record;
    GT_TRY_VAR(keys, detach_key_bytes(request.detach_keys));
    if (snapshot->life.phase == Phase::kPaused) {
        return fail(Kind::kConflict, fmt::format("container {} is paused, unpause the container "
                                                 "before attach",
                                                 entry->id().str()));
    }
    if (snapshot->life.phase == Phase::kRestarting) {
        return fail(Kind::kConflict, fmt::format("container {} is restarting, wait until the "
                                                 "container is running",
                                                 entry->id().str()));
    }
    runtime::AttachOptions options{
        .standard_input = request.standard_input && record.config.open_stdin,
        .standard_output = request.standard_output,
        .standard_error = request.standard_error,
        .framing = framing_of(request, record),
        .detach_keys = record.config.tty ? std::move(keys) : std::string(),
        .early_input = {},
    };
    // ORDER: announced before the client sees its answer, upon which it starts the container.
    std::shared_ptr<void> announced;
    if (request.stream && !snapshot->life.alive()) {
        announced = entry->announce_attach();
    }
    return StreamTicket(record.config.tty,
                        [&core, entry, request, announced, options = std::move(options)](
                            UniqueFd socket, std::string_view input) {
                            PendingAttach attach{.socket = std::move(socket), .options = options};
                            attach.options.early_input = std::string(input);
                            connect(core, entry, request, std::move(attach));
                        });
}

}  // namespace gantry::engine
