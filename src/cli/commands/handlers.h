#pragma once

#include "cli/flags/parser.h"

namespace gantry::cli {

class Session;

// What each command does; see Handler. One file for each group of commands that belong together.

// containers
int run_run(Session& session, const ParsedArgs& args);
int run_create(Session& session, const ParsedArgs& args);
int run_start(Session& session, const ParsedArgs& args);
int run_attach(Session& session, const ParsedArgs& args);
int run_exec(Session& session, const ParsedArgs& args);
int run_logs(Session& session, const ParsedArgs& args);
int run_ps(Session& session, const ParsedArgs& args);
int run_container_inspect(Session& session, const ParsedArgs& args);
int run_stop(Session& session, const ParsedArgs& args);
int run_restart(Session& session, const ParsedArgs& args);
int run_kill(Session& session, const ParsedArgs& args);
int run_pause(Session& session, const ParsedArgs& args);
int run_unpause(Session& session, const ParsedArgs& args);
int run_wait(Session& session, const ParsedArgs& args);
int run_rm(Session& session, const ParsedArgs& args);
int run_update(Session& session, const ParsedArgs& args);
int run_revisions(Session& session, const ParsedArgs& args);
int run_rollback(Session& session, const ParsedArgs& args);
int run_rename(Session& session, const ParsedArgs& args);
int run_top(Session& session, const ParsedArgs& args);
int run_port(Session& session, const ParsedArgs& args);
int run_stats(Session& session, const ParsedArgs& args);
int run_commit(Session& session, const ParsedArgs& args);
int run_cp(Session& session, const ParsedArgs& args);
int run_diff(Session& session, const ParsedArgs& args);
int run_export(Session& session, const ParsedArgs& args);
int run_container_prune(Session& session, const ParsedArgs& args);

// images
int run_images(Session& session, const ParsedArgs& args);
int run_image_inspect(Session& session, const ParsedArgs& args);
int run_history(Session& session, const ParsedArgs& args);
int run_tag(Session& session, const ParsedArgs& args);
int run_rmi(Session& session, const ParsedArgs& args);
int run_load(Session& session, const ParsedArgs& args);
int run_import(Session& session, const ParsedArgs& args);
int run_save(Session& session, const ParsedArgs& args);
int run_pull(Session& session, const ParsedArgs& args);
int run_image_prune(Session& session, const ParsedArgs& args);

// volumes
int run_volume_create(Session& session, const ParsedArgs& args);
int run_volume_inspect(Session& session, const ParsedArgs& args);
int run_volume_ls(Session& session, const ParsedArgs& args);
int run_volume_prune(Session& session, const ParsedArgs& args);
int run_volume_rename(Session& session, const ParsedArgs& args);
int run_volume_rm(Session& session, const ParsedArgs& args);

// the daemon
int run_inspect(Session& session, const ParsedArgs& args);
int run_events(Session& session, const ParsedArgs& args);
int run_info(Session& session, const ParsedArgs& args);
int run_version(Session& session, const ParsedArgs& args);
int run_system_prune(Session& session, const ParsedArgs& args);
int run_system_df(Session& session, const ParsedArgs& args);

}  // namespace gantry::cli
