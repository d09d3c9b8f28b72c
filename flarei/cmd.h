/*
 * cmd: the commands of the index (spec: control-plane 1).
 */
#ifndef FLARE_FLAREI_CMD_H
#define FLARE_FLAREI_CMD_H

#include "flarei/session.h"

/* Carry out one line, without its end, and answer it. */
void cmd_run(struct session *session, struct slice line);

/* --- for the files of the commands -------------------------------------- */

/* text + "\r\n". */
void cmd_answer(struct session *session, const char *text);

/* "ERROR": the line is not understood. */
void cmd_error(struct session *session);

/* True when no word is left. */
bool cmd_at_end(struct slice rest);

/* Commands with more to them; `rest` is what follows the first word. */
void cmd_node(struct session *session, struct slice rest);
void cmd_shutdown(struct session *session, struct slice rest);
void cmd_stats(struct session *session, struct slice rest);
void cmd_show(struct session *session, struct slice rest);

/* Bodies of "stats failovers" and "stats members".  False: out of memory. */
bool cmd_put_failovers(struct buf *out, struct flarei *flarei);
bool cmd_put_members(struct buf *out, const struct flarei *flarei);

#endif
