/*
 * transcript: a conversation in a file, held with a server.
 *
 *     > text      send the text and "\r\n"
 *     >> text     send the text alone
 *     < text      the next line of the answer is this
 *     <eof        the server closes
 *     gone KEY    wait until a get of KEY gives a miss
 *     open        go on with a new connection
 *     # text      a remark
 *
 * \r \n \t \0 \\ and \xNN stand for bytes.  In an answer, {} stands for any
 * text, and {name} for text that is remembered: where it comes again, in a
 * request or an answer, it must be the same.
 */
#ifndef FLARE_TEST_INTEGRATION_TRANSCRIPT_H
#define FLARE_TEST_INTEGRATION_TRANSCRIPT_H

#include <stdint.h>

/* Hold the conversation with whoever listens there; fails with file:line. */
void transcript_run(const char *path, uint16_t port);

#endif
