#pragma once

#include <chrono>

#include "base/error.h"
#include "engine/container/core.h"

namespace gantry::engine {

enum class RemovalPending { kNo, kYes };

/// Whether RECORD's restart policy starts the container again after the end that LIFE describes
/// (F6). Pure.
bool wants_restart(const ContainerRecord& record, const Lifecycle& life, RemovalPending removal);

/// Whether the policy starts a container that the daemon finds stopped when it starts (F6):
/// `always` also after a manual stop, `unless-stopped` only without one. Pure.
bool wants_boot_restart(const ContainerRecord& record, const Lifecycle& life);

/// 100 ms, doubled for each restart in a row up to a minute. Pure.
std::chrono::milliseconds restart_delay(int restarts_in_a_row);

/// Counts the run that LIFE describes: restarts in a row begin anew after one of 10 s and more.
int next_restarts_in_a_row(int before, const Lifecycle& life);

/// Starts the container after the delay, unless somebody stops or removes it before. The container
/// is in Phase::kRestarting. Nothing while the daemon recovers: BootStart does it then.
void schedule_restart(ContainerCore& core, const EntryPtr& entry,
                      const ContainerEntry::Operation& operation);

}  // namespace gantry::engine
