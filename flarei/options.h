/*
 * options: what the index server can be told.
 *
 * Filled by conf_start() with flarei_conf_spec; changed by conf_reload() only.
 * Field names are the options' names.  Text fields are never NULL.
 */
#ifndef FLARE_FLAREI_OPTIONS_H
#define FLARE_FLAREI_OPTIONS_H

#include "conf/conf.h"

struct flarei_options {
    struct conf_common common; /* first: conf.h wants it here */
    char *pid;                 /* path; <data-dir>/flarei.pid when not given */
    bool log_stderr;           /* option "stderr" */
    uint64_t ready_fd;         /* 0: none */
    bool daemonize;
    char *log_facility;
    char *log_level;

    char *data_dir;
    char *index_db; /* "file://folder"; file://<data-dir> when not given */

    char *server_name; /* own full name when not given */
    uint64_t server_port;
    char *server_socket; /* "" for none */
    char *bind;          /* "address,address" */
    char *trusted;       /* as trust_parse() takes it */
    uint64_t max_connection;
    uint64_t net_read_timeout; /* s */

    uint64_t monitor_threshold;
    uint64_t monitor_interval;     /* s */
    uint64_t monitor_interval_ms;  /* 0: monitor_interval counts */
    uint64_t monitor_read_timeout; /* ms */

    uint64_t partition_size;
    uint64_t partition_modular_hint;
    uint64_t partition_modular_virtual;
    char *partition_type;
    char *key_hash_algorithm;
};

extern const struct conf_spec flarei_conf_spec;

/* The monitoring interval in ms, whichever way it was given. */
uint64_t flarei_options_interval_ms(const struct flarei_options *options);

#endif
