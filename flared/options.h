/*
 * options: what a node can be told.
 *
 * Filled by conf_start() with flared_conf_spec; changed by conf_reload() only,
 * on the control thread.  Field names are the options' names.  Text fields are
 * never NULL.
 */
#ifndef FLARE_FLARED_OPTIONS_H
#define FLARE_FLARED_OPTIONS_H

#include "conf/conf.h"

struct flared_options {
    struct conf_common common; /* first: conf.h wants it here */
    char *pid;                 /* path; <data-dir>/flared.pid when not given */
    bool log_stderr;           /* option "stderr" */
    uint64_t ready_fd;         /* 0: none */
    bool daemonize;
    char *log_facility;
    char *log_level;

    char *server_name; /* own full name when not given */
    uint64_t server_port;
    char *server_socket; /* "" for none */
    char *bind;          /* "address,address" */
    char *trusted;       /* as trust_parse() takes it */
    uint64_t max_connection;
    uint64_t back_log;
    uint64_t net_read_timeout; /* s */
    uint64_t threads;          /* 0: one a core; never 0 after the check */
    uint64_t line_max;         /* bytes */
    uint64_t key_max;          /* bytes */
    uint64_t value_max;        /* bytes */
    uint64_t keys_per_get;
    uint64_t answer_max;   /* bytes of an answer before its last value */
    uint64_t pipeline_max; /* bytes waiting in order: stop reading */
    bool enable_shutdown;  /* the command of that name */
    uint64_t slowlog_us;   /* 0: no slow log */
    uint64_t slowlog_len;  /* entries */
    uint64_t output_high;  /* bytes queued for a client: stop reading */
    uint64_t output_low;   /* bytes left: read on */

    /* Either index_servers or the other two; see flared_options_index(). */
    char *index_servers;
    char *index_server_name;
    uint64_t index_server_port;

    char *replication_type;           /* "async" or "sync" */
    uint64_t sync_timeout;            /* ms */
    uint64_t failover_wait;           /* ms */
    uint64_t min_in_sync;             /* copies, the master included */
    uint64_t reconstruction_interval; /* us a record */
    uint64_t reconstruction_bwlimit;  /* KiB/s, 0: none */

    char *data_dir;
    char *storage_type;
    uint64_t storage_ap;
    uint64_t storage_fp;
    uint64_t storage_bucket_size;
    uint64_t storage_cache_size; /* remembered deletions */
    char *storage_compress;      /* "", "deflate", "bz2", "tcbs" */
    bool storage_large;
    uint64_t storage_lmemb;
    uint64_t storage_nmemb;
    uint64_t storage_dfunit;
    uint64_t storage_map_size;  /* bytes */
    uint64_t write_buffer_size; /* bytes */
    uint64_t mutex_slot;        /* key locks */
    uint64_t log_segment_bytes; /* of the update log */
    uint64_t log_keep_bytes;
    char *log_sync;
    uint64_t moved_keep;     /* s before moved records go, 0: they stay */
    uint64_t sweep_interval; /* ms between looks for expired records, 0: off */
};

extern const struct conf_spec flared_conf_spec;

/* The index servers as "host:port,host:port", whichever way they were given. */
char *flared_options_index(const struct flared_options *options)
    __attribute__((malloc));

#endif
