/* commands: the subcommands, one a file. */
#ifndef FLARE_FLARE_ADMIN_COMMANDS_H
#define FLARE_FLARE_ADMIN_COMMANDS_H

#include "cli/subcommand.h"

extern const struct subcommand cmd_activate;
extern const struct subcommand cmd_add_node;
extern const struct subcommand cmd_add_slave;
extern const struct subcommand cmd_backup;
extern const struct subcommand cmd_balance;
extern const struct subcommand cmd_call;
extern const struct subcommand cmd_check;
extern const struct subcommand cmd_cluster;
extern const struct subcommand cmd_completion;
extern const struct subcommand cmd_create;
extern const struct subcommand cmd_del_node;
extern const struct subcommand cmd_deploy;
extern const struct subcommand cmd_distribution;
extern const struct subcommand cmd_down;
extern const struct subcommand cmd_dump;
extern const struct subcommand cmd_dumpkey;
extern const struct subcommand cmd_failback;
extern const struct subcommand cmd_failover_list;
extern const struct subcommand cmd_failover_with_dir;
extern const struct subcommand cmd_fix;
extern const struct subcommand cmd_force_failover;
extern const struct subcommand cmd_import;
extern const struct subcommand cmd_index;
extern const struct subcommand cmd_info;
extern const struct subcommand cmd_list;
extern const struct subcommand cmd_master;
extern const struct subcommand cmd_masters_with_dir;
extern const struct subcommand cmd_nodes_with_dir;
extern const struct subcommand cmd_part;
extern const struct subcommand cmd_ping;
extern const struct subcommand cmd_rebalance;
extern const struct subcommand cmd_reconstruct;
extern const struct subcommand cmd_remove;
extern const struct subcommand cmd_reset_distribution;
extern const struct subcommand cmd_restore;
extern const struct subcommand cmd_rowcount;
extern const struct subcommand cmd_scaleout;
extern const struct subcommand cmd_slave;
extern const struct subcommand cmd_summary;
extern const struct subcommand cmd_switchover;
extern const struct subcommand cmd_threads;
extern const struct subcommand cmd_tree;
extern const struct subcommand cmd_verify;

#endif
