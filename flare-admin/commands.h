/* commands: the subcommands, one a file. */
#ifndef FLARE_FLARE_ADMIN_COMMANDS_H
#define FLARE_FLARE_ADMIN_COMMANDS_H

#include "cli/subcommand.h"

extern const struct subcommand cmd_activate;
extern const struct subcommand cmd_balance;
extern const struct subcommand cmd_completion;
extern const struct subcommand cmd_deploy;
extern const struct subcommand cmd_down;
extern const struct subcommand cmd_dump;
extern const struct subcommand cmd_dumpkey;
extern const struct subcommand cmd_index;
extern const struct subcommand cmd_list;
extern const struct subcommand cmd_master;
extern const struct subcommand cmd_part;
extern const struct subcommand cmd_ping;
extern const struct subcommand cmd_reconstruct;
extern const struct subcommand cmd_remove;
extern const struct subcommand cmd_restore;
extern const struct subcommand cmd_slave;
extern const struct subcommand cmd_summary;
extern const struct subcommand cmd_threads;
extern const struct subcommand cmd_verify;

#endif
